//! What stock clients see of TLS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::Router;
use axum::extract::{ConnectInfo, Extension};
use axum::http::Version;
use axum::routing::get;
use common::{NEVER, Server, curl, end_of, no_limits, now, openssl, run, soon};
use keystead_application::Explain;
use keystead_listener::{
    Limits, ListenError, ListenOptions, Listener, TlsFiles, Transport, write_self_signed,
};
use tokio::io::AsyncWriteExt;

/// Says how the request came.
fn service() -> Router {
    let say = |version: Version,
               ConnectInfo(peer): ConnectInfo<SocketAddr>,
               Extension(by): Extension<Transport>| async move {
        format!("{version:?} from {} by {by:?}", peer.ip())
    };
    Router::new().route("/", get(say))
}

#[tokio::test]
async fn curl_is_served_with_http2_and_http1() {
    let server = Server::tls(service(), no_limits()).await;
    let (certificate, url) = (server.certificate(), server.url("https", "/"));
    let by_http2 = curl(&["--cacert", &certificate, &url]).await;
    assert_eq!(by_http2, "HTTP/2.0 from 127.0.0.1 by Tls");
    let by_http1 = curl(&["--http1.1", "--cacert", &certificate, &url]).await;
    assert_eq!(by_http1, "HTTP/1.1 from 127.0.0.1 by Tls");
    let by_address = format!("https://{}/", server.address);
    assert_eq!(curl(&["--cacert", &certificate, &by_address]).await, by_http2);
}

#[tokio::test]
async fn without_tls_there_is_http1() {
    let server = Server::plain(service(), no_limits()).await;
    let said = curl(&[&server.url("http", "/")]).await;
    assert_eq!(said, "HTTP/1.1 from 127.0.0.1 by Plain");
    assert!(server.certificates.is_none());
}

