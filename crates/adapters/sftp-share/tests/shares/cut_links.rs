//! Links that break while something is on its way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use keystead_application::ports::{Replace, ShareErrorKind, SharePath, ShareProvider, Temporaries};
use keystead_memory::{MemoryProcesses, MemoryRandomness};
use keystead_test_servers::{LinkProxy, SshServer};
use tokio::io::AsyncReadExt;

use crate::failures::access_through;
use crate::support::{content, names_in, provider, provider_with, put, share_of, temporaries};

#[tokio::test]
async fn a_cut_link_leaves_no_half_file_and_the_next_call_works() {
    let Some(server) = SshServer::start() else { return };
    let link = LinkProxy::to(server.port());
    let share = provider()
        .connect(&access_through(&server, link.port()))
        .await
        .unwrap();
    let bytes = vec![7; 400_000];
    let before = link.passed();
    put(&share, "whole.bin", &bytes, Replace::Never).await.unwrap();
    let needed = link.passed() - before;
    share.remove(&SharePath::new("whole.bin")).await.unwrap();
    let (mut cut_in_the_end, mut times) = (0, 0);
    // The last requests are the small ones: the flush, the link, and what follows.
    let early = (0..12).map(|part| needed * part / 12);
    let late = (0..24).map(|part| needed.saturating_sub(part * 40));
    for point in early.chain(late) {
        times += 1;
        link.cut_after(point);
        let result = put(&share, "k.bin", &bytes, Replace::Never).await;
        let was_cut = link.is_cut();
        link.mend();
        match result {
            Ok(_) => {}
            Err(error) => {
                assert!(was_cut, "{error}");
                assert_eq!(
                    error.kind,
                    ShareErrorKind::Unavailable,
                    "after {point} bytes: {error}"
                );
                assert!(error.place.ends_with("/k.bin"), "{error}");
                cut_in_the_end += 1;
            }
        }
        match content(&share, "k.bin").await {
            Ok(found) => assert!(found == bytes, "half a file after {point} bytes"),
            Err(error) => assert_eq!(error.kind, ShareErrorKind::NotFound, "{error}"),
        }
        put(&share, "k.bin", &bytes, Replace::Allowed).await.unwrap();
        assert_eq!(content(&share, "k.bin").await.unwrap(), bytes);
        share.remove(&SharePath::new("k.bin")).await.unwrap();
    }
    assert!(cut_in_the_end > times / 2, "{cut_in_the_end} of {times} were cut");
}

#[tokio::test]
async fn what_a_broken_link_left_behind_is_cleaned_up_later() {
    let Some(server) = SshServer::start() else { return };
    let link = LinkProxy::to(server.port());
    let mine = temporaries();
    let share = provider_with(mine.clone())
        .connect(&access_through(&server, link.port()))
        .await
        .unwrap();
    let mut writer = share
        .create(&SharePath::new("k.bin"), Replace::Never)
        .await
        .unwrap();
    link.cut_after(100_000);
    let mut outcome = Ok(());
    while outcome.is_ok() {
        outcome = writer.write(&[7; 100_000]).await;
    }
    assert_eq!(outcome.unwrap_err().kind, ShareErrorKind::Unavailable);
    writer.discard().await;
    mine.settled().await;
    let left = names_in(&server.root());
    assert!(left.len() == 1 && left[0].starts_with(".keystead-"), "{left:?}");
    // Another process cannot know, the same one does.
    let other = Temporaries::new(Arc::new(MemoryRandomness::seeded(77)), Arc::new(MemoryProcesses));
    link.mend();
    let elsewhere = provider_with(other)
        .connect(&access_through(&server, link.port()))
        .await
        .unwrap();
    assert_eq!(elsewhere.clean_up(&SharePath::new("k.bin")).await.unwrap(), 0);
    assert_eq!(share.clean_up(&SharePath::new("k.bin")).await.unwrap(), 1);
    assert_eq!(names_in(&server.root()), [""; 0]);
}

#[tokio::test]
async fn a_reader_whose_link_is_cut_gets_an_error_and_not_an_end() {
    let Some(mut server) = SshServer::start() else {
        return;
    };
    let share = share_of(&server, &server.root()).await;
    put(&share, "large.bin", &vec![7; 20_000_000], Replace::Never)
        .await
        .unwrap();
    let mut file = share.read(&SharePath::new("large.bin")).await.unwrap();
    file.read_exact(&mut [0; 1000]).await.unwrap();
    server.stop();
    let mut rest = Vec::new();
    let error = file.read_to_end(&mut rest).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(error.to_string().contains("large.bin"), "{error}");
}

/// A proxy that cuts one connection after so many bytes of the client, and lets the next one through.
struct OneCut {
    port: u16,
    left: Arc<Mutex<Option<usize>>>,
    passed: Arc<AtomicUsize>,
}

impl OneCut {
    fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (left, passed) = (Arc::default(), Arc::default());
        let shared = (Arc::clone(&left), Arc::clone(&passed));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (left, passed) = (Arc::clone(&shared.0), Arc::clone(&shared.1));
                let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
                thread::spawn(move || relay(client, server, &left, &passed));
            }
        });
        Self { port, left, passed }
    }

    fn cut_after(&self, bytes: usize) {
        *self.left.lock().unwrap() = Some(bytes);
    }

    /// Whether it was; what was not used up is not for what follows.
    fn was_cut(&self) -> bool {
        self.left.lock().unwrap().take().is_none()
    }
}

fn relay(mut client: TcpStream, mut server: TcpStream, left: &Mutex<Option<usize>>, passed: &AtomicUsize) {
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        passed.fetch_add(length, Ordering::SeqCst);
        let admitted = {
            let mut left = left.lock().unwrap();
            match *left {
                Some(bytes) if bytes < length => left.take().unwrap(),
                Some(bytes) => {
                    *left = Some(bytes - length);
                    length
                }
                None => length,
            }
        };
        if server.write_all(&buffer[..admitted]).is_err() || admitted < length {
            break;
        }
    }
    let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
}

#[tokio::test]
async fn a_publication_whose_answer_got_lost_is_looked_up() {
    let Some(server) = SshServer::start() else { return };
    let link = OneCut::to(server.port());
    let share = provider()
        .connect(&access_through(&server, link.port))
        .await
        .unwrap();
    let path = SharePath::new("k.bin");
    let bytes = vec![7; 10_000];
    let (mut published, mut not) = (0, 0);
    for replace in [Replace::Never, Replace::Allowed] {
        let before = link.passed.load(Ordering::SeqCst);
        put(&share, "k.bin", &bytes, replace).await.unwrap();
        let needed = link.passed.load(Ordering::SeqCst) - before;
        share.remove(&path).await.unwrap();
        for behind in (0..1_600).step_by(80) {
            link.cut_after(needed - behind);
            let result = put(&share, "k.bin", &bytes, replace).await;
            let was_cut = link.was_cut();
            match result {
                Ok(_) => {
                    assert_eq!(content(&share, "k.bin").await.unwrap(), bytes, "{behind}");
                    share.remove(&path).await.unwrap();
                    published += u32::from(was_cut);
                }
                Err(error) => {
                    assert_eq!(error.kind, ShareErrorKind::Unavailable, "{behind}: {error}");
                    assert_eq!(share.stat(&path).await.unwrap(), None, "{behind}: {error}");
                    not += 1;
                }
            }
            assert_eq!(names_in(&server.root()), [""; 0], "{behind}");
        }
    }
    assert!(
        published > 3 && not > 3,
        "{published} were published, {not} were not"
    );
}
