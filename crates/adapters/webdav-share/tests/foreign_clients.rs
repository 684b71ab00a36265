//! What is written here is read by the clients of others, and what they write is read here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::fs;
use std::process::Command;

use keystead_application::ports::{Replace, SharePath};
use keystead_test_servers::{PASSWORD, USER, WebDavServer, WebDavSettings, WebDavSoftware, have};
use support::{content, put, share_at, temporaries};

fn bytes(count: usize) -> Vec<u8> {
    (0..count as u64)
        .flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
        .take(count)
        .collect()
}

fn curl(server: &WebDavServer, path: &str, args: &[&str]) -> Vec<u8> {
    let url = format!("http://127.0.0.1:{}/{path}", server.port());
    let user = format!("{USER}:{PASSWORD}");
    let output = Command::new("curl")
        .args(["-sSf", "--user", &user, &url])
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[tokio::test]
async fn curl_reads_the_same_bytes_of_small_and_of_streamed_files() {
    if !have(&["curl"]) {
        return;
    }
    for software in [WebDavSoftware::Rclone, WebDavSoftware::WsgiDav] {
        let settings = WebDavSettings {
            software,
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        let share = share_at(&server.url()).await;
        const MIB: usize = 1 << 20;
        for size in [0, 1, 3_000, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 21 * MIB + 5] {
            let (name, sent) = (format!("{size} b+c.bin"), bytes(size));
            let mut writer = share
                .create(&SharePath::new(&name), Replace::Never)
                .await
                .unwrap();
            for piece in sent.chunks(100_003) {
                writer.write(piece).await.unwrap();
            }
            assert_eq!(writer.publish().await.unwrap().bytes, size as u64);
            let path = format!("{size}%20b%2Bc.bin");
            assert!(curl(&server, &path, &[]) == sent, "{software:?} {size}");
            assert!(
                content(&*share, &name).await.unwrap() == sent,
                "{software:?} {size}"
            );
        }
        assert_eq!(fs::read_dir(server.root()).unwrap().count(), 7);
    }
}

#[tokio::test]
async fn what_curl_writes_is_read() {
    if !have(&["curl"]) {
        return;
    }
    let Some(server) = WebDavServer::start(WebDavSettings::default()) else {
        return;
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, bytes(70_000)).unwrap();
    curl(&server, "B%C3%BCro.pem", &["-T", file.path().to_str().unwrap()]);
    let share = share_at(&server.url()).await;
    assert_eq!(content(&*share, "Büro.pem").await.unwrap(), bytes(70_000));
    put(&*share, "Büro.pem", b"ours", Replace::Allowed).await.unwrap();
    assert_eq!(curl(&server, "B%C3%BCro.pem", &[]), b"ours");
}

#[tokio::test]
async fn a_streamed_file_that_is_dropped_or_discarded_leaves_nothing() {
    for software in [WebDavSoftware::Rclone, WebDavSoftware::WsgiDav] {
        let settings = WebDavSettings {
            software,
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        let temporaries = temporaries();
        let provider = keystead_webdav_share::WebDavShareProvider::new(temporaries.clone());
        let access = support::access(&server.url());
        let share = keystead_application::ports::ShareProvider::connect(&provider, &access)
            .await
            .unwrap();
        for drop_it in [true, false] {
            let mut writer = share
                .create(&SharePath::new("large.bin"), Replace::Never)
                .await
                .unwrap();
            for _ in 0..20 {
                writer.write(&bytes(1 << 20)).await.unwrap();
            }
            assert_eq!(
                fs::read_dir(server.root()).unwrap().count(),
                1,
                "it is on its way: {software:?}"
            );
            if drop_it {
                drop(writer);
                temporaries.settled().await;
            } else {
                writer.discard().await;
            }
            assert_eq!(fs::read_dir(server.root()).unwrap().count(), 0, "{software:?}");
        }
    }
}
