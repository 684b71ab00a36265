//! Clients that are slow in one way or another are cut, and those that are only busy are not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use std::time::Duration;

use common::services::{Happened, endless, hello, http2, next, request, service};
use common::{Server, answer, ask, begin, end_of, no_limits, soon};
use keystead_listener::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What passes soon.
const SHORT: Duration = Duration::from_millis(50);
/// What is long enough for a few steps of a test.
const ENOUGH: Duration = Duration::from_secs(2);

#[tokio::test]
async fn slow_headers_are_cut() {
    let limits = Limits {
        header_timeout: SHORT,
        ..no_limits()
    };
    let server = Server::plain(hello(), limits).await;
    let mut kept = server.connect().await;
    assert!(ask(&mut kept, "/").await.ends_with("hello"));
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nhost: loc").await.unwrap();
    assert_eq!(end_of(&mut slow).await, "");
    // The time that headers may take does not count while none are sent: this one is older than the slow one was.
    assert!(ask(&mut kept, "/").await.ends_with("hello"));
    // Nor does a connection that was good before have more time.
    kept.write_all(b"G").await.unwrap();
    assert_eq!(end_of(&mut kept).await, "");
}

#[tokio::test]
async fn headers_that_trickle_in_are_cut() {
    let limits = Limits {
        header_timeout: SHORT,
        ..no_limits()
    };
    let server = Server::plain(hello(), limits).await;
    let slow = server.connect().await;
    let (mut reads, mut writes) = slow.into_split();
    let trickle = async move {
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        writes.write_all(b"GET / HTTP/1.1\r\n").await?;
        loop {
            pause.tick().await;
            writes.write_all(b"a: b\r\n").await?;
        }
    };
    let trickle: tokio::task::JoinHandle<std::io::Result<()>> = tokio::spawn(trickle);
    // Not the answer that there are too many headers: the time was over before.
    assert_eq!(end_of(&mut reads).await, "");
    soon(trickle).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn connections_on_which_nothing_is_asked_are_closed() {
    let limits = Limits {
        idle_timeout: ENOUGH,
        ..no_limits()
    };
    let server = Server::tls(hello(), limits).await;
    let mut kept = server.connect_tls(&["http/1.1"]).await;
    assert!(ask(&mut kept, "/").await.ends_with("hello"));
    let mut silent = server.connect_tls(&["http/1.1"]).await;
    let (client, connection) = http2(&server).await;
    assert_eq!(end_of(&mut kept).await, "");
    assert_eq!(end_of(&mut silent).await, "");
    let _ = soon(connection).await;
    drop(client);
}

#[tokio::test]
async fn a_request_may_take_longer_than_a_connection_may_be_idle() {
    let (router, mut happens, go_on) = service();
    let limits = Limits {
        idle_timeout: ENOUGH,
        ..no_limits()
    };
    let server = Server::plain(router, limits).await;
    let mut busy = server.connect().await;
    begin(&mut busy, "/wait").await;
    assert_eq!(next(&mut happens).await, Happened::Begun);
    let mut idle = server.connect().await;
    assert_eq!(end_of(&mut idle).await, "");
    go_on.notify_one();
    assert!(answer(&mut busy).await.ends_with("waited"));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let (router, mut happens) = endless();
    let limits = Limits {
        write_timeout: SHORT,
        ..no_limits()
    };
    let server = Server::tls(router, limits).await;
    let mut client = server.connect_tls(&["http/1.1"]).await;
    begin(&mut client, "/endless").await;
    assert_eq!(next(&mut happens).await, Happened::Dropped);

    let (mut client, connection) = http2(&server).await;
    let (response, _) = client.send_request(request(&server, "/endless"), true).unwrap();
    let connection = tokio::spawn(connection);
    let response = soon(response).await;
    // The window for the stream is never opened again.
    assert_eq!(next(&mut happens).await, Happened::Dropped);
    let _ = soon(connection).await;
    drop(response);
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_served() {
    let (router, mut happens) = endless();
    let limits = Limits {
        write_timeout: ENOUGH,
        ..no_limits()
    };
    let server = Server::plain(router, limits).await;
    let mut client = server.connect().await;
    begin(&mut client, "/endless").await;
    let mut part = vec![0; 1 << 20];
    // It keeps the server waiting for longer than it may leave everything unread.
    for _ in 0..20 {
        soon(client.read_exact(&mut part)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(happens.try_recv().is_err(), "it was cut");
    drop(client);
    assert_eq!(next(&mut happens).await, Happened::Dropped);
}
