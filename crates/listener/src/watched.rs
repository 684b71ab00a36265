use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::pulse::Pulse;

/// A client that keeps this process waiting to send has to take at least so many bytes in a second.
const SLOWEST: u32 = 1024;
/// How long a client may take to notice that the connection is closed, and how much it may send until then.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: usize = 1024 * 1024;

/// A connection as the operating system gives it, that tells its pulse what comes and goes, and breaks when the client does
/// not take what is sent.
pub(crate) struct Watched {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    patience: Patience,
    farewell: Option<Farewell>,
}

/// For how long the client may still keep this process waiting to send. Waiting uses it up, and what the client takes gives
/// it back, so a client that takes a byte now and then gets no further than one that takes none.
struct Patience {
    most: Duration,
    left: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// What the client still sends is read and thrown away. A connection that is closed with bytes unread is reset, and with it
/// goes a response that the client has not read yet, such as the one that its request is too large.
struct Farewell {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl Watched {
    pub(crate) fn new(stream: TcpStream, pulse: Arc<Pulse>, write_timeout: Duration) -> Self {
        Self {
            stream,
            pulse,
            patience: Patience::new(write_timeout),
            farewell: None,
        }
    }

    fn sent(&mut self, cx: &mut Context<'_>, sent: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let was_waiting = self.patience.waiting.is_some();
        match sent {
            Poll::Ready(Ok(bytes)) if was_waiting => {
                self.patience.taken(bytes);
                self.pulse.write_blocked(false);
            }
            Poll::Ready(_) => {}
            Poll::Pending => {
                if !was_waiting {
                    self.pulse.write_blocked(true);
                }
                ready!(self.patience.poll(cx));
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
        }
        sent
    }
}

impl Patience {
    fn new(most: Duration) -> Self {
        Self {
            most,
            left: most,
            waiting: None,
        }
    }

    fn taken(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            let left = self.left.saturating_sub(since.elapsed());
            self.left = self.most.min(left + Duration::from_secs(1) * bytes / SLOWEST);
        }
    }

    /// Ready when there is none left.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let (_, end) = self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        end.as_mut().poll(cx)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.bytes_came();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(cx, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.sent(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, farewell, .. } = &mut *self;
        let farewell = match farewell {
            Some(farewell) => farewell,
            None => {
                ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
                farewell.insert(Farewell {
                    until: Box::pin(sleep_until(Instant::now() + FAREWELL)),
                    left: FAREWELL_BYTES,
                })
            }
        };
        farewell.poll(stream, cx).map(Ok)
    }
}

impl Farewell {
    fn poll(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 4096];
        while self.left > 0 && self.until.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => break,
                Ok(()) => self.left = self.left.saturating_sub(buffer.filled().len()),
                Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    /// Lets a client with these habits keep the process waiting, and says how long it got away with it.
    async fn lasts(pause: Duration, bytes: usize) -> Option<Duration> {
        let mut patience = Patience::new(Duration::from_secs(10));
        let begin = Instant::now();
        for _ in 0..1000 {
            assert!(poll_fn(|cx| patience.poll(cx)).now_or_never().is_none());
            tokio::time::advance(pause).await;
            if poll_fn(|cx| patience.poll(cx)).now_or_never().is_some() {
                return Some(begin.elapsed());
            }
            patience.taken(bytes);
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_soon_at_the_end() {
        assert_eq!(
            lasts(Duration::from_secs(11), 0).await,
            Some(Duration::from_secs(11))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_gains_nothing() {
        let lasts = lasts(Duration::from_secs(1), 1).await.unwrap();
        assert!(lasts <= Duration::from_secs(11), "{lasts:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_slow_enough_goes_on() {
        assert_eq!(lasts(Duration::from_secs(9), 10 * 1024).await, None);
        assert_eq!(lasts(Duration::from_secs(1), 1024).await, None);
    }
}
