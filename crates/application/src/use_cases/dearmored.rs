use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::ports::PayloadStream;

/// How much is read at once, in bytes.
const PIECE: usize = 64 * 1024;

/// An input whose text armor is taken off while it is read.
pub(super) struct Dearmored<R> {
    inner: R,
    /// Gone when the input has ended.
    armor: Option<Box<dyn PayloadStream>>,
    /// What was read before the armor was noticed.
    begun: Vec<u8>,
    bare: Vec<u8>,
    given: usize,
}

impl<R> Dearmored<R> {
    pub(super) fn new(begun: Vec<u8>, inner: R, armor: Box<dyn PayloadStream>) -> Self {
        Self {
            inner,
            armor: Some(armor),
            begun,
            bare: Vec::new(),
            given: 0,
        }
    }

    fn take_off(&mut self, armored: &[u8]) -> io::Result<()> {
        self.bare.clear();
        self.given = 0;
        let taken = match (armored.is_empty(), &mut self.armor) {
            (false, Some(armor)) => armor.push(armored, &mut self.bare),
            (true, armor) => armor.take().map_or(Ok(()), |armor| armor.finish(&mut self.bare)),
            (false, None) => Ok(()),
        };
        taken.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Dearmored<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let waiting = &this.bare[this.given..];
            if !waiting.is_empty() {
                let len = waiting.len().min(out.remaining());
                out.put_slice(&waiting[..len]);
                this.given += len;
                return Poll::Ready(Ok(()));
            }
            if this.armor.is_none() {
                return Poll::Ready(Ok(()));
            }
            if this.begun.is_empty() {
                let mut space = vec![0; PIECE];
                let mut buffer = ReadBuf::new(&mut space);
                ready!(Pin::new(&mut this.inner).poll_read(cx, &mut buffer))?;
                this.take_off(buffer.filled())?;
            } else {
                let begun = std::mem::take(&mut this.begun);
                this.take_off(&begun)?;
            }
        }
    }
}
