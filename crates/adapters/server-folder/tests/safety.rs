//! Modes, and what is refused because others could have read it or put it there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use keystead_application::ports::{FolderError, FolderErrorKind, ServerFolder};
use keystead_server_folder::LocalServerFolder;
use support::{CHILD, child_place, content, folder, name, secret};
use tempfile::TempDir;

async fn kept() -> (TempDir, LocalServerFolder) {
    let root = TempDir::new().unwrap();
    let folder = folder(&root.path().join("server"));
    folder
        .create(&name("identity/current"), &secret("content"))
        .await
        .unwrap();
    (root, folder)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

async fn unsafe_to_use(folder: &LocalServerFolder) -> String {
    let read = folder.read(&name("identity/current")).await;
    let refused: FolderError = read.err().unwrap();
    assert_eq!(refused.kind, FolderErrorKind::Unsafe, "{refused}");
    let added = folder.append(&name("identity/current"), &secret("more")).await;
    assert_eq!(added.unwrap_err().kind, FolderErrorKind::Unsafe);
    refused.to_string()
}

#[tokio::test]
async fn everything_is_for_its_owner_alone_whatever_the_umask() {
    if let Some(place) = child_place() {
        let folder = folder(&place);
        let _lock = folder.lock().await.unwrap();
        folder.create(&name("a/created"), &secret("1")).await.unwrap();
        folder.replace(&name("a/replaced"), &secret("2")).await.unwrap();
        folder.append(&name("b/added-to"), &secret("3")).await.unwrap();
        return;
    }
    let root = TempDir::new().unwrap();
    let place = root.path().join("new/server");
    for umask in ["000", "022", "077"] {
        let script = format!(
            "umask {umask}; exec \"$0\" --exact everything_is_for_its_owner_alone_whatever_the_umask"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, &place)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        for folder in ["new", "new/server", "new/server/a", "new/server/b"] {
            assert_eq!(mode(&root.path().join(folder)), 0o700, "{folder}, umask {umask}");
        }
        for file in ["a/created", "a/replaced", "b/added-to", ".lock"] {
            assert_eq!(mode(&place.join(file)), 0o600, "{file}, umask {umask}");
        }
        fs::remove_dir_all(root.path().join("new")).unwrap();
    }
}

#[tokio::test]
async fn what_others_can_use_is_refused_with_the_command_that_mends_it() {
    let (root, folder) = kept().await;
    for (path, wrong, right) in [
        ("server/identity/current", 0o640, "600"),
        ("server/identity/current", 0o604, "600"),
        ("server/identity/current", 0o620, "600"),
        ("server/identity", 0o750, "700"),
        ("server/identity", 0o701, "700"),
        ("server", 0o770, "700"),
        ("server", 0o755, "700"),
    ] {
        let path = root.path().join(path);
        let before = mode(&path);
        fs::set_permissions(&path, Permissions::from_mode(wrong)).unwrap();
        let why = unsafe_to_use(&folder).await;
        let mending = format!("chmod {right} {}", path.display());
        assert!(
            why.ends_with(&mending) && why.contains(&format!("{wrong:04o}")),
            "{why}"
        );
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        assert_eq!(content(&folder, "identity/current").await.unwrap(), b"content");
    }
}

#[tokio::test]
async fn links_and_whatever_else_is_no_file_are_refused() {
    let (root, folder) = kept().await;
    let (file, kind) = (
        root.path().join("server/identity/current"),
        root.path().join("server/identity"),
    );
    let elsewhere = root.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(unsafe_to_use(&folder).await.contains("symbolic link"));
    let destroyed = folder.destroy(&name("identity/current")).await.unwrap_err();
    assert_eq!(destroyed.kind, FolderErrorKind::Unsafe);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"content");
    let again = folder.create(&name("identity/current"), &secret("new")).await;
    assert_eq!(again.unwrap_err().kind, FolderErrorKind::Exists);

    fs::remove_file(&file).unwrap();
    symlink(root.path().join("nowhere"), &file).unwrap();
    unsafe_to_use(&folder).await;
    assert!(!root.path().join("nowhere").exists());

    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    unsafe_to_use(&folder).await;
    fs::remove_dir(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    unsafe_to_use(&folder).await;

    fs::rename(&kind, root.path().join("kind")).unwrap();
    symlink(root.path().join("kind"), &kind).unwrap();
    assert!(unsafe_to_use(&folder).await.contains("symbolic link"));
    let listed = folder.names("identity").await.unwrap_err();
    assert_eq!(listed.kind, FolderErrorKind::Unsafe);
}

#[tokio::test]
async fn the_folder_itself_may_be_reached_by_a_link() {
    let (root, _) = kept().await;
    symlink(root.path().join("server"), root.path().join("link")).unwrap();
    let folder = folder(&root.path().join("link"));
    assert_eq!(content(&folder, "identity/current").await.unwrap(), b"content");
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_refused() {
    let (root, folder) = kept().await;
    let file = root.path().join("server/identity/current");
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
        // Only root gives files away.
        return;
    }
    let why = unsafe_to_use(&folder).await;
    assert!(why.contains("uid 12345") && why.contains("chown 0 "), "{why}");
    std::os::unix::fs::chown(&file, Some(0), None).unwrap();
    std::os::unix::fs::chown(root.path().join("server"), Some(12_345), None).unwrap();
    assert!(unsafe_to_use(&folder).await.contains("uid 12345"));
}

#[tokio::test]
async fn a_document_has_64_mebibytes_at_the_most() {
    let (root, folder) = kept().await;
    let file = File::options()
        .write(true)
        .open(root.path().join("server/identity/current"))
        .unwrap();
    file.set_len(64 * 1024 * 1024).unwrap();
    assert_eq!(
        content(&folder, "identity/current").await.unwrap().len(),
        64 * 1024 * 1024
    );
    let added = folder.append(&name("identity/current"), &secret("x")).await;
    assert_eq!(added.unwrap_err().kind, FolderErrorKind::Unavailable);
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    let read = folder.read(&name("identity/current")).await;
    assert_eq!(read.err().unwrap().kind, FolderErrorKind::Unavailable);
    let written = folder
        .create(&name("identity/next"), &secret(vec![0; 64 * 1024 * 1024 + 1]))
        .await;
    assert_eq!(written.unwrap_err().kind, FolderErrorKind::Unavailable);
    assert_eq!(content(&folder, "identity/next").await, None);
}

/// A second name leads to the bytes that the document had.
#[tokio::test]
async fn the_bytes_of_a_destroyed_document_are_overwritten() {
    let (root, folder) = kept().await;
    let kept = root.path().join("second-name");
    fs::hard_link(root.path().join("server/identity/current"), &kept).unwrap();
    folder.destroy(&name("identity/current")).await.unwrap();
    assert_eq!(fs::read(kept).unwrap(), [0; 7]);
    assert!(support::temporaries(&root.path().join("server")).is_empty());
}

#[tokio::test]
async fn what_is_no_document_is_not_listed() {
    let (root, folder) = kept().await;
    let kind = root.path().join("server/identity");
    for other in [".keystead-0000000000000000.tmp", ".hidden", "Capital", "a.b", "ü"] {
        fs::write(kind.join(other), "x").unwrap();
    }
    assert_eq!(
        folder.names("identity").await.unwrap(),
        [name("identity/current")]
    );
    for wrong in ["..", ".", "", "identity/", "../server/identity"] {
        assert!(folder.names(wrong).await.unwrap().is_empty(), "{wrong}");
    }
}
