//! A server for one test, and clients that behave in ways of their own.

#![allow(dead_code)] // Each test program uses a part of it.

pub(crate) mod services;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use keystead_domain::Timestamp;
use keystead_listener::{Certificates, Limits, ListenOptions, Listener, TlsFiles, write_self_signed};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A test that waits longer for something hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// What a test does not wait for.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) certificates: Option<Certificates>,
    shutdown: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// Limits of time that nothing reaches.
pub(crate) fn no_limits() -> Limits {
    Limits {
        handshake_timeout: NEVER,
        header_timeout: NEVER,
        idle_timeout: NEVER,
        write_timeout: NEVER,
        ..Limits::default()
    }
}

impl Server {
    pub(crate) async fn plain(service: Router, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start(folder, None, service, limits, NEVER).await
    }

    pub(crate) async fn tls(service: Router, limits: Limits) -> Self {
        Self::tls_with_grace(service, limits, NEVER).await
    }

    pub(crate) async fn tls_with_grace(service: Router, limits: Limits, grace: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = write_self_signed(&folder.path().join("tls"), &names, now()).unwrap();
        Self::start(folder, Some(made.files), service, limits, grace).await
    }

    pub(crate) async fn start(
        folder: TempDir,
        tls: Option<TlsFiles>,
        service: Router,
        limits: Limits,
        grace: Duration,
    ) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        let options = ListenOptions { address, tls, limits };
        let listener = Listener::bind(options).await.unwrap();
        let address = listener.local_address();
        let certificates = listener.certificates();
        let (shutdown, told) = oneshot::channel::<()>();
        let until = async move {
            let _ = told.await;
        };
        Self {
            address,
            folder,
            certificates,
            shutdown: Some(shutdown),
            served: tokio::spawn(listener.serve(service, until, grace)),
        }
    }

    /// The certificate's file.
    pub(crate) fn certificate(&self) -> String {
        let path = self.folder.path().join("tls/certificate.pem");
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }

    /// Begins to end.
    pub(crate) fn shut_down(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) {
        soon(&mut self.served).await.unwrap();
    }

    /// Drops what serves.
    pub(crate) fn abort(&self) {
        self.served.abort();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A connection with TLS that speaks one of these protocols.
    pub(crate) async fn connect_tls(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        let config = client_config(Path::new(&self.certificate()), protocols);
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.connect().await;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap()
    }
}

pub(crate) fn client_config(certificate: &Path, protocols: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// The time of the tests: certificates have to be valid for clients that look at the clock.
pub(crate) fn now() -> Timestamp {
    #[allow(
        clippy::disallowed_methods,
        reason = "clients that are not ours compare it with the clock"
    )]
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap()).unwrap()
}

/// What comes within a time that it cannot take.
pub(crate) async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(LONG, what).await.expect("nothing happened")
}

/// Runs a program and gives its exit status and what it said.
pub(crate) async fn run(program: &str, arguments: &[&str], input: &str) -> (bool, String, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    let mut stdin = child.stdin.take().unwrap();
    // A program that has what it needs may not read on.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = soon(child.wait_with_output()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// What curl prints for these arguments.
pub(crate) async fn curl(arguments: &[&str]) -> String {
    let quiet = ["--silent", "--show-error", "--max-time", "60", "--noproxy", "*"];
    let (is_good, out, err) = run("curl", &[&quiet, arguments].concat(), "").await;
    assert!(is_good, "curl {arguments:?}: {err}");
    out
}

/// What OpenSSL prints for these arguments.
pub(crate) async fn openssl(arguments: &[&str]) -> String {
    let (is_good, out, err) = run("openssl", arguments, "").await;
    assert!(is_good, "openssl {arguments:?}: {err}");
    out
}

/// Asks for a path on a connection, and gives the whole answer, which has a length.
pub(crate) async fn ask<S: AsyncRead + AsyncWriteExt + Unpin>(stream: &mut S, path: &str) -> String {
    begin(stream, path).await;
    answer(stream).await
}

/// Reads an answer, which has a length.
pub(crate) async fn answer<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !is_whole(&answer) {
        let read = soon(stream.read(&mut byte)).await.unwrap();
        assert_eq!(read, 1, "it ended after {:?}", String::from_utf8_lossy(&answer));
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

/// Asks for a path on HTTP/1.1, and does not wait for the answer.
pub(crate) async fn begin<S: AsyncWriteExt + Unpin>(stream: &mut S, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let len = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= len.map_or(0, |len| len.parse().unwrap())
}

/// Waits until the other side has closed the connection, and gives what it said until then.
pub(crate) async fn end_of<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut rest = Vec::new();
    // A connection may also end by being reset, or without the end of TLS.
    let _ = soon(stream.read_to_end(&mut rest)).await;
    String::from_utf8_lossy(&rest).into_owned()
}
