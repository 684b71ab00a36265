//! Symbolic links do not lead out of a share.

use std::fs;
use std::os::unix::fs::symlink;

use keystead_application::ports::{EntryKind, Replace, ShareErrorKind, SharePath};
use keystead_test_servers::SshServer;

use crate::support::{content, names_in, put, share_of};

#[tokio::test]
async fn a_link_out_of_the_share_is_refused_in_every_way() {
    let Some(server) = SshServer::start() else { return };
    let top = server.make_folder("top");
    // Its name begins like the top's.
    let outside = server.make_folder("top-secret");
    fs::write(outside.join("k.pem"), "not for you").unwrap();
    symlink(&outside, top.join("folder")).unwrap();
    symlink("../top-secret", top.join("relative")).unwrap();
    symlink(outside.join("k.pem"), top.join("file.pem")).unwrap();
    symlink(outside.join("new.pem"), top.join("dangling.pem")).unwrap();
    symlink("/", top.join("root")).unwrap();
    let share = share_of(&server, &top).await;
    for path in [
        "folder/k.pem",
        "relative/k.pem",
        "file.pem",
        "folder/",
        "folder/new/k.pem",
        "root/etc/passwd",
    ] {
        let path = SharePath::new(path);
        let outside = |kind: ShareErrorKind| assert_eq!(kind, ShareErrorKind::OutsideShare, "{path}");
        outside(share.stat(&path).await.unwrap_err().kind);
        outside(share.read(&path).await.err().unwrap().kind);
        outside(share.create(&path, Replace::Allowed).await.err().unwrap().kind);
        outside(share.remove(&path).await.unwrap_err().kind);
        outside(share.clean_up(&path).await.unwrap_err().kind);
    }
    for replace in [Replace::Never, Replace::Allowed] {
        let error = put(&share, "dangling.pem", b"new", replace).await.unwrap_err();
        assert_eq!(error.kind, ShareErrorKind::OutsideShare, "{error}");
    }
    assert_eq!(names_in(&outside), ["k.pem"]);
}

#[tokio::test]
async fn a_link_that_stays_in_the_share_is_followed_to_read_and_replaced_when_written() {
    let Some(server) = SshServer::start() else { return };
    let top = server.make_folder("top");
    let folder = server.make_folder("top/folder");
    symlink("folder", top.join("to-folder")).unwrap();
    symlink("folder/k.pem", top.join("to-file.pem")).unwrap();
    // A top that is reached through a link is the share all the same.
    symlink(&top, server.root().join("to-top")).unwrap();
    let share = share_of(&server, &server.root().join("to-top")).await;
    put(&share, "to-folder/k.pem", b"old", Replace::Never)
        .await
        .unwrap();
    assert_eq!(fs::read(folder.join("k.pem")).unwrap(), b"old");
    assert_eq!(content(&share, "to-file.pem").await.unwrap(), b"old");
    let stat = share.stat(&SharePath::new("to-file.pem")).await.unwrap();
    assert_eq!(stat, Some(EntryKind::File));
    let taken = put(&share, "to-file.pem", b"new", Replace::Never)
        .await
        .unwrap_err();
    assert_eq!(taken.kind, ShareErrorKind::Exists, "{taken}");
    put(&share, "to-file.pem", b"new", Replace::Allowed)
        .await
        .unwrap();
    assert_eq!(fs::read(folder.join("k.pem")).unwrap(), b"old");
    assert!(!top.join("to-file.pem").is_symlink());
    let error = put(&share, "to-folder", b"new", Replace::Allowed)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ShareErrorKind::NotAFile, "{error}");
}
