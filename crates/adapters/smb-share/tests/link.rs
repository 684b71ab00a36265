//! The link is cut, or the server goes away: nothing half is left, and the same share works again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

#[path = "support/answers.rs"]
mod answers;
mod support;

use std::fs;
use std::sync::Arc;

use answers::AnswerProxy;
use keystead_application::ports::{FileShare, Replace, ShareErrorKind, ShareProvider, Temporaries};
use keystead_smb_share::SmbShareProvider;
use keystead_test_servers::{LinkProxy, SambaServer};
use support::{access, at, content, put, server, temporaries};

fn sample(seed: usize) -> Vec<u8> {
    (0..1_100_000).map(|n| ((n + seed) * 7 % 251) as u8).collect()
}

async fn through(port: u16, folder: &str) -> (Arc<dyn FileShare>, Temporaries) {
    let temporaries = temporaries();
    let access = access(&format!("smb://127.0.0.1:{port}/{}/{folder}", SambaServer::SAFE));
    let provider = SmbShareProvider::new(temporaries.clone());
    (provider.connect(&access).await.unwrap(), temporaries)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_cut_leaves_no_half_file_and_the_next_try_works() {
    let Some(server) = server() else { return };
    server.make_folder(SambaServer::SAFE, "cut");
    let folder = server.root(SambaServer::SAFE).join("cut");
    let proxy = LinkProxy::to(server.port());
    // Where a whole write ends.
    let (share, _) = through(proxy.port(), "cut").await;
    put(&*share, "whole", &sample(0), Replace::Never).await.unwrap();
    let whole = proxy.passed();
    let mut broken = 0;
    for cut in 0..30_u64 {
        let (share, temporaries) = through(proxy.port(), "cut").await;
        let name = format!("{cut}");
        let bytes = sample(cut as usize);
        proxy.cut_after(whole * cut / 30);
        let written = put(&*share, &name, &bytes, Replace::Never).await;
        proxy.mend();
        temporaries.settled().await;
        let found = fs::read(folder.join(&name)).ok();
        assert!(
            found.is_none() || found.as_deref() == Some(&bytes[..]),
            "half a file after {cut}"
        );
        if let Err(error) = written {
            broken += 1;
            assert_eq!(error.kind, ShareErrorKind::Unavailable, "{error}");
            if found.is_none() {
                put(&*share, &name, &bytes, Replace::Never).await.unwrap();
            }
        }
        share.clean_up(&at("x")).await.unwrap();
        assert!(content(&*share, &name).await.unwrap() == bytes);
    }
    assert!(broken > 20, "the link was cut {broken} times only");
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        31,
        "a temporary file is left"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_answer_is_lost_the_outcome_is_told_right() {
    let Some(server) = server() else { return };
    server.make_folder(SambaServer::SAFE, "lost");
    let folder = server.root(SambaServer::SAFE).join("lost");
    let proxy = AnswerProxy::to(server.port());
    let mut published = 0;
    for cut in 0..100 {
        let (share, temporaries) = through(proxy.port, "lost").await;
        let name = format!("{cut}");
        let bytes = sample(cut);
        proxy.cut_after(cut as u32);
        let written = put(&*share, &name, &bytes, Replace::Never).await;
        let whole = proxy.is_whole();
        temporaries.settled().await;
        let found = fs::read(folder.join(&name)).ok();
        match written {
            Ok(receipt) => {
                assert_eq!(receipt.bytes, bytes.len() as u64);
                assert!(found.unwrap() == bytes, "after {cut} answers");
                published += usize::from(!whole);
            }
            Err(error) => {
                assert_eq!(error.kind, ShareErrorKind::Unavailable, "{error}");
                assert!(
                    found.is_none(),
                    "it said that it failed after {cut} answers, and it did not"
                );
            }
        }
        share.clean_up(&at("x")).await.unwrap();
        let left = fs::read_dir(&folder).unwrap().any(|entry| {
            let name = entry.unwrap().file_name();
            name.to_str().unwrap().starts_with(".keystead-")
        });
        assert!(!left, "a temporary file is left after {cut} answers");
        if whole {
            assert!(cut > 10 && published > 0, "{published} of {cut}");
            return;
        }
    }
    panic!("a write takes more than 100 answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_used_again() {
    let Some(mut server) = SambaServer::start() else {
        return;
    };
    let (share, temporaries) = through(server.port(), "").await;
    put(&*share, "before", b"before", Replace::Never).await.unwrap();
    let mut writer = share.create(&at("during"), Replace::Never).await.unwrap();
    writer.write(&sample(1)).await.unwrap();
    server.stop();
    let lost = writer.publish().await.err().unwrap();
    assert_eq!(lost.kind, ShareErrorKind::Unavailable, "{lost}");
    assert_eq!(
        share.stat(&at("before")).await.err().unwrap().kind,
        ShareErrorKind::Unavailable
    );
    server.restart();
    assert_eq!(content(&*share, "before").await.unwrap(), b"before");
    temporaries.settled().await;
    // This process gave it up and could not remove it, so that it may go now.
    assert_eq!(share.clean_up(&at("before")).await.unwrap(), 1);
    put(&*share, "during", b"during", Replace::Never).await.unwrap();
    assert_eq!(fs::read_dir(server.root(SambaServer::SAFE)).unwrap().count(), 2);
}
