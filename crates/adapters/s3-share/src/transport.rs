//! How requests reach the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt;
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport};
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, USER_AGENT};
use sync_wrapper::SyncStream;

use crate::refusal::Refusal;

/// What is read of an answer that is no object: some ten thousand names.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
/// What is read of the document that explains a refusal.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// Sends requests, and makes errors of refusals that keep the server's code: the library's own tell it in their text
/// alone.
pub(crate) struct Transport {
    http: reqwest::Client,
    clock: ServerClock,
}

impl Transport {
    pub(crate) fn new(http: reqwest::Client, clock: ServerClock) -> Self {
        Self { http, clock }
    }
}

/// The time of the server, as its last answer told it: that of this machine may be another one.
#[derive(Clone, Default)]
pub(crate) struct ServerClock(Arc<AtomicU64>);

impl ServerClock {
    /// The time; `None` when no answer has told it.
    pub(crate) fn now(&self) -> Option<SystemTime> {
        let seconds = self.0.load(Ordering::Relaxed);
        (seconds > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn hear(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        if let Some(since) = date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok()) {
            self.0.store(since.as_secs(), Ordering::Relaxed);
        }
    }
}

impl HttpTransport for Transport {
    async fn fetch(&self, request: http::Request<Buffer>) -> opendal::Result<http::Response<HttpBody>> {
        let (head, body) = request.into_parts();
        let mut headers = head.headers;
        // Such an answer tells the length of a body that does not come.
        let is_head = head.method == http::Method::HEAD;
        // Whatever else there is to be got is asked for with a query.
        let is_object = head.method == http::Method::GET && head.uri.query().is_none();
        let keystead = concat!("keystead/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, http::HeaderValue::from_static(keystead));
        let request = self
            .http
            .request(head.method, as_signed(&head.uri))
            .headers(headers)
            .body(body.to_bytes());
        let answer = request.send().await.map_err(broken)?;
        self.clock.hear(answer.headers());
        if is_refusal(answer.status()) {
            return Err(refusal(answer).await);
        }
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let length = answer.content_length().filter(|_| !is_head);
        let mut left = LARGEST_ANSWER;
        let pieces = answer
            .bytes_stream()
            .map(move |piece: Result<Bytes, reqwest::Error>| {
                let piece = piece.map_err(broken)?;
                if !is_object {
                    left = left.checked_sub(piece.len()).ok_or_else(too_large)?;
                }
                Ok(Buffer::from(piece))
            });
        let body = HttpBody::new(SyncStream::new(pieces.boxed()), length);
        response
            .body(body)
            .map_err(|e| Error::new(ErrorKind::Unexpected, "the answer cannot be read").set_source(e))
    }
}

/// The URL encoded as it is signed. The library leaves slashes in a query and some characters in a path as they are, and
/// servers that check the signature of what they got, rather than of what it means, do not find theirs.
fn as_signed(uri: &http::Uri) -> String {
    let mut whole = format!("{}://", uri.scheme_str().unwrap_or("https"));
    whole.extend(uri.authority().map(http::uri::Authority::as_str));
    let encode = |text: &str, kept: &[u8], whole: &mut String| {
        for byte in text.bytes() {
            match byte.is_ascii_alphanumeric() || kept.contains(&byte) {
                true => whole.push(char::from(byte)),
                false => whole.push_str(&format!("%{byte:02X}")),
            }
        }
    };
    encode(uri.path(), b"-._~%/", &mut whole);
    if let Some(query) = uri.query() {
        whole.push('?');
        encode(query, b"-._~%=&", &mut whole);
    }
    whole
}

/// Whether the library has nothing to learn from an answer but that it failed. It reads from a range, and an empty object
/// has none.
fn is_refusal(status: StatusCode) -> bool {
    !status.is_success() && status != StatusCode::RANGE_NOT_SATISFIABLE && status != StatusCode::NOT_MODIFIED
}

async fn refusal(mut answer: reqwest::Response) -> Error {
    let status = answer.status();
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > LARGEST_REFUSAL {
            body.clear();
            break;
        }
    }
    let kind = match status {
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        StatusCode::PRECONDITION_FAILED => ErrorKind::ConditionNotMatch,
        StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, "the server refused").set_source(Refusal::new(status.as_u16(), &body))
}

fn too_large() -> Error {
    Error::new(ErrorKind::Unsupported, "the server's answer is larger than 8 MiB")
}

fn broken(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "the request did not get through").set_source(error)
}
