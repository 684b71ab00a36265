//! What goes wrong on a real Samba server has a kind of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::fs;

use keystead_application::ports::{EntryKind, Replace, ShareError, ShareErrorKind};
use keystead_test_servers::{PASSWORD, SambaServer};
use support::{access, at, connect, content, password, put, server, share};

fn kind<T>(result: Result<T, ShareError>) -> ShareErrorKind {
    let error = result.err().unwrap();
    assert!(error.place.starts_with("smb://127.0.0.1:"), "{error}");
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error.kind
}

fn files(server: &SambaServer, share: &str) -> Vec<String> {
    let entries = fs::read_dir(server.root(share)).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_not_signed_in() {
    let Some(server) = server() else { return };
    let right = access(&server.url(SambaServer::SAFE));
    let mut wrong = right.clone();
    wrong.password = Some(password("quiet-river-28"));
    let mut unknown = right.clone();
    unknown.username = Some("nobody-here".to_owned());
    let mut without_name = right.clone();
    without_name.username = None;
    let mut without_password = right;
    without_password.password = None;
    for access in [wrong, unknown, without_name, without_password] {
        let share = connect(&access).await.unwrap();
        assert_eq!(kind(share.stat(&at("k.pem")).await), ShareErrorKind::NotSignedIn);
    }
}

#[tokio::test]
async fn the_user_may_bring_a_domain() {
    let Some(server) = server() else { return };
    let mut named = access(&server.url(SambaServer::SAFE));
    named.username = Some("KEYSTEAD\\keystead".to_owned());
    assert_eq!(
        connect(&named).await.unwrap().stat(&at("none")).await.unwrap(),
        None
    );
    let mut set = access(&server.url(SambaServer::SAFE));
    set.settings.insert("domain".to_owned(), "KEYSTEAD".to_owned());
    assert_eq!(
        connect(&set).await.unwrap().stat(&at("none")).await.unwrap(),
        None
    );
    set.username = named.username;
    assert_eq!(
        connect(&set).await.err().unwrap().kind,
        ShareErrorKind::BadLocation
    );
}

#[tokio::test]
async fn a_location_that_is_no_share_is_refused_without_a_connection() {
    for url in [
        "smb://127.0.0.1",
        "smb:///share",
        "smb://127.0.0.1/a%5Cb",
        "smb://127.0.0.1/share/a%3Ab",
    ] {
        let error = connect(&access(url)).await.err().unwrap();
        assert_eq!(error.kind, ShareErrorKind::BadLocation, "{url}");
        assert!(!error.message.contains(';'), "advice in the message: {error}");
    }
    let error = connect(&access("smb://127.0.0.1")).await.err().unwrap();
    assert!(error.message.contains("no share"), "{error}");
    assert!(error.advice.unwrap().contains("smb://host/share"));
    let mut odd = access("smb://127.0.0.1/share");
    odd.settings.insert("encryption".to_owned(), "maybe".to_owned());
    let error = connect(&odd).await.err().unwrap();
    assert_eq!(error.kind, ShareErrorKind::BadLocation);
    assert!(error.message.contains("encryption"), "{error}");
}

#[tokio::test]
async fn a_share_or_its_folder_that_is_not_there_is_told_from_a_folder_on_it() {
    let Some(server) = server() else { return };
    let gone = share(server, "gone").await;
    assert_eq!(kind(gone.stat(&at("k.pem")).await), ShareErrorKind::NoShare);
    let no_top = connect(&access(&format!("{}/gone", server.url(SambaServer::SAFE))))
        .await
        .unwrap();
    assert_eq!(
        kind(put(&*no_top, "k.pem", b"x", Replace::Never).await),
        ShareErrorKind::NoShare
    );
    assert_eq!(no_top.clean_up(&at("k.pem")).await.unwrap(), 0);
    let safe = share(server, SambaServer::SAFE).await;
    assert_eq!(
        kind(put(&*safe, "gone/k.pem", b"x", Replace::Never).await),
        ShareErrorKind::NoFolder
    );
    assert_eq!(safe.clean_up(&at("gone/")).await.unwrap(), 0);
    safe.remove(&at("gone/k.pem")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let away = connect(&access("smb://127.0.0.1:1/safe")).await.unwrap();
    assert_eq!(kind(away.stat(&at("k.pem")).await), ShareErrorKind::Unavailable);
}

#[tokio::test]
async fn what_the_user_may_not_do_is_denied() {
    let Some(server) = server() else { return };
    let closed = share(server, SambaServer::CLOSED).await;
    let refused = closed.stat(&at("k.pem")).await.err().unwrap();
    let advice = refused.advice.clone();
    assert_eq!(
        advice.as_deref(),
        Some("ask for access of this user to the share")
    );
    assert_eq!(kind::<()>(Err(refused)), ShareErrorKind::Denied);
    let read_only = share(server, SambaServer::READ_ONLY).await;
    fs::write(server.root(SambaServer::READ_ONLY).join("there.pem"), "there").unwrap();
    assert_eq!(content(&*read_only, "there.pem").await.unwrap(), b"there");
    assert_eq!(
        kind(put(&*read_only, "k.pem", b"x", Replace::Never).await),
        ShareErrorKind::Denied
    );
    assert_eq!(
        kind(put(&*read_only, "there.pem", b"x", Replace::Allowed).await),
        ShareErrorKind::Denied
    );
    assert_eq!(
        kind(read_only.remove(&at("there.pem")).await),
        ShareErrorKind::Denied
    );
    assert_eq!(files(server, SambaServer::READ_ONLY), ["there.pem"]);
    if server.can_lock() {
        let locked = share(server, SambaServer::LOCKED).await;
        assert_eq!(
            kind(put(&*locked, "k.pem", b"x", Replace::Never).await),
            ShareErrorKind::Denied
        );
    }
}

#[tokio::test]
async fn a_full_share_has_no_space_and_keeps_nothing() {
    let Some(server) = server() else { return };
    if !server.can_be_full() {
        return;
    }
    let full = share(server, SambaServer::FULL).await;
    put(&*full, "small.pem", b"fits", Replace::Never).await.unwrap();
    for length in [600_000, 5_000_000] {
        let large = vec![7; length];
        assert_eq!(
            kind(put(&*full, "k.pem", &large, Replace::Never).await),
            ShareErrorKind::NoSpace
        );
        assert_eq!(
            kind(put(&*full, "small.pem", &large, Replace::Allowed).await),
            ShareErrorKind::NoSpace
        );
        assert_eq!(files(server, SambaServer::FULL), ["small.pem"]);
    }
    assert_eq!(content(&*full, "small.pem").await.unwrap(), b"fits");
    put(&*full, "k.pem", b"fits too", Replace::Never).await.unwrap();
}

#[tokio::test]
async fn a_name_that_the_share_cannot_have_is_a_bad_name() {
    let Some(server) = server() else { return };
    let safe = share(server, SambaServer::SAFE).await;
    server.make_folder(SambaServer::SAFE, "names");
    let long = ["n".repeat(300), "ü".repeat(200)];
    let odd = ["a:b", "a\\b", "..\\..\\b", "what?", "ends in.", "ends in "].map(str::to_owned);
    for name in long.iter().chain(&odd) {
        let path = format!("names/{name}");
        for replace in [Replace::Never, Replace::Allowed] {
            assert_eq!(
                kind(put(&*safe, &path, b"x", replace).await),
                ShareErrorKind::BadName,
                "{name}"
            );
        }
        assert_eq!(
            kind(safe.read(&at(&path)).await),
            ShareErrorKind::BadName,
            "{name}"
        );
        assert_eq!(
            kind(safe.remove(&at(&path)).await),
            ShareErrorKind::BadName,
            "{name}"
        );
    }
    assert_eq!(
        fs::read_dir(server.root(SambaServer::SAFE).join("names"))
            .unwrap()
            .count(),
        0
    );
    let longest = format!("names/{}", "n".repeat(255));
    put(&*safe, &longest, b"x", Replace::Never).await.unwrap();
    assert_eq!(content(&*safe, &longest).await.unwrap(), b"x");
}

#[tokio::test]
async fn a_folder_is_neither_read_nor_removed_nor_replaced() {
    let Some(server) = server() else { return };
    let safe = share(server, SambaServer::SAFE).await;
    server.make_folder(SambaServer::SAFE, "kept");
    for path in ["kept", "kept/", ""] {
        assert_eq!(
            kind(safe.read(&at(path)).await),
            ShareErrorKind::NotAFile,
            "{path}"
        );
        assert_eq!(
            kind(safe.remove(&at(path)).await),
            ShareErrorKind::NotAFile,
            "{path}"
        );
        for replace in [Replace::Never, Replace::Allowed] {
            assert_eq!(
                kind(put(&*safe, path, b"x", replace).await),
                ShareErrorKind::NotAFile,
                "{path}"
            );
        }
    }
    assert_eq!(safe.stat(&at("kept")).await.unwrap(), Some(EntryKind::Folder));
    assert_eq!(safe.stat(&at("")).await.unwrap(), Some(EntryKind::Folder));
}

#[tokio::test]
async fn a_file_that_somebody_keeps_open_is_not_replaced_and_said_so() {
    let Some(server) = server() else { return };
    let share = share(server, SambaServer::SAFE).await;
    put(&*share, "open.pem", b"old", Replace::Never).await.unwrap();
    // Samba minds it only on one connection; Windows always does.
    let reader = share.read(&at("open.pem")).await.unwrap();
    let error = put(&*share, "open.pem", b"new", Replace::Allowed)
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, ShareErrorKind::Denied);
    assert!(error.message.contains("somebody has it open"), "{error}");
    drop(reader);
    put(&*share, "open.pem", b"new", Replace::Allowed).await.unwrap();
    assert_eq!(content(&*share, "open.pem").await.unwrap(), b"new");
}

#[tokio::test]
async fn a_temporary_file_that_somebody_removes_is_not_taken_for_a_missing_file() {
    let Some(server) = server() else { return };
    server.make_folder(SambaServer::SAFE, "vanishing");
    let share = share(server, SambaServer::SAFE).await;
    let folder = server.root(SambaServer::SAFE).join("vanishing");
    fs::write(folder.join("old.pem"), "old").unwrap();
    for (path, replace) in [
        ("vanishing/new.pem", Replace::Never),
        ("vanishing/old.pem", Replace::Allowed),
    ] {
        let mut writer = share.create(&at(path), replace).await.unwrap();
        writer.write(b"new").await.unwrap();
        // As somebody does who tidies up on the server itself.
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let temporary: Vec<_> = names.filter(|path| !path.ends_with("old.pem")).collect();
        assert_eq!(temporary.len(), 1);
        fs::remove_file(&temporary[0]).unwrap();
        let error = writer.publish().await.err().unwrap();
        assert!(error.message.contains("removed the temporary file"), "{error}");
        assert_eq!(kind::<()>(Err(error)), ShareErrorKind::Unavailable);
    }
    assert_eq!(fs::read(folder.join("old.pem")).unwrap(), b"old");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}
