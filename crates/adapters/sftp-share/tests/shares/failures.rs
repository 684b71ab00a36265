//! What goes wrong with files, each told apart from the others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use keystead_application::ports::{
    Replace, ShareAccess, ShareError, ShareErrorKind, SharePath, ShareProvider,
};
use keystead_test_servers::{PASSWORD, RcloneSftpServer, SshServer};
use russh_sftp::protocol::StatusCode;

use crate::odd_server::OddServer;
use crate::support::{
    Shared, access, access_to, access_to_rclone, content, names_in, provider, put, refused, share_of,
};

async fn kind_of_write(share: &Shared, path: &str) -> ShareErrorKind {
    put(share, path, b"new", Replace::Never).await.unwrap_err().kind
}

#[tokio::test]
async fn what_the_permissions_forbid_is_denied() {
    let Some(server) = SshServer::start() else { return };
    if server.user() == "root" {
        return;
    }
    let share = share_of(&server, &server.root()).await;
    let folder = server.make_folder("closed");
    put(&share, "closed/secret.pem", b"old", Replace::Never)
        .await
        .unwrap();
    fs::set_permissions(folder.join("secret.pem"), fs::Permissions::from_mode(0o000)).unwrap();
    let read = share
        .read(&SharePath::new("closed/secret.pem"))
        .await
        .err()
        .unwrap();
    assert_eq!(read.kind, ShareErrorKind::Denied, "{read}");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let error = put(&share, "closed/new.pem", b"new", Replace::Never)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.operation),
        (ShareErrorKind::Denied, "create the temporary file"),
        "{error}"
    );
    assert!(error.place.ends_with("/closed/new.pem"), "{error}");
    let error = share
        .remove(&SharePath::new("closed/secret.pem"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ShareErrorKind::Denied, "{error}");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn names_that_cannot_be_and_folders_that_are_not_are_told_apart() {
    let Some(server) = SshServer::start() else { return };
    let share = share_of(&server, &server.root()).await;
    for name in ["n".repeat(300), "ü".repeat(150)] {
        let error = put(&share, &name, b"new", Replace::Never).await.unwrap_err();
        assert_eq!(error.kind, ShareErrorKind::BadName, "{error}");
    }
    put(&share, &"n".repeat(255), b"new", Replace::Never)
        .await
        .unwrap();
    assert_eq!(
        kind_of_write(&share, "missing/k.pem").await,
        ShareErrorKind::NoFolder
    );
    assert_eq!(
        kind_of_write(&share, &format!("{}/k.pem", "n".repeat(255))).await,
        ShareErrorKind::NoFolder
    );
    server.make_folder("folder");
    for path in ["folder", "folder/", "", "/"] {
        let error = put(&share, path, b"new", Replace::Allowed).await.unwrap_err();
        assert_eq!(error.kind, ShareErrorKind::NotAFile, "{error}");
    }
    let error = share.remove(&SharePath::new("folder")).await.unwrap_err();
    assert_eq!(error.kind, ShareErrorKind::NotAFile, "{error}");
    share.remove(&SharePath::new("missing/k.pem")).await.unwrap();
    assert_eq!(share.clean_up(&SharePath::new("missing/k.pem")).await.unwrap(), 0);
    assert_eq!(names_in(&server.root()), ["folder".to_owned(), "n".repeat(255)]);
}

#[tokio::test]
async fn a_share_whose_folder_is_missing_is_no_share() {
    let Some(server) = SshServer::start() else { return };
    let share = share_of(&server, &server.root().join("nowhere")).await;
    for path in ["k.pem", "folder/k.pem", "/"] {
        let error = share.stat(&SharePath::new(path)).await.unwrap_err();
        assert_eq!(error.kind, ShareErrorKind::NoShare, "{error}");
    }
    assert_eq!(kind_of_write(&share, "k.pem").await, ShareErrorKind::NoShare);
}

#[tokio::test]
async fn a_full_file_system_is_no_space_and_nothing_is_left() {
    let Some(server) = SshServer::start() else { return };
    let Some(small) = server.small() else { return };
    let share = share_of(&server, &small).await;
    put(&share, "fits.pem", &[1; 10_000], Replace::Never)
        .await
        .unwrap();
    let mut writer = share
        .create(&SharePath::new("large.bin"), Replace::Never)
        .await
        .unwrap();
    let mut outcome = Ok(());
    for _ in 0..100 {
        outcome = writer.write(&[7; 50_000]).await;
        if outcome.is_err() {
            break;
        }
    }
    let error: ShareError = outcome.unwrap_err();
    assert_eq!(
        (error.kind, error.operation),
        (ShareErrorKind::NoSpace, "write"),
        "{error}"
    );
    writer.discard().await;
    // One that is sent at once, when it is published.
    let error = put(&share, "fits-not.bin", &[7; 1_000_000], Replace::Never)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ShareErrorKind::NoSpace, "{error}");
    let error = put(&share, "nearly.bin", &[7; 260_000], Replace::Never)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ShareErrorKind::NoSpace, "{error}");
    assert_eq!(names_in(&server.seen_from_outside(&small)), ["fits.pem"]);
    assert_eq!(content(&share, "fits.pem").await.unwrap(), [1; 10_000]);
}

