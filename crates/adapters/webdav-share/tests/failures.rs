//! What can go wrong, each told apart from the others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareAccess, ShareAddress, ShareErrorKind as Kind, SharePath,
    ShareProvider,
};
use keystead_domain::SecretBytes;
use keystead_test_servers::{Certificates, ScriptedServer, WebDavServer, WebDavSettings, WebDavSoftware};
use keystead_webdav_share::WebDavShareProvider;
use support::{access, connect, content, found, kind, put, share_at, share_of, temporaries};

async fn stat_kind(share: &dyn FileShare, path: &str) -> Kind {
    kind(share.stat(&SharePath::new(path)).await)
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_not_signed_in() {
    let Some(server) = WebDavServer::start(WebDavSettings::default()) else {
        return;
    };
    let right = access(&server.url());
    let mut wrong = right.clone();
    wrong.password = Some(Arc::new(SecretBytes::new(b"another".to_vec())));
    let mut none = right.clone();
    none.password = None;
    for access in [wrong, none, ShareAccess::to(right.address.clone())] {
        let share = connect(&access).await.unwrap();
        assert_eq!(stat_kind(&*share, "k.pem").await, Kind::NotSignedIn);
        assert_eq!(
            kind(put(&*share, "k.pem", b"x", Replace::Never).await),
            Kind::NotSignedIn
        );
    }
    assert_eq!(fs::read_dir(server.root()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_that_the_server_may_not_write_to_is_denied() {
    for software in [WebDavSoftware::Rclone, WebDavSoftware::WsgiDav] {
        let settings = WebDavSettings {
            software,
            read_only: true,
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        fs::write(server.root().join("k.pem"), "there").unwrap();
        fs::set_permissions(server.root().join("k.pem"), PermissionsExt::from_mode(0o644)).unwrap();
        let share = share_at(&server.url()).await;
        assert_eq!(content(&*share, "k.pem").await.unwrap(), b"there");
        let refused = kind(put(&*share, "new.pem", b"x", Replace::Never).await);
        assert_eq!(refused, Kind::Denied, "{software:?}");
        assert_eq!(
            kind(share.remove(&SharePath::new("k.pem")).await),
            Kind::Denied,
            "{software:?}"
        );
        assert_eq!(fs::read_dir(server.root()).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn a_full_server_leaves_no_half_file() {
    for (software, expected) in [
        // It says that it cannot do it, and not why.
        (WebDavSoftware::Rclone, Kind::Unsupported),
        (WebDavSoftware::WsgiDav, Kind::NoSpace),
    ] {
        let settings = WebDavSettings {
            software,
            room: Some(1 << 20),
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        let share = share_at(&server.url()).await;
        put(&*share, "old.pem", b"stays", Replace::Never).await.unwrap();
        for size in [3 << 20, 20 << 20] {
            let large = vec![7; size];
            assert_eq!(
                kind(put(&*share, "k.pem", &large, Replace::Never).await),
                expected,
                "{software:?} {size}"
            );
            assert_eq!(
                kind(put(&*share, "old.pem", &large, Replace::Allowed).await),
                expected,
                "{software:?} {size}"
            );
        }
        let names: Vec<_> = fs::read_dir(server.root())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["old.pem"], "{software:?}");
        assert_eq!(content(&*share, "old.pem").await.unwrap(), b"stays");
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_is_a_bad_name() {
    for software in [WebDavSoftware::Rclone, WebDavSoftware::WsgiDav] {
        let settings = WebDavSettings {
            software,
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        let share = share_at(&server.url()).await;
        let long = "x".repeat(300);
        for replace in [Replace::Never, Replace::Allowed] {
            assert_eq!(
                kind(put(&*share, &long, b"x", replace).await),
                Kind::BadName,
                "{software:?}"
            );
        }
        assert_eq!(fs::read_dir(server.root()).unwrap().count(), 0, "{software:?}");
    }
}

#[tokio::test]
async fn a_file_that_came_in_between_stays_where_the_server_keeps_its_word() {
    for software in [WebDavSoftware::Rclone, WebDavSoftware::WsgiDav] {
        let settings = WebDavSettings {
            software,
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        let share = share_at(&server.url()).await;
        let writer = share
            .create(&SharePath::new("k.pem"), Replace::Never)
            .await
            .unwrap();
        put(&*share, "k.pem", b"quick", Replace::Never).await.unwrap();
        assert_eq!(kind(writer.publish().await), Kind::Exists, "{software:?}");
        assert_eq!(content(&*share, "k.pem").await.unwrap(), b"quick");
        assert_eq!(fs::read_dir(server.root()).unwrap().count(), 1, "{software:?}");
    }
}

#[tokio::test]
async fn a_share_that_is_not_there_is_told_from_a_folder_that_is_not() {
    for software in [WebDavSoftware::Rclone, WebDavSoftware::WsgiDav] {
        let settings = WebDavSettings {
            software,
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        let share = share_at(&format!("{}/gone", server.url())).await;
        let path = SharePath::new("k.pem");
        assert_eq!(stat_kind(&*share, "k.pem").await, Kind::NoShare);
        assert_eq!(kind(share.read(&path).await), Kind::NoShare);
        assert_eq!(kind(share.clean_up(&path).await), Kind::NoShare);
        assert_eq!(
            kind(put(&*share, "k.pem", b"x", Replace::Never).await),
            Kind::NoShare
        );
        assert_eq!(
            kind(put(&*share, "a/k.pem", b"x", Replace::Never).await),
            Kind::NoShare
        );
        let top = share_at(&server.url()).await;
        assert_eq!(
            kind(put(&*top, "gone/k.pem", b"x", Replace::Never).await),
            Kind::NoFolder
        );
        assert_eq!(kind(top.read(&path).await), Kind::NotFound);
        assert_eq!(top.clean_up(&SharePath::new("gone/")).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_server_that_was_away_works_again_on_the_same_share() {
    let Some(mut server) = WebDavServer::start(WebDavSettings::default()) else {
        return;
    };
    let share = share_at(&server.url()).await;
    put(&*share, "k.pem", b"one", Replace::Never).await.unwrap();
    let mut begun = share
        .create(&SharePath::new("large.bin"), Replace::Never)
        .await
        .unwrap();
    begun.write(&vec![1; 9 << 20]).await.unwrap();
    server.stop();
    assert_eq!(stat_kind(&*share, "k.pem").await, Kind::Unavailable);
    assert_eq!(kind(begun.publish().await), Kind::Unavailable);
    server.restart();
    assert_eq!(content(&*share, "k.pem").await.unwrap(), b"one");
    assert_eq!(share.stat(&SharePath::new("large.bin")).await.unwrap(), None);
    // What could not be removed then is removed now.
    share.clean_up(&SharePath::new("/")).await.unwrap();
    assert_eq!(fs::read_dir(server.root()).unwrap().count(), 1);
}

#[tokio::test]
async fn only_the_right_certificate_is_trusted() {
    let (Some(ours), Some(others), Some(elsewhere)) = (
        Certificates::new("127.0.0.1"),
        Certificates::new("127.0.0.1"),
        Certificates::new("nas.example"),
    ) else {
        return;
    };
    let with = |certificates| WebDavSettings {
        certificates: Some(certificates),
        ..WebDavSettings::default()
    };
    let (Some(server), Some(misnamed)) = (
        WebDavServer::start(with(&ours)),
        WebDavServer::start(with(&elsewhere)),
    ) else {
        return;
    };
    let believing = |server: &WebDavServer, certificates: &Certificates| {
        let mut access = access(&server.url());
        let file = certificates.authority().to_str().unwrap().to_owned();
        access.settings.insert("ca_file".to_owned(), file);
        access
    };
    let share = connect(&believing(&server, &ours)).await.unwrap();
    put(&*share, "k.pem", b"x", Replace::Never).await.unwrap();
    assert_eq!(content(&*share, "k.pem").await.unwrap(), b"x");

    for (access, word) in [
        (access(&server.url()), "ca_file"),
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
async fn a_server_without_tls_is_told_from_one_with_a_wrong_certificate() {
    let Some(server) = WebDavServer::start(WebDavSettings::default()) else {
        return;
    };
    let share = share_at(&server.url().replace("webdav", "webdavs")).await;
    let error = share.stat(&SharePath::new("k.pem")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unsupported, "{error}");
    let advice = error.advice.unwrap();
    assert!(advice.contains("whether the server speaks TLS there"), "{advice}");
}

#[tokio::test]
async fn nothing_is_sent_to_another_machine_without_tls_unless_the_user_says_so() {
    let provider = WebDavShareProvider::new(temporaries());
    let mut access = access("webdav://nas.example/escrow");
    let error = provider.connect(&access).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind, Kind::BadLocation, "{error}");
    assert!(error.advice.unwrap().contains("insecure = \"allow\""));
    access.settings.insert("insecure".to_owned(), "yes".to_owned());
    assert_eq!(kind(provider.connect(&access).await), Kind::BadLocation);
    access.settings.insert("insecure".to_owned(), "allow".to_owned());
    provider.connect(&access).await.unwrap();
    access
        .settings
        .insert("ca_file".to_owned(), "/no/such/file".to_owned());
    access.address = ShareAddress::parse("webdavs://nas.example/escrow").unwrap();
    let error = provider.connect(&access).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind, Kind::BadLocation);
    assert!(error.message.contains("ca_file"), "{error}");
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect() {
    let other = ScriptedServer::new(|_| found(""));
    let location = format!(
        "307 Temporary Redirect\r\nLocation: http://127.0.0.1:{}/k.pem",
        other.port()
    );
    let server = ScriptedServer::new(move |_| answer(&location, ""));
    let share = share_of(&server).await;
    assert_eq!(stat_kind(&*share, "k.pem").await, Kind::BadLocation);
    assert!(other.requests().is_empty());
    assert!(
        server.requests()[0].contains("user-agent: keystead/"),
        "{:?}",
        server.requests()
    );
}

#[tokio::test]
async fn a_redirect_to_the_same_name_with_a_slash_means_a_folder() {
    let server =
        ScriptedServer::new(|_| answer("301 Moved Permanently\r\nLocation: http://inside:8080/a%20b/", ""));
    let share = share_of(&server).await;
    let found = share.stat(&SharePath::new("a b")).await.unwrap();
    assert_eq!(found, Some(EntryKind::Folder));
}

#[tokio::test]
async fn what_servers_answer_is_told_apart() {
    for (status, expected) in [
        ("403 Forbidden", Kind::Denied),
        ("409 Conflict", Kind::NoFolder),
        ("413 Content Too Large", Kind::Unsupported),
        ("423 Locked", Kind::Denied),
        ("500 Internal Server Error", Kind::Unavailable),
        ("503 Service Unavailable", Kind::Unavailable),
        ("507 Insufficient Storage", Kind::NoSpace),
    ] {
        for failing in ["PUT", "MOVE"] {
            let server = ScriptedServer::new(move |request| match request.split(' ').next() {
                Some(verb) if verb == failing => answer(status, ""),
                // It knows no PROPFIND.
                Some("PROPFIND") => answer("405 Method Not Allowed", ""),
                Some("HEAD") => answer("404 Not Found", ""),
                _ => answer("201 Created", ""),
            });
            let share = share_of(&server).await;
            let refused = kind(put(&*share, "k.pem", b"x", Replace::Never).await);
            assert_eq!(refused, expected, "{failing} {status}");
            let last = server.requests().pop().unwrap();
            assert!(
                last.starts_with("DELETE /.keystead-"),
                "the temporary file is left: {last}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_webdav_server_is_told() {
    let page = "<html>It works</html>";
    let endless = format!("<a>{}</a>", " ".repeat(9 << 20));
    for (head, body, expected, word) in [
        ("200 OK", page, Kind::Unsupported, "not that of a WebDAV server"),
        (
            "207 Multi-Status",
            page,
            Kind::Unsupported,
            "not that of a WebDAV server",
        ),
        ("207 Multi-Status", &endless, Kind::Unsupported, "8 MiB"),
        (
            "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\"",
            "",
            Kind::NotSignedIn,
            "Basic",
        ),
    ] {
        let whole = answer(head, body);
        let server = ScriptedServer::new(move |_| whole.clone());
        let error = share_of(&server)
            .await
            .stat(&SharePath::new("k.pem"))
            .await
            .unwrap_err();
        assert_eq!(error.kind, expected, "{error}");
        assert!(error.message.contains(word), "{error}");
    }
}

fn answer(head: &str, body: &str) -> String {
    ScriptedServer::answer(head, body)
}
