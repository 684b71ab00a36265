//! Symbolic links on the server, which Samba follows and does not show.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;

use keystead_application::ports::{EntryKind, FileShare, Replace, ShareError, ShareErrorKind};
use keystead_memory::MemoryProcesses;
use keystead_test_servers::SambaServer;
use support::{access, at, connect, content, put, server, share};

fn kind<T>(result: Result<T, ShareError>) -> ShareErrorKind {
    result.err().unwrap().kind
}

/// A server with a folder that is to be the top, and one beside it; each with every version of SMB that tells other things
/// about links.
fn servers() -> impl Iterator<Item = (SambaServer, PathBuf)> {
    let versions = ["SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"];
    versions.into_iter().filter_map(|version| {
        let server = SambaServer::start_with(&[&format!("server max protocol = {version}")])?;
        for folder in ["top", "top/real", "top/real/deep", "beside", "beside/deep"] {
            server.make_folder(SambaServer::SAFE, folder);
        }
        let root = server.root(SambaServer::SAFE);
        fs::write(root.join("beside/secret.pem"), "beside").unwrap();
        fs::write(root.join("beside/deep/secret.pem"), "beside").unwrap();
        fs::write(root.join("top/real/k.pem"), "inside").unwrap();
        Some((server, root))
    })
}

async fn top(server: &SambaServer, folder: &str) -> Arc<dyn FileShare> {
    let url = format!("{}/{folder}", server.url(SambaServer::SAFE));
    connect(&access(&url)).await.unwrap()
}

