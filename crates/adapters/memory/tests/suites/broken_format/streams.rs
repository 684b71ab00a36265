use keystead_application::ports::{PayloadStream, SealedFormat, SealedFormatError};
use keystead_domain::FileKey;
use keystead_memory::MemorySealedFormat;

use super::Fault;

/// Sealing that keeps all promises but one.
pub(super) struct BrokenSealing {
    inner: Box<dyn PayloadStream>,
    fault: Fault,
    content: Vec<u8>,
}

impl BrokenSealing {
    pub(super) fn new(inner: Box<dyn PayloadStream>, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            content: Vec::new(),
        }
    }
}

impl PayloadStream for BrokenSealing {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        match self.fault {
            Fault::HoldsEverythingBack => {
                self.content.extend_from_slice(input);
                Ok(())
            }
            Fault::ShowsTheContent => {
                out.extend_from_slice(input);
                Ok(())
            }
            _ => self.inner.push(input, out),
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        self.inner.push(&self.content, out)?;
        self.inner.finish(out)
    }
}

/// Opening that keeps all promises but one.
pub(super) struct BrokenOpening {
    inner: Box<dyn PayloadStream>,
    format: MemorySealedFormat,
    file_key: FileKey,
    fault: Fault,
    sealed: Vec<u8>,
    gave_up: bool,
}

impl BrokenOpening {
    pub(super) fn new(
        format: MemorySealedFormat,
        file_key: FileKey,
        fault: Fault,
    ) -> Result<Self, SealedFormatError> {
        Ok(Self {
            inner: format.open_payload(&file_key)?,
            format,
            file_key,
            fault,
            sealed: Vec::new(),
            gave_up: false,
        })
    }

    fn open_whole(&self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        let mut stream = self.format.open_payload(&self.file_key)?;
        stream.push(sealed, out)?;
        stream.finish(out)
    }
}

impl PayloadStream for BrokenOpening {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        match self.fault {
            Fault::HoldsEverythingBack | Fault::KnowsNoPadding | Fault::StripsEveryZero => {
                self.sealed.extend_from_slice(input);
                Ok(())
            }
            Fault::IgnoresWhatFollows if self.gave_up => Ok(()),
            Fault::IgnoresWhatFollows => {
                self.gave_up = self.inner.push(input, out).is_err();
                Ok(())
            }
            Fault::LetsUnauthenticatedBytesOut => self.inner.push(input, out).inspect_err(|_| {
                out.extend_from_slice(b"what the cipher made of damaged bytes");
            }),
            _ => self.inner.push(input, out),
        }
    }

    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        match self.fault {
            Fault::HoldsEverythingBack => self.open_whole(&self.sealed, out),
            Fault::KnowsNoPadding => {
                self.open_whole(&self.sealed, out)?;
                // Only padding can lose a zero byte and still open.
                match self.sealed.split_last() {
                    Some((0, shorter)) if self.open_whole(shorter, &mut Vec::new()).is_ok() => {
                        Err(SealedFormatError::PayloadDamaged(0))
                    }
                    _ => Ok(()),
                }
            }
            Fault::StripsEveryZero => {
                let zeros = self.sealed.iter().rev().take_while(|byte| **byte == 0).count();
                self.open_whole(&self.sealed[..self.sealed.len() - zeros], out)
            }
            Fault::IgnoresWhatFollows if self.gave_up => Ok(()),
            Fault::LosesTheEnd => {
                let before = out.len();
                self.inner.finish(out)?;
                out.truncate(before);
                Ok(())
            }
            Fault::TakesCutsForEnds => {
                let _ = self.inner.finish(out);
                Ok(())
            }
            _ => self.inner.finish(out),
        }
    }
}
