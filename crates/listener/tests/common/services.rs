//! Services for tests, and what they tell.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::routing::get;
use futures_util::stream;
use h2::client::SendRequest;
use tokio::sync::{Notify, mpsc};

use super::{Server, soon};

/// What happens to requests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Begun,
    Dropped,
}

/// Tells when it is dropped.
struct Tells(mpsc::UnboundedSender<Happened>);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.0.send(Happened::Dropped);
    }
}

/// Answers `/`; begins to answer `/wait`, and goes on when it is let go.
pub(crate) fn service() -> (Router, mpsc::UnboundedReceiver<Happened>, Arc<Notify>) {
    let (happened, happens) = mpsc::unbounded_channel();
    let go_on = Arc::new(Notify::new());
    let waited_for = Arc::clone(&go_on);
    let wait = move || {
        let (happened, go_on) = (happened.clone(), Arc::clone(&waited_for));
        async move {
            happened.send(Happened::Begun).unwrap();
            let tells = Tells(happened);
            go_on.notified().await;
            drop(tells);
            "waited"
        }
    };
    (hello().route("/wait", get(wait)), happens, go_on)
}

pub(crate) fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// A response without end at `/endless`, which tells when it is dropped.
pub(crate) fn endless() -> (Router, mpsc::UnboundedReceiver<Happened>) {
    let (happened, happens) = mpsc::unbounded_channel();
    let more = move || {
        let tells = Tells(happened.clone());
        let chunk = Bytes::from_static(&[7; 16 * 1024]);
        let chunks = stream::unfold(tells, move |tells| {
            let chunk = chunk.clone();
            async move { Some((Ok::<_, Infallible>(chunk), tells)) }
        });
        async move { Body::from_stream(chunks) }
    };
    (hello().route("/endless", get(more)), happens)
}

/// What comes next.
pub(crate) async fn next(happens: &mut mpsc::UnboundedReceiver<Happened>) -> Happened {
    soon(happens.recv()).await.unwrap()
}

/// A client that speaks HTTP/2, and its connection.
pub(crate) async fn http2(
    server: &Server,
) -> (
    SendRequest<Bytes>,
    impl Future<Output = Result<(), h2::Error>> + Send + use<>,
) {
    let stream = server.connect_tls(&["h2"]).await;
    soon(h2::client::handshake(stream)).await.unwrap()
}

pub(crate) fn request(server: &Server, path: &str) -> Request<()> {
    Request::get(server.url("https", path)).body(()).unwrap()
}
