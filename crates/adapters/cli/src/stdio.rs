use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use async_trait::async_trait;
use keystead_application::ports::{ShareCapabilities, ShareError, ShareErrorKind, ShareWriter, WriteReceipt};
use rustix::fs::{OFlags, fcntl_getfl};

/// Standard output as it is, without the line buffer that would cut what goes to a tape into odd records.
///
/// # Errors
/// When there is none: the runtime puts the null device in the place of a closed one, and what was meant to be kept would
/// be lost without a word.
pub(crate) fn stdout() -> io::Result<File> {
    let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    // Opened for reading and writing by the runtime; who redirects to it opens it for writing alone.
    let stands_in = fcntl_getfl(&file)?.contains(OFlags::RDWR) && is_null_device(&file)?;
    if stands_in {
        return Err(io::Error::new(
            io::ErrorKind::NotConnected,
            "standard output is closed",
        ));
    }
    Ok(file)
}

fn is_null_device(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata("/dev/null") {
        Ok(null) => Ok(file.metadata()?.rdev() == null.rdev() && null.rdev() != 0),
        Err(_) => Ok(false),
    }
}

/// Standard output as the place that a stream goes to.
pub(crate) struct StdoutWriter {
    out: File,
    written: u64,
}

impl StdoutWriter {
    pub(crate) fn new() -> Result<Self, ShareError> {
        Ok(Self {
            out: stdout().map_err(|e| failed(&e))?,
            written: 0,
        })
    }

    /// Whether it is a terminal, which sealed bytes would only confuse.
    pub(crate) fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }
}

#[async_trait]
impl ShareWriter for StdoutWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        // Blocking here holds up this one stream only, and spares a copy of every piece.
        tokio::task::block_in_place(|| self.out.write_all(bytes)).map_err(|e| failed(&e))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        Ok(WriteReceipt {
            place: "standard output".to_owned(),
            bytes: self.written,
            promised: ShareCapabilities::NONE,
        })
    }

    async fn discard(self: Box<Self>) {}
}

fn failed(error: &io::Error) -> ShareError {
    ShareError::new(
        ShareErrorKind::Unavailable,
        "write",
        "standard output",
        error.to_string(),
    )
}
