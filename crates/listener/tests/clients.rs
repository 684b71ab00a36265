//! Clients that are many, greedy or gone keep nobody else from being served.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use common::services::{Happened, hello, http2, next, request, service};
use common::{Server, answer, ask, begin, curl, end_of, no_limits, run, soon};
use keystead_listener::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

#[tokio::test]
async fn the_connection_that_waits_the_longest_gives_way() {
    let limits = Limits {
        connections: 2,
        ..no_limits()
    };
    let server = Server::plain(hello(), limits).await;
    let mut first = server.connect().await;
    assert!(ask(&mut first, "/").await.ends_with("hello"));
    let mut second = server.connect().await;
    assert!(ask(&mut second, "/").await.ends_with("hello"));
    assert!(ask(&mut first, "/").await.ends_with("hello"));
    // Now the second one has waited the longest.
    let mut third = server.connect().await;
    assert!(ask(&mut third, "/").await.ends_with("hello"));
    assert_eq!(end_of(&mut second).await, "");
    assert!(ask(&mut first, "/").await.ends_with("hello"));
    assert!(ask(&mut third, "/").await.ends_with("hello"));
}

#[tokio::test]
async fn many_silent_connections_keep_nobody_out() {
    let limits = Limits {
        connections: 100,
        ..no_limits()
    };
    let server = Server::tls(hello(), limits).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(server.connect().await);
    }
    let arguments = ["--cacert", &server.certificate(), &server.url("https", "/")];
    assert_eq!(curl(&arguments).await, "hello");
    // So do those that have begun with TLS, or with headers.
    let mut half = Vec::new();
    for _ in 0..100 {
        let mut client = server.connect_tls(&["http/1.1"]).await;
        client.write_all(b"GET / HT").await.unwrap();
        half.push(client);
        half.push(server.connect_tls(&["h2"]).await);
    }
    assert_eq!(curl(&arguments).await, "hello");
}

#[tokio::test]
async fn what_is_under_way_does_not_give_way() {
    let (router, mut happens, go_on) = service();
    let limits = Limits {
        connections: 2,
        ..no_limits()
    };
    let server = Server::plain(router, limits).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        begin(&mut client, "/wait").await;
        assert_eq!(next(&mut happens).await, Happened::Begun);
        busy.push(client);
    }
    // The third waits at the operating system, and is served when something is over.
    let mut third = server.connect().await;
    begin(&mut third, "/").await;
    go_on.notify_one();
    assert!(answer(&mut third).await.ends_with("hello"));
    go_on.notify_one();
    let mut answered = 0;
    for client in &mut busy {
        // One of them was answered, and then gave way to the third.
        answered += usize::from(end_or_answer(client).await.ends_with("waited"));
    }
    assert_eq!(answered, 2);
}

#[tokio::test]
async fn one_address_has_no_more_than_its_share() {
    let (router, mut happens, go_on) = service();
    let limits = Limits {
        per_address: Some(1),
        ..no_limits()
    };
    let server = Server::plain(router, limits).await;
    let mut idle = server.connect().await;
    assert!(ask(&mut idle, "/").await.ends_with("hello"));
    let mut busy = server.connect().await;
    assert_eq!(
        end_of(&mut idle).await,
        "",
        "it gave way to the next one of its address"
    );
    begin(&mut busy, "/wait").await;
    assert_eq!(next(&mut happens).await, Happened::Begun);
    let mut refused = server.connect().await;
    assert_eq!(end_of(&mut refused).await, "");

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut elsewhere = socket.connect(server.address).await.unwrap();
    assert!(ask(&mut elsewhere, "/").await.ends_with("hello"));
    go_on.notify_one();
    assert!(answer(&mut busy).await.ends_with("waited"));
}

#[tokio::test]
async fn too_many_and_too_long_headers_are_refused() {
    let server = Server::tls(hello(), no_limits()).await;
    let many: Vec<String> = (0..101).map(|n| format!("-Hx-{n}: y")).collect();
    let long = format!("-Hx: {}", "y".repeat(33 * 1024));
    let (certificate, url) = (server.certificate(), server.url("https", "/"));
    let status = [
        "--cacert",
        &certificate,
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        &url,
    ];
    for version in ["--http1.1", "--http2"] {
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            curl(&[&status[..], &[version], &many[..]].concat()).await,
            "431",
            "{version}"
        );
        assert_eq!(
            curl(&[&status[..], &[version], &many[..90]].concat()).await,
            "200",
            "{version}"
        );
    }
    assert_eq!(curl(&[&status, &["--http1.1", &long][..]].concat()).await, "431");
    let (_, said, _) = run(
        "curl",
        &[&status, &["--silent", "--http2", &long][..]].concat(),
        "",
    )
    .await;
    assert_ne!(said, "200");
}

