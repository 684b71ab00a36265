//! Temporary files that others left, that others still write, and that others take away.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use keystead_application::ports::{Replace, ShareErrorKind, SharePath, ShareProvider};
use keystead_memory::MemoryProcesses;
use keystead_test_servers::{PASSWORD, RcloneSftpServer, SshServer};
use russh_sftp::protocol::StatusCode;

use crate::odd_server::OddServer;
use crate::support::{Shared, access_to_rclone, content, names_in, provider, put, share_of};

const DAY: u32 = 24 * 60 * 60;

/// The name of what a process of another machine writes, of which nothing is known here.
fn of_another_machine(number: u32) -> String {
    format!(".keystead-{number:016x}-elsewhere-3.tmp")
}

fn of_one_that_ended() -> String {
    format!(".keystead-{:016x}-{}.tmp", 0, MemoryProcesses::ENDED)
}

async fn clean_up(share: &Shared) -> usize {
    share.clean_up(&SharePath::new("k.pem")).await.unwrap()
}

fn make_old(path: &Path, days: u32) {
    let file = File::options().append(true).open(path).unwrap();
    let time = file.metadata().unwrap().modified().unwrap();
    file.set_modified(time - Duration::from_secs(u64::from(days * DAY)))
        .unwrap();
}

/// Makes an old and a new file of another machine, and says what is left of them.
async fn old_and_new(share: &Shared, folder: &Path) -> (usize, Vec<String>) {
    for number in [1, 2] {
        fs::write(folder.join(of_another_machine(number)), "half of a").unwrap();
    }
    make_old(&folder.join(of_another_machine(1)), 2);
    (clean_up(share).await, names_in(folder))
}

#[tokio::test]
async fn of_the_files_of_other_machines_only_the_old_ones_are_removed() {
    let Some(server) = SshServer::start() else { return };
    let share = share_of(&server, &server.root()).await;
    let left = old_and_new(&share, &server.root()).await;
    assert_eq!(left, (1, vec![of_another_machine(2)]));

    let Some(server) = RcloneSftpServer::start() else {
        return;
    };
    let access = access_to_rclone(&server, PASSWORD);
    let share = provider().connect(&access).await.unwrap();
    let left = old_and_new(&share, &server.root()).await;
    assert_eq!(left, (1, vec![of_another_machine(2)]));
}

#[tokio::test]
async fn a_clock_of_the_server_that_is_wrong_takes_no_file_from_who_writes_it() {
    // At the beginning of time, years behind and years ahead of this machine.
    for now in [0, 1_000_000_000, 4_200_000_000] {
        let server = OddServer::new(now, StatusCode::Ok);
        let share = provider().connect(&server.start().await).await.unwrap();
        server.put(&of_another_machine(1), now);
        server.put(&of_another_machine(2), now.saturating_sub(DAY / 2));
        server.put(&of_another_machine(3), now + DAY * 400);
        let alive = server.names();
        assert_eq!(clean_up(&share).await, 0, "{now}");
        assert_eq!(server.names(), alive, "{now}");
        server.put(&of_one_that_ended(), now);
        assert_eq!(clean_up(&share).await, 1, "{now}");
        if now > 0 {
            server.put(&of_another_machine(4), now - 2 * DAY);
            assert_eq!(clean_up(&share).await, 1, "{now}");
        }
        assert_eq!(server.names(), alive, "{now}");
    }
}

#[tokio::test]
async fn where_the_clock_cannot_be_known_no_age_is_told() {
    let Some(server) = SshServer::start() else { return };
    if server.user() == "root" {
        return;
    }
    let share = share_of(&server, &server.root()).await;
    let old = server.root().join(of_another_machine(1));
    fs::write(&old, "half of a").unwrap();
    make_old(&old, 2);
    fs::set_permissions(server.root(), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(clean_up(&share).await, 0);
    fs::set_permissions(server.root(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(clean_up(&share).await, 1);
    assert_eq!(names_in(&server.root()), [""; 0]);
}

#[tokio::test]
async fn a_temporary_file_that_somebody_removed_is_told_as_that_and_takes_nothing_along() {
    for without in ["", "hardlink,posix-rename,fsync,statvfs,limits"] {
        let Some(server) = SshServer::start_without(without) else {
            return;
        };
        let share = share_of(&server, &server.root()).await;
        put(&share, "old.pem", b"old", Replace::Never).await.unwrap();
        for (path, replace) in [
            ("new.pem", Replace::Never),
            ("new.pem", Replace::Allowed),
            ("old.pem", Replace::Allowed),
        ] {
            let case = format!("{path}, {replace:?}, without {without:?}");
            let mut writer = share.create(&SharePath::new(path), replace).await.unwrap();
            writer.write(&[7; 300_000]).await.unwrap();
            let names = names_in(&server.root());
            let temporary = names.iter().find(|name| name.starts_with(".keystead-"));
            fs::remove_file(server.root().join(temporary.unwrap())).unwrap();
            let error = writer.publish().await.unwrap_err();
            assert_eq!(error.kind, ShareErrorKind::Unavailable, "{case}: {error}");
            assert!(
                error.message.contains("removed the temporary file"),
                "{case}: {error}"
            );
            assert!(error.advice.is_some(), "{case}");
            assert_eq!(names_in(&server.root()), ["old.pem"], "{case}");
        }
        assert_eq!(content(&share, "old.pem").await.unwrap(), b"old");
    }
}
