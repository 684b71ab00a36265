//! The link is cut in the middle of writes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::fs;

use keystead_application::ports::{FileShare, Replace, ShareError, ShareErrorKind, SharePath, WriteReceipt};
use keystead_test_servers::{LinkProxy, WebDavServer, WebDavSettings, WebDavSoftware};
use support::{content, kind, put, share_at};

/// Writes in pieces, as a stream does.
async fn put_in_pieces(share: &dyn FileShare, path: &str, bytes: &[u8]) -> Result<WriteReceipt, ShareError> {
    let mut writer = share.create(&SharePath::new(path), Replace::Never).await?;
    for piece in bytes.chunks(100_003) {
        writer.write(piece).await?;
    }
    writer.publish().await
}

fn temporary_files(server: &WebDavServer) -> usize {
    let names = fs::read_dir(server.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_str().unwrap().starts_with(".keystead-"))
        .count()
}

#[tokio::test]
async fn a_cut_write_leaves_nothing_or_all_of_it_and_can_be_done_again() {
    for software in [WebDavSoftware::Rclone, WebDavSoftware::WsgiDav] {
        let settings = WebDavSettings {
            software,
            ..WebDavSettings::default()
        };
        let Some(server) = WebDavServer::start(settings) else {
            continue;
        };
        let direct = share_at(&server.url()).await;
        let proxy = LinkProxy::to(server.port());
        let share = share_at(&format!("webdav://127.0.0.1:{}", proxy.port())).await;
        let (mut cut, mut succeeded) = (0, 0);
        for size in [30_000_usize, 9 << 20] {
            let sent: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let before = proxy.passed();
            put_in_pieces(&*share, &format!("{size}"), &sent).await.unwrap();
            let whole = proxy.passed() - before;
            let ends = proxy.ends();
            let ends = ends.iter().filter(|end| **end > before).map(|end| end - before);
            let spread = (0..6).map(|n| whole * n / 6 + n * 7);
            // Where requests end, the server does what it was asked, and the answer is lost.
            let ends: Vec<u64> = ends.collect();
            let ends = ends.iter().rev().step_by(1 + ends.len() / 6).copied();
            for (n, point) in spread.chain(ends).enumerate() {
                let (name, told) = (format!("{size}-{n}"), format!("{software:?}: {point} of {whole}"));
                let cuts = proxy.cuts();
                proxy.cut_once_after(point);
                match put_in_pieces(&*share, &name, &sent).await {
                    Ok(_) => succeeded += 1,
                    refused => {
                        assert_eq!(kind(refused), ShareErrorKind::Unavailable, "{told}");
                        proxy.mend();
                        if direct.stat(&SharePath::new(&name)).await.unwrap().is_some() {
                            assert!(content(&*direct, &name).await.unwrap() == sent, "{told}");
                        }
                        // A server that was slow to do what it was asked may have done it by now.
                        if let Err(late) = put(&*share, &name, &sent, Replace::Never).await {
                            assert_eq!(late.kind, ShareErrorKind::Exists, "{told}");
                        }
                    }
                }
                cut += u32::from(proxy.cuts() > cuts);
                proxy.mend();
                assert!(content(&*direct, &name).await.unwrap() == sent, "{told}");
            }
        }
        // What is there can tell that all was done, though the answer got lost.
        assert!(
            cut > 15 && succeeded > 0,
            "{software:?}: {cut} cuts, {succeeded} succeeded"
        );
        // A server may find out late that a connection broke, and then store what it got.
        for _ in 0..200 {
            share.clean_up(&SharePath::new("/")).await.unwrap();
            if temporary_files(&server) == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(temporary_files(&server), 0, "{software:?}");
    }
}

#[tokio::test]
async fn a_write_that_nobody_waited_for_is_not_published() {
    let Some(server) = WebDavServer::start(WebDavSettings::default()) else {
        return;
    };
    let share = share_at(&server.url()).await;
    let mut writer = share
        .create(&SharePath::new("k.bin"), Replace::Never)
        .await
        .unwrap();
    let piece = vec![7; 1 << 20];
    loop {
        let mut write = writer.write(&piece);
        // Polled once: it has taken the bytes, and the server has not.
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(write.as_mut().poll(context))).await;
        drop(write);
        match polled {
            std::task::Poll::Pending => break,
            std::task::Poll::Ready(written) => written.unwrap(),
        }
    }
    assert_eq!(kind(writer.publish().await), ShareErrorKind::Unavailable);
    assert_eq!(fs::read_dir(server.root()).unwrap().count(), 0);
}
