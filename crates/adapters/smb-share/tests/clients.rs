//! What was written here is what other clients read, and the other way around.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::fs;
use std::sync::Arc;

use keystead_application::ports::{Replace, ShareErrorKind};
use keystead_test_servers::{SambaServer, have};
use support::{at, content, put, server, share};
use tokio::io::AsyncReadExt;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * n % 251) as u8).collect()
}

#[tokio::test]
async fn smbclient_reads_the_same_bytes() {
    if !have(&["smbclient"]) {
        return;
    }
    let Some(server) = server() else { return };
    let here = tempfile::tempdir().unwrap();
    for name in [SambaServer::SAFE, SambaServer::ENCRYPTED] {
        let share = share(server, name).await;
        for (file, length) in [
            ("Büro Schlüssel.pem", 3_272),
            ("large.bin", 9_000_001),
            ("empty", 0),
        ] {
            put(&*share, file, &sample(length), Replace::Never).await.unwrap();
            let to = here.path().join("got");
            let got = server.smbclient(name, &format!("get \"{file}\" {}", to.display()));
            assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stdout));
            assert!(fs::read(&to).unwrap() == sample(length), "{file}");
        }
    }
}

#[tokio::test]
async fn what_smbclient_wrote_is_read() {
    if !have(&["smbclient"]) {
        return;
    }
    let Some(server) = server() else { return };
    let here = tempfile::NamedTempFile::new().unwrap();
    fs::write(here.path(), sample(5_000_003)).unwrap();
    let put = server.smbclient(
        SambaServer::SAFE,
        &format!("put {} theirs.bin", here.path().display()),
    );
    assert!(put.status.success(), "{}", String::from_utf8_lossy(&put.stdout));
    let share = share(server, SambaServer::SAFE).await;
    assert!(content(&*share, "theirs.bin").await.unwrap() == sample(5_000_003));
}

#[tokio::test]
async fn a_file_is_not_there_for_others_until_it_is_published() {
    if !have(&["smbclient"]) {
        return;
    }
    let Some(server) = server() else { return };
    let share = share(server, SambaServer::SAFE).await;
    let mut writer = share.create(&at("slow.pem"), Replace::Never).await.unwrap();
    writer.write(&sample(2_000_000)).await.unwrap();
    let looked = server.smbclient(SambaServer::SAFE, "ls slow.pem");
    assert!(
        !looked.status.success(),
        "{}",
        String::from_utf8_lossy(&looked.stdout)
    );
    let names = fs::read_dir(server.root(SambaServer::SAFE)).unwrap();
    let temporary = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.starts_with(".keystead-"));
    let stolen = format!("get {} /dev/null", temporary.unwrap());
    let stolen = server.smbclient(SambaServer::SAFE, &stolen);
    assert!(!stolen.status.success(), "others read the unfinished file");
    writer.publish().await.unwrap();
    assert!(
        server
            .smbclient(SambaServer::SAFE, "ls slow.pem")
            .status
            .success()
    );
}

#[tokio::test]
async fn a_large_file_is_read_and_written_at_the_same_time() {
    let Some(server) = server() else { return };
    let share = share(server, SambaServer::SAFE).await;
    put(&*share, "from.bin", &sample(20_000_000), Replace::Never)
        .await
        .unwrap();
    let mut reader = share.read(&at("from.bin")).await.unwrap();
    let mut writer = share.create(&at("to.bin"), Replace::Never).await.unwrap();
    let mut piece = vec![0; 100_000];
    loop {
        let length = reader.read(&mut piece).await.unwrap();
        if length == 0 {
            break;
        }
        writer.write(&piece[..length]).await.unwrap();
    }
    assert_eq!(writer.publish().await.unwrap().bytes, 20_000_000);
    let root = server.root(SambaServer::SAFE);
    assert!(fs::read(root.join("to.bin")).unwrap() == sample(20_000_000));
}

/// Each connection has a server process of its own, and these look for a file of the name at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_on_several_connections_one_publishes() {
    let Some(server) = server() else { return };
    let mut shares = Vec::new();
    for _ in 0..4 {
        shares.push(share(server, SambaServer::SAFE).await);
    }
    for round in 0..80 {
        let all_have_begun = Arc::new(Barrier::new(shares.len()));
        let mut crowd = JoinSet::new();
        for (n, share) in (0..).zip(&shares) {
            let (share, all_have_begun) = (Arc::clone(share), Arc::clone(&all_have_begun));
            crowd.spawn(async move {
                let path = at(&format!("race-{round}"));
                let mut writer = share.create(&path, Replace::Never).await.unwrap();
                writer.write(&[n; 10]).await.unwrap();
                all_have_begun.wait().await;
                let published = writer.publish().await;
                assert!(
                    published
                        .as_ref()
                        .is_ok_and(|receipt| receipt.promised == share.capabilities())
                        || published
                            .as_ref()
                            .is_err_and(|error| error.kind == ShareErrorKind::Exists)
                );
                published.is_ok().then_some(n)
            });
        }
        let published: Vec<u8> = crowd.join_all().await.into_iter().flatten().collect();
        assert_eq!(published.len(), 1, "in round {round}");
        let found = fs::read(server.root(SambaServer::SAFE).join(format!("race-{round}"))).unwrap();
        assert_eq!(found, [published[0]; 10]);
    }
}
