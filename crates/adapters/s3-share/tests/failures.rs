//! What can go wrong, each told apart from the others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::sync::Arc;

use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareAccess, ShareErrorKind as Kind, SharePath,
};
use keystead_domain::SecretBytes;
use keystead_test_servers::{Certificates, S3Server, S3Settings, ScriptedServer};
use support::{access, bytes, connect, content, folder_on, kind, put, server};

async fn stat_kind(share: &dyn FileShare, path: &str) -> Kind {
    kind(share.stat(&SharePath::new(path)).await)
}

fn on(server: &S3Server) -> ShareAccess {
    access(&server.url(), &server.endpoint())
}

/// A share whose server answers with what is made up.
async fn share_of(server: &ScriptedServer) -> Arc<dyn FileShare> {
    let endpoint = format!("http://127.0.0.1:{}", server.port());
    connect(&access("s3://escrow/keys", &endpoint)).await.unwrap()
}

fn refusal(status: &str, code: &str) -> String {
    ScriptedServer::answer(
        status,
        &format!("<Error><Code>{code}</Code><Message>no</Message></Error>"),
    )
}

#[tokio::test]
async fn a_wrong_key_is_not_signed_in() {
    let Some(server) = server() else {
        return;
    };
    let mut wrong_secret = folder_on(server, "keys");
    wrong_secret.password = Some(Arc::new(SecretBytes::new(b"another".to_vec())));
    let mut wrong_id = folder_on(server, "keys");
    wrong_id.username = Some("AKIAKEYSTEADSTRANGER".to_owned());
    for access in [wrong_secret, wrong_id] {
        let share = connect(&access).await.unwrap();
        assert_eq!(stat_kind(&*share, "k.pem").await, Kind::NotSignedIn);
        assert_eq!(stat_kind(&*share, "/").await, Kind::NotSignedIn);
        assert_eq!(
            kind(share.read(&SharePath::new("k.pem")).await),
            Kind::NotSignedIn
        );
        assert_eq!(
            kind(put(&*share, "k.pem", b"x", Replace::Never).await),
            Kind::NotSignedIn
        );
        assert_eq!(
            kind(share.remove(&SharePath::new("k.pem")).await),
            Kind::NotSignedIn
        );
    }
    let mut no_secret = folder_on(server, "keys");
    no_secret.password = None;
    assert_eq!(kind(connect(&no_secret).await), Kind::NotSignedIn);
}

