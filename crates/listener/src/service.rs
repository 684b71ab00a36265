use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::{Frame, Incoming, SizeHint};
use tower_service::Service;

use crate::pulse::{Pulse, UnderWay};

/// How a request came; in its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// As it is: everything could be read on the way.
    Plain,
    /// By TLS.
    Tls,
}

/// The service as one connection sees it.
pub(crate) struct OfConnection<S> {
    pub(crate) service: S,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) peer: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) max_headers: usize,
}

/// The request came when the connection was to end already.
#[derive(Debug)]
pub(crate) struct TooLate;

/// The body of a response, that tells whether the client reads it.
pub(crate) struct WatchedBody {
    body: Body,
    under_way: UnderWay,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<WatchedBody>, TooLate>> + Send>>;

impl<S> hyper::service::Service<Request<Incoming>> for OfConnection<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<WatchedBody>;
    type Error = TooLate;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let under_way = self.pulse.begin();
        let has_too_many = request.headers().len() > self.max_headers;
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(self.transport);
        let mut service = self.service.clone();
        Box::pin(async move {
            let mut under_way = under_way.ok_or(TooLate)?;
            let response = match has_too_many {
                true => too_many_headers(),
                false => answer(&mut service, request).await,
            };
            under_way.answered();
            Ok(response.map(|body| WatchedBody { body, under_way }))
        })
    }
}

async fn answer<S>(service: &mut S, request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let ready = poll_fn(|cx| service.poll_ready(cx)).await;
    let Ok(response) = match ready {
        Ok(()) => service.call(request).await,
        Err(never) => match never {},
    };
    response
}

fn too_many_headers() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response
}

impl hyper::body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.under_way.asked_for_more();
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(_))) = frame {
            self.under_way.handed_over();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection had to end")
    }
}

impl std::error::Error for TooLate {}
