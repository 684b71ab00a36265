//! Whether nobody's file is replaced is promised only where the server is known to see to it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use keystead_application::ports::{Replace, SharePath, ShareProvider};
use keystead_s3_share::S3ShareProvider;
use keystead_test_servers::ScriptedServer;
use support::{access, bytes, connect, folder_on, put, server, temporaries};

/// More than goes into one request.
const LARGE: usize = 9 << 20;

/// What a server makes of `If-None-Match: *`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It says that it does not know it.
    Unknown,
    /// It does as if it were not there.
    Ignores,
    /// It keeps to it for a file in one request alone.
    KeepsForWhole,
    /// It keeps to it, and stores nothing under temporary names.
    TakesNoTrial,
}

/// A server that holds what it was sent last under a temporary name, and no other file.
fn scripted(answer: Answer) -> ScriptedServer {
    ScriptedServer::new(move |request| {
        let is_conditional = request.to_ascii_lowercase().contains("if-none-match: *");
        let is_trial = request.contains("/.keystead-");
        let (verb, rest) = request.split_once(' ').unwrap();
        let target = rest.split(' ').next().unwrap();
        let refused = |status, code: &str| {
            ScriptedServer::answer(status, &format!("<Error><Code>{code}</Code></Error>"))
        };
        match verb {
            "PUT" if is_trial && answer == Answer::TakesNoTrial => refused("403 Forbidden", "AccessDenied"),
            "PUT" if target.contains("partNumber") => ScriptedServer::answer("200 OK\r\nETag: \"1\"", ""),
            "PUT" | "POST" if is_conditional && answer == Answer::Unknown => {
                refused("501 Not Implemented", "NotImplemented")
            }
            "PUT" if is_conditional && is_trial && answer == Answer::KeepsForWhole => {
                refused("412 Precondition Failed", "PreconditionFailed")
            }
            "PUT" => ScriptedServer::answer("200 OK\r\nETag: \"1\"", ""),
            "POST" if target.contains("uploadId") => ScriptedServer::answer(
                "200 OK",
                "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>",
            ),
            "POST" => ScriptedServer::answer(
                "200 OK",
                "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
            ),
            "HEAD" => ScriptedServer::answer("404 Not Found", ""),
            "DELETE" => ScriptedServer::answer("204 No Content", ""),
            _ => ScriptedServer::answer("200 OK", "<ListBucketResult></ListBucketResult>"),
        }
    })
}

/// How often something was asked for.
fn count(server: &ScriptedServer, beginning: &str) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.starts_with(beginning))
        .count()
}

fn endpoint(server: &ScriptedServer) -> String {
    format!("http://127.0.0.1:{}", server.port())
}

#[tokio::test]
async fn a_server_that_keeps_to_the_condition_is_found_out() {
    let Some(server) = server() else { return };
    for (name, size) in [("small", 1), ("large", LARGE)] {
        let share = connect(&folder_on(server, &format!("kept-{name}")))
            .await
            .unwrap();
        let receipt = put(&*share, "k.bin", &bytes(size), Replace::Never).await.unwrap();
        assert!(receipt.promised.exclusive_create, "{name}");
        assert_eq!(share.capabilities(), receipt.promised, "{name}");
        let url = format!("{}/kept-{name}/", server.url());
        let listed = server.s3cmd(&["ls", "--recursive", &url]);
        assert_eq!(listed.lines().count(), 1, "{listed}");
        let uploads = server.s3cmd(&["multipart", &server.url()]);
        assert!(!uploads.contains(&format!("kept-{name}")), "{uploads}");
    }
}

#[tokio::test]
async fn nothing_is_promised_where_the_server_does_not_keep_to_it() {
    for (answer, size) in [
        (Answer::Unknown, 1),
        (Answer::Ignores, 1),
        (Answer::TakesNoTrial, 1),
        (Answer::Ignores, LARGE),
        (Answer::KeepsForWhole, LARGE),
        (Answer::TakesNoTrial, LARGE),
    ] {
        let server = scripted(answer);
        let share = connect(&access("s3://escrow/keys", &endpoint(&server)))
            .await
            .unwrap();
        let receipt = put(&*share, "k.pem", &bytes(size), Replace::Never).await.unwrap();
        assert!(
            !receipt.promised.exclusive_create && receipt.promised.atomic_publish,
            "{answer:?} {size}"
        );
        assert_eq!(share.capabilities(), receipt.promised);
    }
}

#[tokio::test]
async fn the_file_itself_is_sent_once_and_the_trial_is_removed() {
    let server = scripted(Answer::Ignores);
    let share = connect(&access("s3://escrow/keys", &endpoint(&server)))
        .await
        .unwrap();
    put(&*share, "k.pem", b"x", Replace::Never).await.unwrap();
    assert_eq!(count(&server, "PUT /escrow/keys/k.pem"), 1);
    assert_eq!(count(&server, "PUT /escrow/keys/.keystead-"), 2);
    assert_eq!(count(&server, "DELETE /escrow/keys/.keystead-"), 1);
    let last = server.requests().pop().unwrap();
    assert!(last.starts_with("PUT /escrow/keys/k.pem"), "{last}");
    assert!(!last.to_ascii_lowercase().contains("if-none-match"), "{last}");
}

#[tokio::test]
async fn what_was_found_out_is_remembered_for_the_bucket() {
    let server = scripted(Answer::Ignores);
    let provider = S3ShareProvider::new(temporaries());
    for (bucket, trials) in [("one", 2), ("one", 2), ("two", 4)] {
        let access = access(&format!("s3://{bucket}/keys"), &endpoint(&server));
        let share = provider.connect(&access).await.unwrap();
        put(&*share, "k.pem", b"x", Replace::Never).await.unwrap();
        let trial = |request: &&String| request.starts_with("PUT") && request.contains("/.keystead-");
        assert_eq!(server.requests().iter().filter(trial).count(), trials, "{bucket}");
    }
}

#[tokio::test]
async fn a_trial_of_another_machine_is_removed_when_it_was_forgotten() {
    let server = ScriptedServer::new(|request| {
        let entry = |mark: &str, modified: &str| {
            format!(
                "<Contents><Key>keys/.keystead-0123456789abcdef-{mark}.tmp</Key>\
                 <LastModified>{modified}</LastModified><ETag>\"1\"</ETag><Size>5</Size></Contents>"
            )
        };
        let list = [
            entry("elsewhere-1", "2026-01-01T00:00:00.000Z"),
            entry("elsewhere-2", "2026-01-03T11:00:00.000Z"),
        ];
        match request.starts_with("DELETE") {
            true => ScriptedServer::answer("204 No Content", ""),
            false => ScriptedServer::answer(
                "200 OK\r\nDate: Sat, 03 Jan 2026 12:00:00 GMT",
                &format!(
                    "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
                    list.concat()
                ),
            ),
        }
    });
    let share = connect(&access("s3://escrow/keys", &endpoint(&server)))
        .await
        .unwrap();
    assert_eq!(share.clean_up(&SharePath::new("k.pem")).await.unwrap(), 1);
    assert_eq!(
        count(
            &server,
            "DELETE /escrow/keys/.keystead-0123456789abcdef-elsewhere-1.tmp"
        ),
        1
    );
    assert_eq!(count(&server, "DELETE"), 1);
    assert_eq!(count(&server, "GET /escrow?"), 1);
}