#[tokio::test]
async fn what_the_policies_do_not_allow_is_denied() {
    let Some(server) = server() else {
        return;
    };
    put(
        &*connect(&folder_on(server, "policies")).await.unwrap(),
        "k.pem",
        b"there",
        Replace::Never,
    )
    .await
    .unwrap();
    let mut reader = folder_on(server, "policies");
    reader.username = Some(S3Server::READERS_ACCESS_KEY_ID.to_owned());
    let share = connect(&reader).await.unwrap();
    assert_eq!(content(&*share, "k.pem").await.unwrap(), b"there");
    for size in [1, 9 << 20] {
        let written = put(&*share, "new.pem", &bytes(size), Replace::Never).await;
        assert_eq!(kind(written), Kind::Denied, "{size}");
        let written = put(&*share, "k.pem", &bytes(size), Replace::Allowed).await;
        assert_eq!(kind(written), Kind::Denied, "{size}");
    }
    assert_eq!(kind(share.remove(&SharePath::new("k.pem")).await), Kind::Denied);

    let mut nobody = folder_on(server, "policies");
    nobody.username = Some(S3Server::NOBODYS_ACCESS_KEY_ID.to_owned());
    let share = connect(&nobody).await.unwrap();
    assert_eq!(stat_kind(&*share, "k.pem").await, Kind::Denied);
    assert_eq!(kind(share.read(&SharePath::new("k.pem")).await), Kind::Denied);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_share() {
    let Some(server) = server() else {
        return;
    };
    let share = connect(&access("s3://another-bucket/keys", &server.endpoint()))
        .await
        .unwrap();
    let path = SharePath::new("k.pem");
    assert_eq!(stat_kind(&*share, "k.pem").await, Kind::NoShare);
    assert_eq!(stat_kind(&*share, "/").await, Kind::NoShare);
    assert_eq!(kind(share.read(&path).await), Kind::NoShare);
    assert_eq!(kind(share.remove(&path).await), Kind::NoShare);
    for replace in [Replace::Never, Replace::Allowed] {
        assert_eq!(kind(put(&*share, "k.pem", b"x", replace).await), Kind::NoShare);
    }
}

#[tokio::test]
async fn a_name_that_s3_does_not_take_is_a_bad_name() {
    let Some(server) = server() else {
        return;
    };
    let share = connect(&folder_on(server, "names")).await.unwrap();
    put(&*share, &"x".repeat(1024 - "names/".len()), b"x", Replace::Never)
        .await
        .unwrap();
    for name in ["x".repeat(1025), "ü".repeat(513), "k.pem\u{a0}".to_owned()] {
        assert_eq!(
            kind(put(&*share, &name, b"x", Replace::Never).await),
            Kind::BadName,
            "{name}"
        );
        assert_eq!(stat_kind(&*share, &name).await, Kind::BadName);
    }
    let top = connect(&access(&server.url(), &server.endpoint())).await.unwrap();
    assert_eq!(stat_kind(&*top, " k.pem").await, Kind::BadName);
    assert_eq!(
        kind(put(&*share, "folder/", b"x", Replace::Never).await),
        Kind::NotAFile
    );
    assert_eq!(
        kind(put(&*share, "/", b"x", Replace::Never).await),
        Kind::NotAFile
    );
}

#[tokio::test]
async fn what_begins_with_a_name_and_a_slash_makes_it_a_folder() {
    let Some(server) = server() else {
        return;
    };
    let share = connect(&folder_on(server, "prefixes")).await.unwrap();
    put(&*share, "a/b/k.pem", b"x", Replace::Never).await.unwrap();
    for (path, expected) in [
        ("a", Some(EntryKind::Folder)),
        ("a/b", Some(EntryKind::Folder)),
        ("a/b/k.pem", Some(EntryKind::File)),
        ("a/b/k", None),
        ("a/c", None),
        ("a/c/", Some(EntryKind::Folder)),
        ("/", Some(EntryKind::Folder)),
    ] {
        assert_eq!(
            share.stat(&SharePath::new(path)).await.unwrap(),
            expected,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_server_that_was_away_works_again_on_the_same_share() {
    let Some(mut server) = S3Server::start(S3Settings::default()) else {
        return;
    };
    let share = connect(&on(&server)).await.unwrap();
    put(&*share, "k.pem", b"one", Replace::Never).await.unwrap();
    let mut begun = share
        .create(&SharePath::new("large.bin"), Replace::Never)
        .await
        .unwrap();
    begun.write(&bytes(20 << 20)).await.unwrap();
    server.stop();
    assert_eq!(stat_kind(&*share, "k.pem").await, Kind::Unavailable);
    assert_eq!(kind(begun.publish().await), Kind::Unavailable);
    server.restart();
    put(&*share, "k.pem", b"two", Replace::Never).await.unwrap();
    assert_eq!(content(&*share, "k.pem").await.unwrap(), b"two");
    assert_eq!(share.stat(&SharePath::new("large.bin")).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_right_certificate_is_trusted() {
    let (Some(ours), Some(others), Some(elsewhere)) = (
        Certificates::new("127.0.0.1"),
        Certificates::new("127.0.0.1"),
        Certificates::new("s3.example"),
    ) else {
        return;
    };
    let with = |certificates| S3Settings {
        certificates: Some(certificates),
    };
    let (Some(server), Some(misnamed)) = (S3Server::start(with(&ours)), S3Server::start(with(&elsewhere)))
    else {
        return;
    };
    let believing = |server: &S3Server, certificates: &Certificates| {
        let mut access = on(server);
        let file = certificates.authority().to_str().unwrap().to_owned();
        access.settings.insert("ca_file".to_owned(), file);
        access
    };
    let share = connect(&believing(&server, &ours)).await.unwrap();
    put(&*share, "k.pem", b"x", Replace::Never).await.unwrap();
    assert_eq!(content(&*share, "k.pem").await.unwrap(), b"x");

    for (access, word) in [
        (on(&server), "ca_file"),
        (believing(&server, &others), "ca_file"),
        (believing(&misnamed, &elsewhere), "another name"),
    ] {
        let share = connect(&access).await.unwrap();
        let error = share.stat(&SharePath::new("k.pem")).await.unwrap_err();
        assert_eq!(error.kind, Kind::Untrusted, "{error}");
        let told = format!("{} {}", error.message, error.advice.unwrap());
        assert!(told.contains(word), "{told}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    for (setting, value, expected) in [
        ("endpoint", "nas.example", Kind::BadLocation),
        ("endpoint", "ftp://nas.example", Kind::BadLocation),
        ("endpoint", "https://user:word@nas.example", Kind::BadLocation),
        ("endpoint", "http://nas.example", Kind::BadLocation),
        ("path_style", "true", Kind::BadLocation),
        ("insecure", "yes", Kind::BadLocation),
        ("ca_file", "/no/such/file", Kind::BadLocation),
    ] {
        let mut access = access("s3://escrow", "https://nas.example");
        access.settings.insert(setting.to_owned(), value.to_owned());
        assert_eq!(kind(connect(&access).await), expected, "{setting} = {value}");
    }
    let mut insecure = access("s3://escrow", "http://nas.example");
    let error = connect(&insecure).await.map(|_| ()).unwrap_err();
    assert!(error.advice.unwrap().contains("insecure = \"allow\""));
    insecure
        .settings
        .insert("insecure".to_owned(), "allow".to_owned());
    connect(&insecure).await.unwrap();
    assert_eq!(
        kind(connect(&access("s3://nas:9000/escrow", "https://x")).await),
        Kind::BadLocation
    );
}

#[tokio::test]
async fn what_servers_answer_is_told_apart() {
    for (status, code, expected) in [
        (
            "301 Moved Permanently\r\nLocation: http://127.0.0.1:1/",
            "PermanentRedirect",
            Kind::BadLocation,
        ),
        (
            "307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/",
            "TemporaryRedirect",
            Kind::BadLocation,
        ),
        (
            "400 Bad Request",
            "AuthorizationHeaderMalformed",
            Kind::BadLocation,
        ),
        ("400 Bad Request", "ExpiredToken", Kind::NotSignedIn),
        ("403 Forbidden", "RequestTimeTooSkewed", Kind::NotSignedIn),
        ("403 Forbidden", "QuotaExceeded", Kind::NoSpace),
        ("409 Conflict", "ConditionalRequestConflict", Kind::Exists),
        ("412 Precondition Failed", "PreconditionFailed", Kind::Exists),
        ("500 Internal Server Error", "InternalError", Kind::Unavailable),
        ("503 Service Unavailable", "SlowDown", Kind::Unavailable),
        ("507 Insufficient Storage", "XMinioStorageFull", Kind::NoSpace),
    ] {
        let server = ScriptedServer::new(move |request| match request.starts_with("PUT") {
            true => refusal(status, code),
            false if request.starts_with("HEAD") => ScriptedServer::answer("404 Not Found", ""),
            false => ScriptedServer::answer("200 OK", "<ListBucketResult></ListBucketResult>"),
        });
        let share = share_of(&server).await;
        let refused = kind(put(&*share, "k.pem", b"x", Replace::Never).await);
        assert_eq!(refused, expected, "{code}");
        assert!(
            server.requests()[0].contains("user-agent: keystead/"),
            "{:?}",
            server.requests()
        );
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let list = format!("<ListBucketResult>{}</ListBucketResult>", " ".repeat(9 << 20));
    let server = ScriptedServer::new(move |request| match request.starts_with("HEAD") {
        true => ScriptedServer::answer("404 Not Found", ""),
        false => ScriptedServer::answer("200 OK", &list),
    });
    let share = share_of(&server).await;
    assert_eq!(stat_kind(&*share, "k.pem").await, Kind::Unsupported);
    assert_eq!(
        kind(share.clean_up(&SharePath::new("k.pem")).await),
        Kind::Unsupported
    );
    let whole = content(&*share, "k.pem").await.unwrap();
    assert!(whole.len() > 9 << 20, "an object may be as long as it likes");
}

#[tokio::test]
async fn a_file_whose_end_does_not_arrive_is_not_taken_for_the_whole() {
    let server =
        ScriptedServer::new(|_| "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it".to_owned());
    let share = share_of(&server).await;
    let mut file = share.read(&SharePath::new("k.pem")).await.unwrap();
    let mut read = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut file, &mut read)
        .await
        .unwrap_err();
    let gets = server
        .requests()
        .iter()
        .filter(|request| request.starts_with("GET"))
        .count();
    assert_eq!(gets, 1);
}

#[tokio::test]
async fn without_any_key_nothing_is_asked_of_a_metadata_service() {
    let is_key = |name: &str| std::env::var_os(name).is_some();
    let home = std::env::var_os("HOME").unwrap_or_default();
    if is_key("AWS_ACCESS_KEY_ID") || std::path::Path::new(&home).join(".aws").exists() {
        return;
    }
    let server = ScriptedServer::new(|_| ScriptedServer::answer("200 OK", ""));
    let mut none = access("s3://escrow", &format!("http://127.0.0.1:{}", server.port()));
    (none.username, none.password) = (None, None);
    let share = connect(&none).await.unwrap();
    let path = SharePath::new("k.pem");
    let asked = tokio::time::timeout(std::time::Duration::from_secs(2), share.stat(&path));
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::NotSignedIn, "{error}");
    assert!(server.requests().is_empty());
}
