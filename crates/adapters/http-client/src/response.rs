use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use keystead_https::http_failure;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::StreamReader;
use zeroize::Zeroizing;

use crate::ClientError;

/// What a manager answered.
pub struct ApiResponse {
    /// The status of HTTP, whichever it is.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The whole body.
    pub body: Zeroizing<Vec<u8>>,
}

/// What a manager answers, while it does.
pub struct StreamedResponse {
    /// The status of HTTP, whichever it is.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    body: Pin<Box<dyn AsyncRead + Send>>,
}

/// The headers of an answer.
#[derive(Clone)]
pub struct Headers(HeaderMap);

impl Headers {
    /// The value of a header, if it is there and text; the first one, if there are several. Small and capital letters of the
    /// name are the same.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Headers {
    /// Their names only: some of them are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The body of an answer as it comes.
pub(crate) struct Incoming {
    pub(crate) manager: String,
    pub(crate) response: reqwest::Response,
    pub(crate) timeout: Duration,
    pub(crate) max: u64,
}

impl Incoming {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Reads the body to its end.
    pub(crate) async fn whole(mut self) -> Result<ApiResponse, ClientError> {
        let expected = self.response.content_length().unwrap_or(0);
        if expected > self.max {
            return Err(ClientError::too_large(&self.manager, self.max));
        }
        let expected = usize::try_from(expected).unwrap_or(0);
        let mut body = Zeroizing::new(Vec::with_capacity(expected));
        let mut left = self.max;
        while let Some(part) = self.next(&mut left).await? {
            append(&mut body, &part);
        }
        Ok(ApiResponse {
            status: self.status(),
            headers: Headers(std::mem::take(self.response.headers_mut())),
            body,
        })
    }

    /// Lets somebody else read the body.
    pub(crate) fn streamed(mut self) -> StreamedResponse {
        let status = self.status();
        let headers = Headers(std::mem::take(self.response.headers_mut()));
        let body = StreamReader::new(Box::pin(self.parts()));
        StreamedResponse {
            status,
            headers,
            body: Box::pin(body),
        }
    }

    fn parts(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        let left = self.max;
        let parts = stream::try_unfold((self, left), |(mut incoming, mut left)| async move {
            let part = incoming.next(&mut left).await?;
            Ok(part.map(|part| (part, (incoming, left))))
        });
        parts.map(|part: Result<_, ClientError>| part.map_err(io::Error::other))
    }

    /// The next part of the body, of which so many bytes may still come.
    async fn next(&mut self, left: &mut u64) -> Result<Option<Bytes>, ClientError> {
        let part = tokio::time::timeout(self.timeout, self.response.chunk()).await;
        let part = part.map_err(|_| ClientError::silent(&self.manager, self.timeout))?;
        let part = part.map_err(|e| ClientError::of(&self.manager, http_failure(&e), true))?;
        let len = part.as_ref().map_or(0, Bytes::len);
        *left = left
            .checked_sub(len as u64)
            .ok_or_else(|| ClientError::too_large(&self.manager, self.max))?;
        Ok(part)
    }
}

impl AsyncRead for StreamedResponse {
    /// An error has a [`ClientError`] in it.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.body.as_mut().poll_read(cx, buffer)
    }
}

/// Appends, and leaves no copy behind where the bytes stood before.
fn append(body: &mut Zeroizing<Vec<u8>>, part: &[u8]) {
    let needed = body.len() + part.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(part);
}
