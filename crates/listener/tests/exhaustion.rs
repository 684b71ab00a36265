//! A process that has no open files left to give goes on when there are some again. This limits the files of the whole
//! process, so it is a test program of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use std::fs::File;

use axum::Router;
use axum::routing::get;
use common::{Server, ask, end_of, no_limits, soon};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn without_open_files_it_waits_and_goes_on() {
    let limit = |current| Rlimit {
        current: Some(current),
        maximum: Some(100),
    };
    setrlimit(Resource::Nofile, limit(50)).unwrap();
    let hello = Router::new().route("/", get(async || "hello"));
    let server = Server::plain(hello, no_limits()).await;
    assert_eq!(
        getrlimit(Resource::Nofile).current,
        Some(100),
        "it takes what it may have"
    );

    let mut idle = server.connect().await;
    assert!(ask(&mut idle, "/").await.ends_with("hello"));
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    // One for the client, and none for the server.
    files.pop();
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    // What waits gives way, also to other files, which somebody takes here at once.
    assert_eq!(end_of(&mut idle).await, "");
    files.extend(File::open("/dev/null"));
    files.clear();
    assert!(soon(common::answer(&mut client)).await.ends_with("hello"));
}
