//! When a server is to end, what is under way is answered first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use std::time::Duration;

use common::services::{Happened, http2, next, request, service};
use common::{Server, answer, ask, begin, end_of, no_limits, soon};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_request_that_is_under_way_is_answered() {
    let (router, mut happens, go_on) = service();
    let mut server = Server::plain(router, no_limits()).await;
    let mut idle = server.connect().await;
    assert!(ask(&mut idle, "/").await.ends_with("hello"));
    let mut busy = server.connect().await;
    begin(&mut busy, "/wait").await;
    assert_eq!(next(&mut happens).await, Happened::Begun);
    server.shut_down();
    // What is idle ends at once, and nobody new is taken.
    assert_eq!(end_of(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
    go_on.notify_one();
    let said = answer(&mut busy).await;
    assert!(
        said.contains("connection: close") && said.ends_with("waited"),
        "{said}"
    );
    assert_eq!(end_of(&mut busy).await, "");
    server.ended().await;
}

#[tokio::test]
async fn requests_on_http2_are_answered_and_no_new_ones_taken() {
    let (router, mut happens, go_on) = service();
    let mut server = Server::tls(router, no_limits()).await;
    let (mut client, connection) = http2(&server).await;
    let connection = tokio::spawn(connection);
    let (response, _) = client.send_request(request(&server, "/wait"), true).unwrap();
    assert_eq!(next(&mut happens).await, Happened::Begun);
    server.shut_down();
    // The client learns that it is to ask elsewhere.
    loop {
        match soon(client.clone().ready()).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(refused) => {
                assert!(refused.is_go_away() && refused.is_remote(), "{refused}");
                break;
            }
        }
    }
    go_on.notify_one();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "waited");
    drop((client, body));
    soon(connection).await.unwrap().unwrap();
    server.ended().await;
}

#[tokio::test]
async fn what_takes_too_long_is_broken_off() {
    let (router, mut happens, _) = service();
    let grace = Duration::from_millis(50);
    let mut server = Server::tls_with_grace(router, no_limits(), grace).await;
    let mut by_http1 = server.connect_tls(&["http/1.1"]).await;
    begin(&mut by_http1, "/wait").await;
    assert_eq!(next(&mut happens).await, Happened::Begun);
    let (mut client, connection) = http2(&server).await;
    let connection = tokio::spawn(connection);
    let (by_http2, _) = client.send_request(request(&server, "/wait"), true).unwrap();
    assert_eq!(next(&mut happens).await, Happened::Begun);
    server.shut_down();
    server.ended().await;
    // When it has ended, nothing goes on.
    assert_eq!(happens.try_recv().unwrap(), Happened::Dropped);
    assert_eq!(happens.try_recv().unwrap(), Happened::Dropped);
    assert_eq!(end_of(&mut by_http1).await, "");
    soon(by_http2).await.unwrap_err();
    let _ = soon(connection).await;
}

#[tokio::test]
async fn connections_that_have_asked_nothing_do_not_delay_the_end() {
    let (router, _happens, _) = service();
    let mut server = Server::tls(router, no_limits()).await;
    let silent = server.connect().await;
    let http1 = server.connect_tls(&["http/1.1"]).await;
    let http2 = server.connect_tls(&["h2"]).await;
    // They are taken in the order in which they came.
    let mut last = server.connect_tls(&["http/1.1"]).await;
    assert!(ask(&mut last, "/").await.ends_with("hello"));
    server.shut_down();
    server.ended().await;
    drop((silent, http1, http2));
}

#[tokio::test]
async fn what_serves_takes_its_connections_with_it() {
    let (router, mut happens, _) = service();
    let server = Server::plain(router, no_limits()).await;
    let mut busy = server.connect().await;
    begin(&mut busy, "/wait").await;
    assert_eq!(next(&mut happens).await, Happened::Begun);
    server.abort();
    assert_eq!(next(&mut happens).await, Happened::Dropped);
    assert_eq!(end_of(&mut busy).await, "");
}
