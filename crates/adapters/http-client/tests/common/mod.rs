//! A manager for one test, and raw servers that answer in ways of their own.

#![allow(dead_code)] // Each test program uses a part of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use keystead_application::ports::{Randomness, RandomnessError};
use keystead_domain::Timestamp;
use keystead_http_client::{ApiRequest, ClientOptions, HttpClient, Method, Trust};
use keystead_listener::{Limits, ListenOptions, Listener, TlsFiles, write_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Manager {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: String,
    pub(crate) files: TlsFiles,
    folder: TempDir,
    served: JoinHandle<()>,
}

impl Manager {
    pub(crate) async fn start(service: Router) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned()];
        let files = write_self_signed(&folder.path().join("tls"), &names, now())
            .unwrap()
            .files;
        let listener = Listener::bind(ListenOptions {
            address: "127.0.0.1:0".parse().unwrap(),
            tls: Some(files.clone()),
            limits: Limits::default(),
        })
        .await
        .unwrap();
        Self {
            address: listener.local_address(),
            fingerprint: listener.certificate_fingerprint().unwrap(),
            files,
            folder,
            served: tokio::spawn(listener.serve(service, std::future::pending(), LONG)),
        }
    }

    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions {
            trust: Trust::Fingerprint(self.fingerprint.clone()),
            ..options(&format!("https://localhost:{}", self.address.port()))
        }
    }

    pub(crate) fn client(&self) -> HttpClient {
        client(self.options())
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.served.abort();
    }
}

pub(crate) fn options(base: &str) -> ClientOptions {
    ClientOptions {
        base: base.to_owned(),
        trust: Trust::System,
        timeout: LONG,
        patience: LONG,
        allow_plain: false,
        credential: None,
    }
}

pub(crate) fn client(options: ClientOptions) -> HttpClient {
    HttpClient::new(options, Arc::new(NoPause)).unwrap()
}

pub(crate) fn get(path: &str) -> ApiRequest {
    ApiRequest::new(Method::GET, path)
}

/// Makes all pauses as short as they can be.
pub(crate) struct NoPause;

impl Randomness for NoPause {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        buffer.fill(0);
        Ok(())
    }
}

/// A server that reads a request's head on each connection, tells it, writes the answer for that connection, and closes it.
/// After the last answer it gives that one again and again.
pub(crate) async fn raw_server(
    answers: &'static [&'static str],
) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (asked, asks) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut rest = answers;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = head(&mut stream).await;
            stream.write_all(rest[0].as_bytes()).await.unwrap();
            if asked.send(head).is_err() {
                return;
            }
            if rest.len() > 1 {
                rest = &rest[1..];
            }
        }
    });
    (base, asks)
}

/// The head of a request.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.unwrap();
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn now() -> Timestamp {
    #[allow(
        clippy::disallowed_methods,
        reason = "certificates are compared with the clock"
    )]
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap()).unwrap()
}

/// How often something was asked so far.
pub(crate) fn count(asks: &mut mpsc::UnboundedReceiver<String>) -> usize {
    std::iter::from_fn(|| asks.try_recv().ok()).count()
}