#[tokio::test]
async fn a_file_system_that_is_mounted_read_only_says_so() {
    let Some(server) = SshServer::start() else { return };
    let Some(frozen) = server.frozen() else { return };
    let share = share_of(&server, &frozen).await;
    assert_eq!(content(&share, "old.pem").await.unwrap(), b"stays\n");
    for replace in [Replace::Never, Replace::Allowed] {
        let error = put(&share, "new.pem", b"new", replace).await.unwrap_err();
        assert_eq!(error.kind, ShareErrorKind::ReadOnly, "{error}");
    }
    let error = share.remove(&SharePath::new("old.pem")).await.unwrap_err();
    assert_eq!(error.kind, ShareErrorKind::ReadOnly, "{error}");
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_an_answer_and_not_worth_another_try() {
    let server = OddServer::new(1_000_000_000, StatusCode::Failure);
    let share = provider().connect(&server.start().await).await.unwrap();
    let error = put(&share, "k.pem", b"new", Replace::Never).await.unwrap_err();
    assert_eq!(
        (error.kind, error.operation),
        (ShareErrorKind::Unsupported, "write"),
        "{error}"
    );
    assert!(!error.kind.is_retryable());
    assert!(error.message.contains("gave no reason"), "{error}");
    assert!(error.advice.unwrap().contains("log of the server"));
    assert_eq!(server.names(), [""; 0]);
}

#[tokio::test]
async fn a_name_that_rclone_cannot_have_is_bad_too() {
    let Some(server) = RcloneSftpServer::start() else {
        return;
    };
    let share = provider()
        .connect(&access_to_rclone(&server, PASSWORD))
        .await
        .unwrap();
    let error = put(&share, &"n".repeat(300), b"new", Replace::Never)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ShareErrorKind::BadName, "{error}");
    assert_eq!(names_in(&server.root()), [""; 0]);
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_and_comes_back() {
    let Some(mut server) = SshServer::start() else {
        return;
    };
    let access = access_to(&server, &server.root());
    let share = provider().connect(&access).await.unwrap();
    put(&share, "k.pem", b"content", Replace::Never).await.unwrap();
    server.stop();
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(content(&share, "k.pem").await.unwrap_err().kind);
    }
    assert_eq!(kinds, [ShareErrorKind::Unavailable; 3]);
    let error = refused(&access).await;
    assert_eq!(
        (error.kind, error.operation),
        (ShareErrorKind::Unavailable, "connect"),
        "{error}"
    );
    server.restart();
    assert_eq!(content(&share, "k.pem").await.unwrap(), b"content");
}

#[tokio::test]
async fn something_that_does_not_speak_ssh_is_unavailable_within_the_patience() {
    let Some(server) = SshServer::start() else { return };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut access = access_through(&server, port);
    access.patience.answer = std::time::Duration::from_millis(300);
    let error = refused(&access).await;
    assert_eq!(
        (error.kind, error.operation),
        (ShareErrorKind::Unavailable, "connect"),
        "{error}"
    );
    let nobody = access_through(&server, 1);
    assert_eq!(refused(&nobody).await.kind, ShareErrorKind::Unavailable);
    let mut nowhere = access_through(&server, 22);
    nowhere.address.host = "host.invalid".to_owned();
    assert_eq!(refused(&nowhere).await.kind, ShareErrorKind::Unavailable);
}

pub(crate) fn access_through(server: &SshServer, port: u16) -> ShareAccess {
    let url = server
        .url()
        .replacen(&server.port().to_string(), &port.to_string(), 1);
    let key = server.client_key();
    access(
        &url,
        &[
            ("key_file", key.to_str().unwrap()),
            ("host_key", &server.fingerprint("ed25519")),
        ],
    )
}

#[tokio::test]
async fn foreign_clients_read_the_same_bytes_and_ours_reads_theirs() {
    let Some(server) = SshServer::start() else { return };
    let share = share_of(&server, &server.root()).await;
    let bytes: Vec<u8> = (0..5_000_003_u32).map(|n| (n % 251) as u8).collect();
    put(&share, "Büro 🔑.bin", &bytes, Replace::Never).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let theirs = folder.path().join("got");
    server
        .sftp(&format!("get \"Büro 🔑.bin\" {}\n", theirs.display()))
        .unwrap();
    assert!(fs::read(&theirs).unwrap() == bytes);
    server
        .sftp(&format!("put {} theirs.bin\n", theirs.display()))
        .unwrap();
    assert!(content(&share, "theirs.bin").await.unwrap() == bytes);

    let Some(server) = RcloneSftpServer::start() else {
        return;
    };
    let share = provider()
        .connect(&access_to_rclone(&server, PASSWORD))
        .await
        .unwrap();
    put(&share, "k.bin", &bytes, Replace::Never).await.unwrap();
    // By the name of the folder: rclone has no fingerprint to compare here.
    assert!(fs::read(server.root().join("k.bin")).unwrap() == bytes);
}

#[tokio::test]
async fn nothing_of_a_write_can_be_read_by_others_at_any_time() {
    let Some(server) = SshServer::start() else { return };
    let share = share_of(&server, &server.root()).await;
    let mut writer = share
        .create(&SharePath::new("k.pem"), Replace::Never)
        .await
        .unwrap();
    writer.write(&vec![7; 500_000]).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let temporary = server.root().join(&names_in(&server.root())[0]);
    assert_eq!(mode(&temporary), 0o600);
    writer.publish().await.unwrap();
    assert_eq!(mode(&server.root().join("k.pem")), 0o600);
    let list = Command::new("ls").arg("-A").arg(server.root()).output().unwrap();
    assert_eq!(list.stdout, b"k.pem\n");
}
