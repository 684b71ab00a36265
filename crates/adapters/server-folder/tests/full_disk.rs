//! A disk that is full or read-only, for real: a small file system of its own, in a mount namespace of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use keystead_application::ports::{FolderErrorKind, ServerFolder};
use keystead_server_folder::LocalServerFolder;
use support::{CHILD, child_place, content, folder, name, secret, temporaries};
use tempfile::TempDir;

const LEN: usize = 50_000;

#[tokio::test]
async fn a_full_disk_loses_nothing_and_a_read_only_one_neither() {
    if let Some(place) = child_place() {
        match std::env::var_os("READ_ONLY") {
            Some(_) => on_a_read_only_disk(&place).await,
            None => on_a_full_disk(&place).await,
        }
        return;
    }
    if !may_mount() {
        return;
    }
    let root = TempDir::new().unwrap();
    let script = "
        set -e
        mount -t tmpfs -o size=1m,mode=0700 tmpfs \"$DISK\"
        \"$0\" --exact a_full_disk_loses_nothing_and_a_read_only_one_neither
        mount -o remount,ro \"$DISK\"
        READ_ONLY=1 \"$0\" --exact a_full_disk_loses_nothing_and_a_read_only_one_neither
    ";
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("DISK", root.path())
        .env(CHILD, root.path().join("server"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{complained}");
    assert_eq!(said.matches("1 passed").count(), 2, "{said}");
}

async fn on_a_full_disk(place: &Path) {
    let folder = folder(place);
    let kept = name("kept/one");
    folder.create(&kept, &secret(vec![1; LEN])).await.unwrap();
    folder
        .append(&name("log/events"), &secret("before"))
        .await
        .unwrap();
    let disk = place.parent().unwrap();
    for room in [0, 4, 8, 16, 40] {
        fill(disk, room * 1024);
        let lock = folder.lock().await.unwrap();
        for (what, done) in [
            (
                "create",
                folder.create(&name("made/one"), &secret(vec![2; LEN])).await,
            ),
            ("replace", folder.replace(&kept, &secret(vec![2; LEN])).await),
            (
                "append",
                folder.append(&name("log/events"), &secret(vec![b'x'; LEN])).await,
            ),
            (
                "begin",
                folder.append(&name("log/other"), &secret(vec![b'x'; LEN])).await,
            ),
        ] {
            let error = done.unwrap_err();
            assert_eq!(
                error.kind,
                FolderErrorKind::NoSpace,
                "{what}, {room} KiB: {error}"
            );
            assert!(error.message.contains("make room"), "{error}");
        }
        drop(lock);
        is_as_before(&folder).await;
        assert!(temporaries(place).is_empty());
        fs::remove_file(disk.join("filler")).unwrap();
    }
    // Destroying needs no room, and makes some.
    folder
        .create(&name("made/one"), &secret(vec![2; LEN]))
        .await
        .unwrap();
    fill(disk, 0);
    folder.destroy(&name("made/one")).await.unwrap();
    folder
        .create(&name("made/two"), &secret(vec![3; LEN / 2]))
        .await
        .unwrap();
    assert_eq!(content(&folder, "made/two").await.unwrap(), vec![3; LEN / 2]);
    fs::remove_file(disk.join("filler")).unwrap();
    is_as_before(&folder).await;
}

async fn on_a_read_only_disk(place: &Path) {
    let folder = folder(place);
    let new = name("made/three");
    for refused in [
        folder.create(&new, &secret("x")).await,
        folder.replace(&name("kept/one"), &secret("x")).await,
        folder.append(&name("log/events"), &secret("x")).await,
        folder.destroy(&name("kept/one")).await,
        folder.lock().await.map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind, FolderErrorKind::NoSpace, "{error}");
        assert!(error.message.contains("read-only"), "{error}");
    }
    is_as_before(&folder).await;
}

async fn is_as_before(folder: &LocalServerFolder) {
    assert_eq!(content(folder, "kept/one").await.unwrap(), vec![1; LEN]);
    assert_eq!(content(folder, "log/events").await.unwrap(), b"before");
    assert_eq!(content(folder, "log/other").await, None);
}

/// Fills the disk up to some bytes.
fn fill(disk: &Path, room: u64) {
    let mut filler = File::create(disk.join("filler")).unwrap();
    while filler.write_all(&[7; 4096]).is_ok() {}
    let len = filler.metadata().unwrap().len();
    filler.set_len(len - room).unwrap();
}

fn may_mount() -> bool {
    let allowed = Command::new("unshare")
        .args(["-Urm", "true"])
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        allowed || std::env::var_os("KEYSTEAD_TEST_ALL").is_none() || std::env::var_os("CI").is_some(),
        "unshare is missing or user namespaces are not allowed, and KEYSTEAD_TEST_ALL asks for every test"
    );
    if !allowed {
        // Past the test harness, which would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "not run: a file system of its own is not allowed here"
        );
    }
    allowed
}
