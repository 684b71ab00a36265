use std::io::{IsTerminal, Write};

use async_trait::async_trait;
use keystead_application::ports::{ShareError, ShareErrorKind, ShareWriter, WriteReceipt};

/// Standard output as the place that a stream goes to.
pub(crate) struct StdoutWriter {
    written: u64,
}

impl StdoutWriter {
    pub(crate) fn new() -> Self {
        Self { written: 0 }
    }

    /// Whether it is a terminal, which sealed bytes would only confuse.
    pub(crate) fn is_terminal() -> bool {
        std::io::stdout().is_terminal()
    }
}

#[async_trait]
impl ShareWriter for StdoutWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        // Blocking here holds up this one stream only, and spares a copy of every piece.
        tokio::task::block_in_place(|| std::io::stdout().lock().write_all(bytes)).map_err(|e| failed(&e))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        tokio::task::block_in_place(|| std::io::stdout().lock().flush()).map_err(|e| failed(&e))?;
        Ok(WriteReceipt {
            place: "standard output".to_owned(),
            bytes: self.written,
        })
    }

    async fn discard(self: Box<Self>) {}
}

fn failed(error: &std::io::Error) -> ShareError {
    ShareError::new(
        ShareErrorKind::Unavailable,
        "write",
        "standard output",
        error.to_string(),
    )
}
