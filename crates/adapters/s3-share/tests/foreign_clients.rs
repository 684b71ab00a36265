//! What is written here is read by the clients of others, and what they write is read here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::fs;
use std::process::Command;

use keystead_application::ports::{Replace, SharePath, ShareProvider};
use keystead_s3_share::S3ShareProvider;
use keystead_test_servers::{S3Server, have};
use support::{bytes, connect, content, folder_on, put, server, temporaries};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn s3cmd_reads_the_same_bytes_of_small_files_and_of_those_in_parts() {
    if !have(&["s3cmd"]) {
        return;
    }
    let Some(server) = server() else {
        return;
    };
    let share = connect(&folder_on(server, "s3cmd")).await.unwrap();
    for size in [0, 1, 3_000, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 21 * MIB + 5] {
        let (name, sent) = (format!("a b+c/{size} ü.bin"), bytes(size));
        for replace in [Replace::Never, Replace::Allowed] {
            let mut writer = share.create(&SharePath::new(&name), replace).await.unwrap();
            for piece in sent.chunks(100_003) {
                writer.write(piece).await.unwrap();
            }
            assert_eq!(writer.publish().await.unwrap().bytes, size as u64);
            let copy = server.scratch("copy");
            let url = format!("{}/s3cmd/{name}", server.url());
            server.s3cmd(&["get", "--force", &url, copy.to_str().unwrap()]);
            assert!(fs::read(&copy).unwrap() == sent, "{size}");
            assert!(content(&*share, &name).await.unwrap() == sent, "{size}");
        }
    }
    assert!(share.capabilities().exclusive_create);
}

#[tokio::test]
async fn rclone_reads_what_is_written_and_writes_what_is_read() {
    if !have(&["rclone"]) {
        return;
    }
    let Some(server) = server() else {
        return;
    };
    let share = connect(&folder_on(server, "rclone")).await.unwrap();
    put(&*share, "Büro.pem", &bytes(70_000), Replace::Never)
        .await
        .unwrap();
    let rclone = |args: &[&str]| {
        let output = Command::new("rclone")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .args(["--config", "", "--s3-provider", "Other", "--s3-env-auth=false"])
            .args([
                "--s3-access-key-id",
                S3Server::ACCESS_KEY_ID,
                "--s3-secret-access-key",
                S3Server::SECRET,
            ])
            .args(["--s3-endpoint", &server.endpoint(), "--s3-region", "us-east-1"])
            .args(args)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    assert_eq!(rclone(&["cat", ":s3:escrow/rclone/Büro.pem"]), bytes(70_000));
    let file = server.scratch("theirs");
    fs::write(&file, bytes(50_000)).unwrap();
    rclone(&[
        "copyto",
        file.to_str().unwrap(),
        ":s3:escrow/rclone/a b/theirs+.bin",
    ]);
    assert_eq!(content(&*share, "a b/theirs+.bin").await.unwrap(), bytes(50_000));
}

#[tokio::test]
async fn parts_of_a_file_that_is_dropped_or_discarded_do_not_stay() {
    if !have(&["s3cmd"]) {
        return;
    }
    let Some(server) = server() else {
        return;
    };
    let temporaries = temporaries();
    let provider = S3ShareProvider::new(temporaries.clone());
    let share = provider.connect(&folder_on(server, "dropped")).await.unwrap();
    for drop_it in [true, false] {
        let mut writer = share
            .create(&SharePath::new("large.bin"), Replace::Never)
            .await
            .unwrap();
        for _ in 0..20 {
            writer.write(&bytes(MIB)).await.unwrap();
        }
        let uploads = || server.s3cmd(&["multipart", &server.url()]).contains("large.bin");
        assert!(uploads(), "it is on its way");
        if drop_it {
            drop(writer);
            temporaries.settled().await;
        } else {
            writer.discard().await;
        }
        assert!(!uploads());
        assert_eq!(share.stat(&SharePath::new("large.bin")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_file_in_parts_does_not_replace_one_that_came_in_between() {
    let Some(server) = server() else {
        return;
    };
    let share = connect(&folder_on(server, "between")).await.unwrap();
    let mut slow = share
        .create(&SharePath::new("k.bin"), Replace::Never)
        .await
        .unwrap();
    slow.write(&bytes(20 * MIB)).await.unwrap();
    put(&*share, "k.bin", b"quick", Replace::Never).await.unwrap();
    let refused = support::kind(slow.publish().await);
    assert_eq!(refused, keystead_application::ports::ShareErrorKind::Exists);
    assert_eq!(content(&*share, "k.bin").await.unwrap(), b"quick");
}
