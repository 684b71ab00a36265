//! An answer is lost, whole or in part. At the end of a write, what stands on the server has to tell.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use keystead_application::ports::{Replace, ShareErrorKind as Kind, SharePath};
use keystead_test_servers::ScriptedServer;
use support::{found, put, share_of};

const LOST: &str = "";

/// What is there under the name.
#[derive(Clone, Copy)]
enum There {
    Nothing,
    Old,
    New,
    /// Somebody else's, which has another length.
    Foreign,
    /// The server does not say.
    Unsaid,
}

fn head(there: There) -> String {
    let (etag, length) = match there {
        There::Nothing => return ScriptedServer::answer("404 Not Found", ""),
        There::Unsaid => return ScriptedServer::answer("405 Method Not Allowed", ""),
        There::Old => ("old", "new content".len()),
        There::New => ("new", "new content".len()),
        There::Foreign => ("foreign", 5),
    };
    format!("HTTP/1.1 200 OK\r\nETag: \"{etag}\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
}

/// A server that answers to MOVE with `answer`, whose temporary file is gone afterwards.
fn server(before: There, answer: &'static str, after: There, removes: bool) -> ScriptedServer {
    let moved = AtomicBool::new(false);
    ScriptedServer::new(move |request| {
        let is_moved = moved.load(Ordering::SeqCst);
        let is_temporary = request.contains("/.keystead-");
        match request.split(' ').next().unwrap() {
            "MOVE" => {
                moved.store(true, Ordering::SeqCst);
                match answer {
                    LOST => String::new(),
                    status => ScriptedServer::answer(status, ""),
                }
            }
            "PUT" => ScriptedServer::answer("201 Created", ""),
            "DELETE" => ScriptedServer::answer("204 No Content", ""),
            "HEAD" if is_temporary => head(There::New),
            "HEAD" => head(if is_moved { after } else { before }),
            "PROPFIND" if is_temporary && is_moved && removes => ScriptedServer::answer("404 Not Found", ""),
            "PROPFIND" if request.contains("/k.pem") => match if is_moved { after } else { before } {
                There::Nothing => ScriptedServer::answer("404 Not Found", ""),
                _ => found(""),
            },
            _ => found("<D:collection/>"),
        }
    })
}

async fn publish(before: There, answer: &'static str, after: There, removes: bool) -> Option<Kind> {
    let server = server(before, answer, after, removes);
    let share = share_of(&server).await;
    let written = put(&*share, "k.pem", b"new content", Replace::Allowed).await;
    written.err().map(|error| error.kind)
}

#[tokio::test]
async fn an_old_file_under_the_name_is_not_taken_for_the_new_one() {
    for answer in ["404 Not Found", "410 Gone", "500 Internal Server Error", LOST] {
        let refused = publish(There::Old, answer, There::Old, true).await;
        assert_eq!(refused, Some(Kind::Unavailable), "MOVE answered: {answer}");
    }
}

#[tokio::test]
async fn a_refusal_is_believed_whatever_is_there() {
    for answer in ["404 Not Found", "500 Internal Server Error"] {
        for before in [There::Nothing, There::Old] {
            let refused = publish(before, answer, There::New, true).await;
            assert_eq!(refused, Some(Kind::Unavailable), "MOVE answered: {answer}");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_needs_a_proof() {
    for (before, after, removes, expected) in [
        (There::Nothing, There::New, true, None),
        (There::Old, There::New, true, None),
        (There::Foreign, There::New, true, None),
        (There::Old, There::New, false, Some(Kind::Unavailable)),
        (There::Nothing, There::Nothing, true, Some(Kind::Unavailable)),
        (There::Nothing, There::Foreign, true, Some(Kind::Unavailable)),
        (There::Old, There::Foreign, true, Some(Kind::Unavailable)),
        (There::Unsaid, There::New, true, Some(Kind::Unavailable)),
        (There::Old, There::Unsaid, true, Some(Kind::Unavailable)),
    ] {
        assert_eq!(publish(before, LOST, after, removes).await, expected);
    }
}

#[tokio::test]
async fn a_file_whose_end_does_not_arrive_is_not_taken_for_the_whole() {
    for framing in [
        "Content-Length: 100\r\n\r\nhalf of it",
        "Transfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n",
    ] {
        let server = ScriptedServer::new(move |request| match request.starts_with("PROPFIND") {
            true => found(""),
            false => format!("HTTP/1.1 200 OK\r\n{framing}"),
        });
        let mut file = share_of(&server)
            .await
            .read(&SharePath::new("k.pem"))
            .await
            .unwrap();
        let mut read = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut file, &mut read)
            .await
            .unwrap_err();
    }
}