#[tokio::test]
async fn a_client_that_does_not_know_the_certificate_refuses_it() {
    let server = Server::tls(service(), no_limits()).await;
    let url = server.url("https", "/");
    let (is_good, _, why) = run("curl", &["--silent", "--show-error", "--noproxy", "*", &url], "").await;
    assert!(!is_good && why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn the_fingerprint_is_the_one_that_openssl_prints() {
    let server = Server::tls(service(), no_limits()).await;
    let printed = openssl(&[
        "x509",
        "-in",
        &server.certificate(),
        "-noout",
        "-fingerprint",
        "-sha256",
    ])
    .await;
    let printed = printed
        .trim()
        .rsplit('=')
        .next()
        .unwrap()
        .replace(':', "")
        .to_lowercase();
    assert_eq!(server.certificates.as_ref().unwrap().fingerprint(), printed);
    assert_eq!(seen_by_openssl(&server).await, printed);
}

#[tokio::test]
async fn curl_can_pin_the_key() {
    let server = Server::tls(service(), no_limits()).await;
    let script = "openssl x509 -in \"$0\" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64";
    let (_, hash, _) = run("sh", &["-c", script, &server.certificate()], "").await;
    let pin = format!("sha256//{}", hash.trim());
    let url = server.url("https", "/");
    let said = curl(&["--insecure", "--pinnedpubkey", &pin, &url]).await;
    assert_eq!(said, "HTTP/2.0 from 127.0.0.1 by Tls");
}

#[tokio::test]
async fn openssl_gets_tls_1_2_and_1_3_and_nothing_older() {
    let server = Server::tls(service(), no_limits()).await;
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (is_good, said, _) = s_client(&server, &[version]).await;
        assert!(is_good && said.contains(&format!("New, {name}")), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    let (is_good, said, _) = s_client(&server, &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]).await;
    assert!(!is_good, "{said}");
}

#[tokio::test]
async fn a_protocol_that_both_speak_is_chosen() {
    let server = Server::tls(service(), no_limits()).await;
    for (offered, chosen) in [
        ("h2,http/1.1", "h2"),
        ("http/1.1", "http/1.1"),
        ("spdy/1,h2", "h2"),
    ] {
        let (_, said, _) = s_client(&server, &["-alpn", offered]).await;
        assert!(said.contains(&format!("ALPN protocol: {chosen}")), "{said}");
    }
    let (is_good, said, _) = s_client(&server, &["-alpn", "spdy/1"]).await;
    assert!(!is_good, "{said}");
}

#[tokio::test]
async fn what_is_no_tls_is_ended() {
    let server = Server::tls(service(), no_limits()).await;
    let mut client = server.connect().await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    end_of(&mut client).await;
    assert_eq!(
        curl(&["--insecure", &server.url("https", "/")]).await,
        "HTTP/2.0 from 127.0.0.1 by Tls"
    );
}

#[tokio::test]
async fn a_client_that_does_not_begin_tls_is_cut() {
    let limits = Limits {
        handshake_timeout: std::time::Duration::from_millis(50),
        ..no_limits()
    };
    let server = Server::tls(service(), limits).await;
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    end_of(&mut silent).await;
    end_of(&mut slow).await;
}

#[tokio::test]
async fn keys_of_every_kind_and_form_are_taken() {
    let rsa = "openssl genrsa -traditional -out key.pem 2048";
    let rsa_pkcs8 = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem";
    let sec1 = "openssl ecparam -name prime256v1 -genkey -noout -out key.pem";
    let p384 = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem";
    let ed25519 = "openssl genpkey -algorithm ED25519 -out key.pem";
    for make in [rsa, rsa_pkcs8, sec1, p384, ed25519] {
        let folder = tempfile::tempdir().unwrap();
        let files = made_by_openssl(folder.path(), make).await;
        let certificate = files.certificate.to_str().unwrap().to_owned();
        let server = Server::start(folder, Some(files), service(), no_limits(), NEVER).await;
        let (is_good, said, _) = run(
            "openssl",
            &[
                "s_client",
                "-connect",
                &server.address.to_string(),
                "-CAfile",
                &certificate,
                "-verify_return_error",
            ],
            "",
        )
        .await;
        assert!(
            is_good && said.contains("Verify return code: 0 (ok)"),
            "{make}: {said}"
        );
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let good = made_by_openssl(folder.path(), "openssl genpkey -algorithm ED25519 -out key.pem").await;
    let at = |name: &str| folder.path().join(name);
    let key = |path| TlsFiles {
        private_key: path,
        ..good.clone()
    };
    let certificate = |path| TlsFiles {
        certificate: path,
        ..good.clone()
    };
    let make = "openssl genpkey -algorithm ED25519 -out other.pem; \
        openssl pkey -in key.pem -aes256 -passout pass:secret -out encrypted.pem; \
        openssl ecparam -name prime256v1 -genkey -noout | openssl ec -aes256 -passout pass:secret -out old-encrypted.pem; \
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.pem; \
        cp key.pem open.pem; chmod 604 open.pem; cp key.pem group.pem; chmod 640 group.pem; \
        echo nothing > nothing.pem; : > empty.pem; head -c 1100000 /dev/zero > long.pem; \
        printf '%s\\n' '-----BEGIN CERTIFICATE-----' 'AAAA' '-----END CERTIFICATE-----' > broken.pem; \
        printf '%s\\n' '-----BEGIN CERTIFICATE-----' 'AA!!' '-----END CERTIFICATE-----' > no-base64.pem";
    in_folder(folder.path(), make).await;
    for (files, why, fix) in [
        (
            key(at("other.pem")),
            "it is not the key of the certificate",
            "belong together",
        ),
        (
            key(at("encrypted.pem")),
            "protected by a passphrase",
            "openssl pkey -in FILE",
        ),
        (
            key(at("old-encrypted.pem")),
            "protected by a passphrase",
            "openssl pkey -in FILE",
        ),
        (key(at("short.pem")), "cannot be used", "RSA (2048 bits or more)"),
        (key(at("open.pem")), "(mode 0604)", "chmod 600"),
        (
            key(at("nothing.pem")),
            "no private key in it",
            "PKCS#8, PKCS#1 or SEC1",
        ),
        (
            key(at("empty.pem")),
            "no private key in it",
            "PKCS#8, PKCS#1 or SEC1",
        ),
        (
            key(at("certificate.pem")),
            "no private key in it",
            "PKCS#8, PKCS#1 or SEC1",
        ),
        (key(at("none.pem")), "cannot be read", "check that it is there"),
        (key(folder.path().to_owned()), "it is not a file", "PEM file"),
        (key(at("long.pem")), "longer than 1 MiB", "PEM file"),
        (certificate(at("key.pem")), "no certificate in it", "PEM file"),
        (
            certificate(at("none.pem")),
            "cannot be read",
            "check that it is there",
        ),
        (certificate(at("broken.pem")), "cannot be used", "X.509"),
        (certificate(at("no-base64.pem")), "no PEM file", "PEM file"),
    ] {
        let Err(error) = bound(files.clone()).await else {
            panic!("{files:?} was taken");
        };
        assert!(error.why().contains(why), "{files:?}: {error}");
        assert!(error.fix().contains(fix), "{files:?}: {}", error.fix());
    }
    bound(key(at("group.pem"))).await.unwrap();
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart() {
    let server = Server::tls(service(), no_limits()).await;
    let certificates = server.certificates.clone().unwrap();
    let first = seen_by_openssl(&server).await;
    assert!(!certificates.reload().await.unwrap(), "it is still the same");

    replace_pair(&server).await;
    assert_eq!(seen_by_openssl(&server).await, first);
    assert!(certificates.reload().await.unwrap());
    let second = seen_by_openssl(&server).await;
    assert_ne!(second, first);
    assert_eq!(second, certificates.fingerprint());
}

#[tokio::test]
async fn a_broken_certificate_leaves_the_one_before_in_use() {
    let server = Server::tls(service(), no_limits()).await;
    let certificates = server.certificates.clone().unwrap();
    let first = seen_by_openssl(&server).await;
    fs::write(server.certificate(), "half a certificate").unwrap();
    let error = certificates.reload().await.unwrap_err();
    assert!(error.why().contains("no certificate in it"), "{error}");
    assert_eq!(seen_by_openssl(&server).await, first);
}

#[tokio::test]
async fn a_client_that_stays_keeps_its_connection_through_a_new_certificate() {
    let server = Server::tls(service(), no_limits()).await;
    let mut client = server.connect_tls(&["http/1.1"]).await;
    let before = common::ask(&mut client, "/").await;
    replace_pair(&server).await;
    assert!(server.certificates.as_ref().unwrap().reload().await.unwrap());
    let after = common::ask(&mut client, "/").await;
    assert!(
        before.ends_with("by Tls") && after.ends_with("by Tls"),
        "{before} {after}"
    );
}

async fn bound(files: TlsFiles) -> Result<Listener, ListenError> {
    let options = ListenOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: Some(files),
        limits: Limits::default(),
    };
    soon(Listener::bind(options)).await
}

/// Puts another pair in the place of the one that the server uses.
async fn replace_pair(server: &Server) {
    let other = tempfile::tempdir_in(server.folder.path()).unwrap();
    let made = write_self_signed(&other.path().join("tls"), &["localhost".to_owned()], now()).unwrap();
    let folder = server.folder.path().join("tls");
    fs::rename(made.files.certificate, folder.join("certificate.pem")).unwrap();
    fs::rename(made.files.private_key, folder.join("private-key.pem")).unwrap();
}

/// A key that was made so, and a certificate of its own for localhost.
async fn made_by_openssl(folder: &Path, make_key: &str) -> TlsFiles {
    let certify = "openssl req -x509 -new -key key.pem -days 30 -out certificate.pem \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1";
    in_folder(folder, &format!("{make_key} && {certify}")).await;
    let private_key = folder.join("key.pem");
    fs::set_permissions(&private_key, fs::Permissions::from_mode(0o600)).unwrap();
    TlsFiles {
        certificate: folder.join("certificate.pem"),
        private_key,
    }
}

async fn in_folder(folder: &Path, script: &str) {
    let script = format!("umask 077; cd \"$0\"; {script}");
    let (is_good, _, why) = run("sh", &["-ec", &script, folder.to_str().unwrap()], "").await;
    assert!(is_good, "{why}");
}

async fn s_client(server: &Server, more: &[&str]) -> (bool, String, String) {
    let (address, certificate) = (server.address.to_string(), server.certificate());
    let arguments = [
        "s_client",
        "-connect",
        &address,
        "-servername",
        "localhost",
        "-CAfile",
        &certificate,
    ];
    run("openssl", &[&arguments, more].concat(), "").await
}

/// The fingerprint of the certificate that the server shows.
async fn seen_by_openssl(server: &Server) -> String {
    let script = "openssl s_client -connect \"$0\" -servername localhost </dev/null 2>/dev/null \
        | openssl x509 -outform DER | sha256sum";
    let (_, said, _) = run("sh", &["-c", script, &server.address.to_string()], "").await;
    said.split_whitespace().next().unwrap().to_owned()
}
