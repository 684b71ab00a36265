//! What tests see of the output: what was printed on their thread.

use std::cell::RefCell;
use std::io::{self, Write};

thread_local! {
    static PRINTED: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// One of the two standard streams.
pub(super) struct Stream(usize);

pub(super) fn stdout() -> Stream {
    Stream(0)
}

pub(super) fn stderr() -> Stream {
    Stream(1)
}

impl Stream {
    pub(super) fn lock(self) -> Self {
        self
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        PRINTED.with_borrow_mut(|printed| printed[self.0].extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was printed since the last time, on standard output and on standard error.
pub(crate) fn taken() -> [String; 2] {
    let printed = PRINTED.with_borrow_mut(std::mem::take);
    printed.map(|bytes| String::from_utf8(bytes).unwrap())
}
