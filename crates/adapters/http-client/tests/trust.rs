//! A manager is believed because of its certificate, and no other is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get as route;
use common::{Manager, NoPause, client, get, now, options, raw_server};
use keystead_application::Explain;
use keystead_http_client::{ClientErrorKind, ClientOptions, HttpClient, Trust};
use keystead_listener::{TlsFiles, write_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A manager, and how often it was asked.
async fn manager() -> (Manager, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    let hello = async move || {
        counts.fetch_add(1, Ordering::Relaxed);
        "hello"
    };
    (
        Manager::start(Router::new().route("/", route(hello))).await,
        asked,
    )
}

fn with_colons(fingerprint: &str) -> String {
    let bytes: Vec<&str> = (0..32).map(|n| &fingerprint[2 * n..2 * n + 2]).collect();
    bytes.join(":").to_uppercase()
}

#[tokio::test]
async fn a_manager_is_believed_by_its_fingerprint_or_its_file() {
    let (manager, asked) = manager().await;
    for trust in [
        Trust::Fingerprint(manager.fingerprint.clone()),
        Trust::Fingerprint(with_colons(&manager.fingerprint)),
        Trust::File(manager.files.certificate.clone()),
    ] {
        let believing = client(ClientOptions {
            trust,
            ..manager.options()
        });
        let answer = believing.send(get("/")).await.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, b"hello".as_slice())
        );
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    // By its fingerprint also under a name that is not in the certificate, and by the file not.
    let elsewhere = |trust| ClientOptions {
        base: format!("https://127.0.0.1:{}", manager.address.port()),
        trust,
        ..manager.options()
    };
    let by_fingerprint = client(elsewhere(Trust::Fingerprint(manager.fingerprint.clone())));
    assert_eq!(by_fingerprint.send(get("/")).await.unwrap().status, 200);
    let by_file = client(elsewhere(Trust::File(manager.files.certificate.clone())));
    let error = by_file.send(get("/")).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::Untrusted);
    assert!(error.why().contains("for another name"), "{error}");
}

#[tokio::test]
async fn another_certificate_is_refused_with_both_fingerprints() {
    let (manager, asked) = manager().await;
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let pinned = client(ClientOptions {
        trust: Trust::Fingerprint(expected.to_owned()),
        ..manager.options()
    });
    let error = pinned.send(get("/")).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::Untrusted);
    let why = format!(
        "its fingerprint is {}, and {expected} was expected",
        manager.fingerprint
    );
    assert!(error.why().contains(&why), "{error}");
    assert!(error.fix().contains("somebody is in between"), "{}", error.fix());
    assert!(!error.may_be_done());
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn who_nobody_vouches_for_is_refused() {
    let (manager, asked) = manager().await;
    let other = tempfile::tempdir().unwrap();
    let other = write_self_signed(&other.path().join("tls"), &["localhost".to_owned()], now());
    for trust in [Trust::System, Trust::File(other.unwrap().files.certificate)] {
        let trusting = HttpClient::new(
            ClientOptions {
                trust: trust.clone(),
                ..manager.options()
            },
            Arc::new(NoPause),
        );
        // A machine without certificates of authorities says so at once.
        let error = match trusting {
            Ok(trusting) => trusting.send(get("/")).await.err().unwrap(),
            Err(error) => {
                assert!(
                    error.why().contains("has no certificates of authorities"),
                    "{error}"
                );
                continue;
            }
        };
        assert_eq!(error.kind, ClientErrorKind::Untrusted, "{trust:?}: {error}");
        assert!(error.fix().contains("fingerprint"), "{}", error.fix());
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

/// Shows a certificate, and signs with a key that does not belong to it.
#[derive(Debug)]
struct Impostor(Arc<CertifiedKey>);

impl ResolvesServerCert for Impostor {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn who_shows_the_certificate_without_its_key_is_refused() {
    let (manager, _) = manager().await;
    for version in [&TLS12, &TLS13] {
        let address = impostor(&manager.files, version).await;
        let deceived = client(ClientOptions {
            base: format!("https://{address}"),
            patience: std::time::Duration::ZERO,
            ..manager.options()
        });
        let error = deceived.send(get("/")).await.err().unwrap();
        assert_eq!(error.kind, ClientErrorKind::Untrusted, "{version:?}: {error}");
        assert!(error.why().contains("BadSignature"), "{error}");
        assert!(error.what().contains("is not trusted"), "{error}");
    }
}

async fn impostor(files: &TlsFiles, version: &'static SupportedProtocolVersion) -> std::net::SocketAddr {
    let other = tempfile::tempdir().unwrap();
    let other = write_self_signed(&other.path().join("tls"), &["localhost".to_owned()], now()).unwrap();
    let certificate = CertificateDer::from_pem_file(&files.certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(&other.files.private_key).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let impostor = Impostor(Arc::new(CertifiedKey::new(vec![certificate], key)));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(impostor));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(stream).await;
        }
    });
    address
}

#[tokio::test]
async fn who_does_not_speak_tls_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut { stream }, b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await;
        }
    });
    let fingerprint = "0".repeat(64);
    let asking = client(ClientOptions {
        trust: Trust::Fingerprint(fingerprint),
        ..options(&base)
    });
    let error = asking.send(get("/")).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::Untrusted, "{error}");
    assert!(error.why().contains("does not answer with TLS"), "{error}");
}

#[tokio::test]
async fn other_machines_are_not_asked_without_tls() {
    let refused = |base: &str| HttpClient::new(options(base), Arc::new(NoPause)).err().unwrap();
    let error = refused("http://manager.example.org:8080");
    assert_eq!(error.kind, ClientErrorKind::Options);
    assert!(error.why().contains("everybody on the way"), "{error}");
    assert!(error.fix().contains("https://"), "{}", error.fix());
    let allowed = ClientOptions {
        allow_plain: true,
        ..options("http://manager.example.org:8080")
    };
    HttpClient::new(allowed, Arc::new(NoPause)).unwrap();

    let (base, _asks) = raw_server(&["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"]).await;
    assert_eq!(
        client(options(&base))
            .send(get("/"))
            .await
            .unwrap()
            .body
            .as_slice(),
        b"hello"
    );
}

#[tokio::test]
async fn what_cannot_be_trusted_by_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for (trust, why) in [
        (Trust::Fingerprint("abc".to_owned()), "64 hexadecimal digits"),
        (Trust::Fingerprint(String::new()), "64 hexadecimal digits"),
        (Trust::File(folder.path().join("none.pem")), "none.pem"),
        (Trust::File(empty), "there is no certificate in it"),
    ] {
        let refused = ClientOptions {
            trust,
            ..options("https://manager.example.org")
        };
        let error = HttpClient::new(refused, Arc::new(NoPause)).err().unwrap();
        assert_eq!(error.kind, ClientErrorKind::Options);
        assert!(error.why().contains(why), "{error}");
    }
}