#[tokio::test]
async fn a_client_that_takes_requests_back_all_the_time_is_cut() {
    let (router, mut happens, _) = service();
    let server = Server::tls(router, no_limits()).await;
    let (mut client, connection) = http2(&server).await;
    let connection = tokio::spawn(connection);
    let mut taken_back = 0;
    loop {
        let Ok(ready) = soon(client.ready()).await else {
            break;
        };
        client = ready;
        let Ok((response, mut stream)) = client.send_request(request(&server, "/wait"), true) else {
            break;
        };
        tokio::select! {
            happened = next(&mut happens) => assert_eq!(happened, Happened::Begun),
            _ = response => break,
        }
        stream.send_reset(h2::Reason::CANCEL);
        assert_eq!(next(&mut happens).await, Happened::Dropped);
        taken_back += 1;
        assert!(taken_back < 1000, "nobody minds");
    }
    let _ = soon(connection).await.unwrap();
    assert!(taken_back > no_limits().http2_resets, "{taken_back}");
    let arguments = ["--cacert", &server.certificate(), &server.url("https", "/")];
    assert_eq!(curl(&arguments).await, "hello");
}

#[tokio::test]
async fn a_client_that_takes_some_requests_back_is_not_cut() {
    let (router, mut happens, _) = service();
    let server = Server::tls(router, no_limits()).await;
    let (mut client, connection) = http2(&server).await;
    let connection = tokio::spawn(connection);
    for _ in 0..500 {
        client = soon(client.ready()).await.unwrap();
        let (_, mut stream) = client.send_request(request(&server, "/wait"), true).unwrap();
        assert_eq!(next(&mut happens).await, Happened::Begun);
        stream.send_reset(h2::Reason::CANCEL);
        assert_eq!(next(&mut happens).await, Happened::Dropped);
        client = soon(client.ready()).await.unwrap();
        let (response, _) = client.send_request(request(&server, "/"), true).unwrap();
        assert!(soon(response).await.unwrap().status().is_success());
    }
    drop(client);
    soon(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_comes_before_the_whole_request_is_read() {
    let refuse = async || (StatusCode::PAYLOAD_TOO_LARGE, "too large");
    let router = Router::new().route("/", post(refuse));
    let server = Server::plain(router, no_limits()).await;
    let mut client = server.connect().await;
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    // The client is still sending when the answer is there, and reads it only afterwards.
    soon(client.readable()).await.unwrap();
    for _ in 0..8 {
        client.write_all(&vec![7; 100_000]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let said = end_of(&mut client).await;
    assert!(
        said.starts_with("HTTP/1.1 413") && said.ends_with("too large"),
        "{said}"
    );
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    let (router, mut happens, _) = service();
    let server = Server::tls(router, no_limits()).await;
    let mut client = server.connect_tls(&["http/1.1"]).await;
    begin(&mut client, "/wait").await;
    assert_eq!(next(&mut happens).await, Happened::Begun);
    drop(client);
    assert_eq!(next(&mut happens).await, Happened::Dropped);

    let (mut client, connection) = http2(&server).await;
    let connection = tokio::spawn(connection);
    let (_response, _stream) = client.send_request(request(&server, "/wait"), true).unwrap();
    assert_eq!(next(&mut happens).await, Happened::Begun);
    connection.abort();
    assert_eq!(next(&mut happens).await, Happened::Dropped);
}

/// The answer, or what was said until the connection ended.
async fn end_or_answer(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    while !said.ends_with(b"waited") {
        let mut part = [0; 1024];
        match soon(stream.read(&mut part)).await {
            Ok(0) | Err(_) => break,
            Ok(read) => said.extend_from_slice(&part[..read]),
        }
    }
    String::from_utf8(said).unwrap()
}
