use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};
use zeroize::Zeroizing;

/// The beginning of a file from memory, and then the rest from the share.
pub(super) struct PatientReader {
    beginning: Zeroizing<Vec<u8>>,
    at: usize,
    rest: Option<TimedReader>,
}

impl PatientReader {
    pub(super) fn new(beginning: Zeroizing<Vec<u8>>, rest: Option<TimedReader>) -> Self {
        Self {
            beginning,
            at: 0,
            rest,
        }
    }

    /// The file, when all of it is in memory.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        self.rest.is_none().then_some(&*self.beginning)
    }
}

impl AsyncRead for PatientReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let left = &this.beginning[this.at..];
        if !left.is_empty() {
            let length = left.len().min(into.remaining());
            into.put_slice(&left[..length]);
            this.at += length;
            return Poll::Ready(Ok(()));
        }
        match &mut this.rest {
            None => Poll::Ready(Ok(())),
            Some(rest) => Pin::new(rest).poll_read(context, into),
        }
    }
}

/// A reader that ends with an error when nothing comes for so long.
pub(super) struct TimedReader {
    inner: Box<dyn AsyncRead + Send + Unpin>,
    limit: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl TimedReader {
    pub(super) fn new(inner: Box<dyn AsyncRead + Send + Unpin>, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            waiting: None,
        }
    }
}

impl AsyncRead for TimedReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(context, into) {
            this.waiting = None;
            return Poll::Ready(read);
        }
        let limit = this.limit;
        let waiting = this
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        match waiting.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                this.waiting = None;
                let why = format!("the server sent nothing for {limit:?}");
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
            }
        }
    }
}
