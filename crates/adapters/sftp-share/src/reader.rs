use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use keystead_application::ports::ShareError;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::error::{Answer, answer, plainly};
use crate::open_file::{OpenFile, sent};

/// How many requests may be under way. It grows up to this while a file is read, so that a small one costs one.
const DEPTH: usize = 16;
const OPERATION: &str = "read the file";

/// Reads a file from its beginning, ahead of who reads.
pub(crate) struct Reader {
    file: OpenFile,
    place: String,
    under_way: VecDeque<Request>,
    depth: usize,
    /// Where the next request begins.
    next: u64,
    buffer: Zeroizing<Vec<u8>>,
    used: usize,
    ended: bool,
}

struct Request {
    offset: u64,
    answer: JoinHandle<Result<Vec<u8>, SftpError>>,
}

impl Reader {
    pub(crate) fn new(file: OpenFile, place: String) -> Self {
        Self {
            file,
            place,
            under_way: VecDeque::with_capacity(DEPTH),
            depth: 1,
            next: 0,
            buffer: Zeroizing::default(),
            used: 0,
            ended: false,
        }
    }

    fn ask_ahead(&mut self) {
        let len = self.file.connection.can.read;
        while self.under_way.len() < self.depth {
            let (connection, handle) = (Arc::clone(&self.file.connection), Arc::clone(&self.file.handle));
            let offset = self.next;
            let request = async move {
                let data = connection.sftp.read(&*handle, offset, len).await;
                data.map(|data| data.data)
            };
            let answer = tokio::spawn(sent(request));
            self.under_way.push_back(Request { offset, answer });
            self.next += u64::from(len);
        }
    }

    fn take(&mut self, offset: u64, data: Vec<u8>) {
        self.depth = (self.depth * 2).min(DEPTH);
        if data.len() < self.file.connection.can.read as usize {
            // The server gave less than it was asked for, as it may: what was asked for behind it leaves a gap.
            self.forget();
            self.next = offset + data.len() as u64;
            self.depth = 1;
        }
        self.ended = data.is_empty();
        self.buffer = Zeroizing::new(data);
        self.used = 0;
    }

    fn forget(&mut self) {
        for request in self.under_way.drain(..) {
            request.answer.abort();
        }
    }

    fn failed(&self, error: &Answer) -> io::Error {
        let kind = match error {
            Answer::LinkLost(_) => io::ErrorKind::ConnectionReset,
            Answer::Denied => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::Other,
        };
        let error: ShareError = plainly(OPERATION, &self.place, error);
        io::Error::new(kind, error)
    }
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.used == this.buffer.len() && !this.ended && into.remaining() > 0 {
            this.ask_ahead();
            let Some(request) = this.under_way.front_mut() else {
                break;
            };
            let answered = ready!(Pin::new(&mut request.answer).poll(cx));
            let offset = request.offset;
            this.under_way.pop_front();
            match answered {
                Ok(Ok(data)) => this.take(offset, data),
                Ok(Err(SftpError::Status(status))) if status.status_code == StatusCode::Eof => {
                    this.take(offset, Vec::new());
                }
                Ok(Err(e)) => return Poll::Ready(Err(this.failed(&answer(&e)))),
                Err(e) => return Poll::Ready(Err(this.failed(&Answer::LinkLost(e.to_string())))),
            }
        }
        let len = into.remaining().min(this.buffer.len() - this.used);
        into.put_slice(&this.buffer[this.used..this.used + len]);
        this.used += len;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.forget();
    }
}