#[tokio::test]
async fn a_link_out_of_the_share_shows_nothing_of_what_is_there() {
    let Some(server) = server() else { return };
    let safe = share(server, SambaServer::SAFE).await;
    server.make_folder(SambaServer::SAFE, "links");
    let folder = server.root(SambaServer::SAFE).join("links");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.pem"), "outside").unwrap();
    symlink(outside.path(), folder.join("folder")).unwrap();
    symlink(outside.path().join("secret.pem"), folder.join("file.pem")).unwrap();
    for path in ["links/folder/secret.pem", "links/file.pem"] {
        assert_eq!(safe.stat(&at(path)).await.unwrap(), None, "{path}");
        let refused = kind(safe.read(&at(path)).await);
        assert!(
            matches!(refused, ShareErrorKind::NotFound | ShareErrorKind::NoFolder),
            "{refused:?}"
        );
        safe.remove(&at(path)).await.unwrap();
    }
    for replace in [Replace::Never, Replace::Allowed] {
        let taken = put(&*safe, "links/file.pem", b"new", replace).await;
        assert_eq!(kind(taken), ShareErrorKind::OutsideShare);
        let lost = put(&*safe, "links/folder/new.pem", b"new", replace).await;
        assert_eq!(kind(lost), ShareErrorKind::NoFolder);
    }
    assert_eq!(fs::read(outside.path().join("secret.pem")).unwrap(), b"outside");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[tokio::test]
async fn a_link_out_of_the_folder_that_is_the_top_is_outside_with_every_version_of_smb() {
    for (server, root) in servers() {
        let left = format!(".keystead-00000000000000ff-{}.tmp", MemoryProcesses::ENDED);
        fs::write(root.join("beside").join(&left), "half of a").unwrap();
        symlink("../beside", root.join("top/out")).unwrap();
        symlink("../../beside", root.join("top/real/out")).unwrap();
        for folder in ["top", "TOP"] {
            let share = top(&server, folder).await;
            for out in ["out", "out/deep", "real/out", "real/out/deep"] {
                let at = |name: &str| at(&format!("{out}/{name}"));
                let outside = ShareErrorKind::OutsideShare;
                assert_eq!(kind(share.read(&at("secret.pem")).await), outside, "{out}");
                assert_eq!(kind(share.stat(&at("secret.pem")).await), outside, "{out}");
                assert_eq!(kind(share.stat(&at("")).await), outside, "{out}");
                assert_eq!(kind(share.length(&at("secret.pem")).await), outside, "{out}");
                assert_eq!(kind(share.remove(&at("secret.pem")).await), outside, "{out}");
                assert_eq!(kind(share.clean_up(&at("")).await), outside, "{out}");
                assert_eq!(kind(share.clean_up(&at("x")).await), outside, "{out}");
                for name in ["new.pem", "secret.pem"] {
                    for replace in [Replace::Never, Replace::Allowed] {
                        let written = put(&*share, at(name).as_str(), b"new", replace).await;
                        assert_eq!(kind(written), outside, "{out}/{name}");
                    }
                }
            }
        }
        assert_eq!(fs::read_dir(root.join("beside")).unwrap().count(), 3);
        assert_eq!(fs::read(root.join("beside/secret.pem")).unwrap(), b"beside");
        assert_eq!(fs::read_dir(root.join("beside/deep")).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn folders_below_the_top_are_used_and_a_link_to_one_beside_it() {
    for (server, root) in servers() {
        symlink("real", root.join("top/in")).unwrap();
        symlink("real/deep", root.join("top/further")).unwrap();
        symlink("top", root.join("top-by-link")).unwrap();
        symlink("top/real", root.join("real-by-link")).unwrap();
        for (folder, within) in [
            ("top", "real"),
            ("TOP", "REAL"),
            ("top", "in"),
            ("top", "real/deep"),
            ("top", "in/deep"),
            ("top-by-link", "real"),
            ("real-by-link", "deep"),
            ("top/real", "deep"),
        ] {
            let share = top(&server, folder).await;
            let path = format!("{within}/new.pem");
            put(&*share, &path, b"new", Replace::Never).await.unwrap();
            assert_eq!(content(&*share, &path).await.unwrap(), b"new", "{folder}/{path}");
            assert_eq!(share.length(&at(&path)).await.unwrap(), Some(3));
            assert_eq!(share.stat(&at(within)).await.unwrap(), Some(EntryKind::Folder));
            share.remove(&at(&path)).await.unwrap();
            assert_eq!(share.stat(&at(&path)).await.unwrap(), None);
        }
        // It is inside, but does not stand where the path says.
        let share = top(&server, "top").await;
        let written = put(&*share, "further/new.pem", b"new", Replace::Never).await;
        assert_eq!(kind(written), ShareErrorKind::OutsideShare);
    }
}

#[tokio::test]
async fn nothing_is_written_through_a_link_in_the_place_of_the_file() {
    for (server, root) in servers() {
        let share = top(&server, "top").await;
        for (name, target) in [
            ("file.pem", "../beside/secret.pem"),
            ("folder.pem", "../beside"),
            ("nothing.pem", "../beside/new.pem"),
        ] {
            let link = root.join("top").join(name);
            symlink(target, &link).unwrap();
            let written = put(&*share, name, b"new", Replace::Never).await;
            let taken = [
                ShareErrorKind::Exists,
                ShareErrorKind::NotAFile,
                ShareErrorKind::OutsideShare,
            ];
            assert!(taken.contains(&kind(written)), "{name}");
            assert!(link.is_symlink(), "{name}");
            match put(&*share, name, b"new", Replace::Allowed).await {
                Ok(_) => {
                    assert!(!link.is_symlink() && fs::read(&link).unwrap() == b"new", "{name}");
                    fs::remove_file(&link).unwrap();
                    symlink(target, &link).unwrap();
                }
                refused => assert!(taken.contains(&kind(refused)), "{name}"),
            }
            match share.remove(&at(name)).await {
                Ok(()) => assert_eq!(share.stat(&at(name)).await.unwrap(), None, "{name}"),
                refused => assert_eq!(kind(refused), ShareErrorKind::NotAFile, "{name}"),
            }
        }
        assert_eq!(fs::read(root.join("beside/secret.pem")).unwrap(), b"beside");
        assert_eq!(fs::read_dir(root.join("beside")).unwrap().count(), 2);
    }
}

#[tokio::test]
async fn a_folder_that_the_user_may_not_list_cannot_be_checked_and_is_denied() {
    let Some(server) = server() else { return };
    if !server.can_lock() {
        return;
    }
    for folder in ["mailboxes", "mailboxes/blind"] {
        server.make_folder(SambaServer::SAFE, folder);
    }
    let blind = server.root(SambaServer::SAFE).join("mailboxes/blind");
    fs::set_permissions(&blind, fs::Permissions::from_mode(0o733)).unwrap();
    let share = top(server, "mailboxes").await;
    let error = put(&*share, "blind/k.pem", b"x", Replace::Never)
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, ShareErrorKind::Denied, "{error}");
    assert!(error.advice.unwrap().contains("list the folder"));
    assert_eq!(fs::read_dir(&blind).unwrap().count(), 0);
}
