//! The link is cut in the middle of writes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use keystead_application::ports::{FileShare, Replace, ShareError, ShareErrorKind, SharePath, WriteReceipt};
use keystead_test_servers::{LinkProxy, have};
use support::{access, bytes, connect, content, folder_on, kind, put, server};

/// Writes in pieces, as a stream does.
async fn put_in_pieces(share: &dyn FileShare, path: &str, bytes: &[u8]) -> Result<WriteReceipt, ShareError> {
    let mut writer = share.create(&SharePath::new(path), Replace::Never).await?;
    for piece in bytes.chunks(100_003) {
        writer.write(piece).await?;
    }
    writer.publish().await
}

#[tokio::test]
async fn a_cut_write_leaves_nothing_or_all_of_it_and_can_be_done_again() {
    if !have(&["s3cmd"]) {
        return;
    }
    let Some(server) = server() else { return };
    let direct = connect(&folder_on(server, "cut")).await.unwrap();
    let proxy = LinkProxy::to(server.port());
    let endpoint = format!("http://127.0.0.1:{}", proxy.port());
    let share = connect(&access("s3://escrow/cut", &endpoint)).await.unwrap();
    let (mut cut, mut succeeded) = (0, 0);
    for size in [30_000, 9 << 20] {
        let sent = bytes(size);
        // The first one finds out what the server promises; that is not what is cut here.
        let first = format!("{size}-first");
        put_in_pieces(&*share, &first, &sent).await.unwrap();
        let before = proxy.passed();
        // All names have one length, so that requests have.
        put_in_pieces(&*share, &format!("{size}-xx"), &sent)
            .await
            .unwrap();
        let whole = proxy.passed() - before;
        let ends = proxy.ends();
        let ends = ends.iter().filter(|end| **end > before).map(|end| end - before);
        let spread = (0..6).map(|n| whole * n / 6 + n * 7);
        // Where requests end, the server does what it was asked, and the answer is lost.
        let ends: Vec<u64> = ends.collect();
        let ends = ends.iter().rev().step_by(1 + ends.len() / 6).copied();
        for (n, point) in spread.chain(ends).enumerate() {
            let name = format!("{size}-{n:02}");
            let cuts = proxy.cuts();
            proxy.cut_once_after(point);
            match put_in_pieces(&*share, &name, &sent).await {
                Ok(_) => succeeded += 1,
                refused => {
                    assert_eq!(kind(refused), ShareErrorKind::Unavailable, "{point} of {whole}");
                    proxy.mend();
                    if direct.stat(&SharePath::new(&name)).await.unwrap().is_some() {
                        assert!(
                            content(&*direct, &name).await.unwrap() == sent,
                            "{point} of {whole}"
                        );
                    }
                    // A server that was slow to do what it was asked may have done it by now.
                    if let Err(late) = put(&*share, &name, &sent, Replace::Never).await {
                        assert_eq!(late.kind, ShareErrorKind::Exists, "{point} of {whole}");
                    }
                }
            }
            cut += u32::from(proxy.cuts() > cuts);
            proxy.mend();
            assert!(
                content(&*direct, &name).await.unwrap() == sent,
                "{point} of {whole}"
            );
        }
    }
    // What is there can tell that all was done, though the answer got lost.
    assert!(cut > 15 && succeeded > 0, "{cut} cuts, {succeeded} succeeded");
    assert!(
        !server.s3cmd(&["multipart", &server.url()]).contains("cut/"),
        "parts are left"
    );
}

#[tokio::test]
async fn a_write_that_nobody_waited_for_is_not_published() {
    let Some(server) = server() else { return };
    let share = connect(&folder_on(server, "unwaited")).await.unwrap();
    let path = SharePath::new("k.bin");
    let mut writer = share.create(&path, Replace::Never).await.unwrap();
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
    assert_eq!(share.stat(&path).await.unwrap(), None);
}
