use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use keystead_application::ports::{ShareError, ShareErrorKind};
use smb2::FileReader;
use tokio::io::{AsyncRead, ReadBuf};
use zeroize::Zeroizing;

use crate::error::refused;
use crate::link::Link;

/// The piece that is asked for at a time, and how many are asked for ahead.
const PIECE: u64 = 512 * 1024;
const AHEAD: usize = 4;

const OPERATION: &str = "read the file";

/// Reads a file from its beginning, some pieces ahead.
pub(crate) struct SmbReader {
    link: Link,
    file: Arc<FileReader>,
    place: String,
    /// Where the next piece that is asked for begins.
    next: u64,
    coming: VecDeque<Piece>,
    here: Zeroizing<Vec<u8>>,
    taken: usize,
}

struct Piece {
    length: u64,
    state: State,
}

enum State {
    Asked(Pin<Box<dyn Future<Output = smb2::Result<Vec<u8>>> + Send>>),
    Here(smb2::Result<Zeroizing<Vec<u8>>>),
}

impl SmbReader {
    pub(crate) fn new(link: Link, file: FileReader, place: String) -> Self {
        Self {
            link,
            file: Arc::new(file),
            place,
            next: 0,
            coming: VecDeque::new(),
            here: Zeroizing::default(),
            taken: 0,
        }
    }

    /// Asks for as much as may be under way.
    fn ask(&mut self) {
        while self.coming.len() < AHEAD && self.next < self.file.size() {
            let (file, from) = (Arc::clone(&self.file), self.next);
            let length = PIECE.min(file.size() - from);
            let asked = Box::pin(async move { file.read_at(from, length).await });
            self.coming.push_back(Piece {
                length,
                state: State::Asked(asked),
            });
            self.next += length;
        }
    }

    /// The next piece; an empty one at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Zeroizing<Vec<u8>>>> {
        self.ask();
        // A request is only sent when it is polled, so that all are.
        for piece in &mut self.coming {
            if let State::Asked(asked) = &mut piece.state
                && let Poll::Ready(answer) = asked.as_mut().poll(cx)
            {
                piece.state = State::Here(answer.map(Zeroizing::new));
            }
        }
        match self.coming.pop_front() {
            None => Poll::Ready(Ok(Zeroizing::default())),
            Some(Piece {
                length,
                state: State::Here(answer),
            }) => Poll::Ready(self.checked(length, answer)),
            Some(asked) => {
                self.coming.push_front(asked);
                Poll::Pending
            }
        }
    }

    fn checked(
        &self,
        length: u64,
        answer: smb2::Result<Zeroizing<Vec<u8>>>,
    ) -> io::Result<Zeroizing<Vec<u8>>> {
        match answer {
            Ok(bytes) if bytes.len() as u64 == length => Ok(bytes),
            Ok(_) => {
                let why = "the file became shorter while it was read";
                let error = ShareError::new(ShareErrorKind::Unavailable, OPERATION, self.place.clone(), why);
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, error))
            }
            Err(error) => {
                self.link.note(&error);
                Err(io::Error::other(refused(OPERATION, self.place.clone(), &error)))
            }
        }
    }
}

impl AsyncRead for SmbReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.taken == this.here.len() {
            match this.poll_piece(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(piece)) => (this.here, this.taken) = (piece, 0),
            }
        }
        let rest = &this.here[this.taken..];
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        this.taken += length;
        Poll::Ready(Ok(()))
    }
}
