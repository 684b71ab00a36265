use async_trait::async_trait;
use keystead_application::ports::{Replace, ShareError, ShareErrorKind, ShareWriter, WriteReceipt};
use smb2::FileWriter;
use smb2::client::FileIdentity;
use smb2::types::Command;
use zeroize::Zeroizing;

use crate::SmbFileShare;
use crate::error::{NO_FOLDER, is_broken, is_missing};
use crate::link::Link;
use crate::name::Place;
use crate::publish::Finished;

/// What is gathered before it is sent: as much as the library sends in one request.
const BUFFER: usize = smb2::UPLOAD_CHUNK_SIZE as usize;

const WRITE: &str = "write the file";
const FLUSH: &str = "flush the file";

/// Writes one file under a temporary name, which nobody else can open meanwhile.
pub(crate) struct SmbWriter {
    share: SmbFileShare,
    link: Link,
    place: Place,
    replace: Replace,
    temporary: Option<Temporary>,
    /// `None` when a write failed: the file has a hole and can only be discarded.
    file: Option<FileWriter>,
    buffer: Zeroizing<Vec<u8>>,
    bytes: u64,
}

#[derive(Clone)]
struct Temporary {
    name: String,
    place: Place,
}

impl SmbWriter {
    pub(crate) async fn create(
        share: SmbFileShare,
        place: Place,
        replace: Replace,
    ) -> Result<Self, ShareError> {
        const OPERATION: &str = "create the temporary file";
        let name = share.temporaries().name().map_err(|e| {
            let at = share.access().place(&place.names);
            ShareError::new(ShareErrorKind::Unavailable, OPERATION, at, e.to_string())
        })?;
        let temporary = Temporary {
            place: place.folder().child(&name),
            name,
        };
        let link = share.link().await?;
        // It counts as being there from before it is asked for: the answer may be lost, or not waited for.
        let mut writer = Self {
            share,
            link,
            place,
            replace,
            temporary: Some(temporary.clone()),
            file: None,
            buffer: Zeroizing::default(),
            bytes: 0,
        };
        match writer.link.create_writer(&temporary.place.wire()).await {
            Ok(file) => {
                writer.file = Some(file);
                Ok(writer)
            }
            Err(error) => {
                if !is_broken(&error) {
                    writer.temporary = None;
                }
                let mut refused = writer.refused(OPERATION, &error);
                if is_missing(&error) && writer.share.has_no_top(&writer.place).await {
                    refused.kind = ShareErrorKind::NoShare;
                    refused.message = "the folder of the share does not exist on the server".into();
                    refused = refused.advising(
                        "make the folder on the server, or mend url or folder of the share in the configuration",
                    );
                } else if refused.kind == ShareErrorKind::NotFound {
                    refused.kind = ShareErrorKind::NoFolder;
                    refused.message = NO_FOLDER.into();
                }
                writer.remove().await;
                Err(refused)
            }
        }
    }

    fn refused(&self, operation: &'static str, error: &smb2::Error) -> ShareError {
        self.share.refused(&self.link, operation, &self.place, error)
    }

    fn failed_before(&self) -> ShareError {
        let place = self.share.access().place(&self.place.names);
        let why = "an earlier write failed";
        ShareError::new(ShareErrorKind::Unavailable, WRITE, place, why)
    }

    /// Sends what was gathered.
    async fn send(&mut self) -> Result<(), ShareError> {
        let Some(file) = &mut self.file else {
            return Err(self.failed_before());
        };
        // The library has it from the first poll on, also when this is not waited for.
        let mut full = std::mem::take(&mut self.buffer);
        let sent = file.write_chunk(&full).await;
        full.clear();
        self.buffer = full;
        match sent {
            Ok(()) => Ok(()),
            Err(error) => {
                let refused = self.refused(WRITE, &error);
                self.give_up().await;
                Err(refused)
            }
        }
    }

    /// Sends the rest, flushes the file to the medium, and closes it.
    async fn flush(&mut self) -> Result<Option<FileIdentity>, ShareError> {
        self.send().await?;
        let Some(file) = self.file.take() else {
            return Ok(None);
        };
        let identity = file.identity();
        match file.finish().await {
            Ok(_) => Ok(identity),
            Err(error) => {
                // What was sent last is only answered here.
                let operation = match &error {
                    smb2::Error::Protocol {
                        command: Command::Write,
                        ..
                    } => WRITE,
                    _ => FLUSH,
                };
                let refused = self.refused(operation, &error);
                self.remove().await;
                Err(refused)
            }
        }
    }

    /// Closes the file and removes it.
    async fn give_up(&mut self) {
        if let Some(file) = self.file.take() {
            let _ = file.abort().await;
        }
        self.remove().await;
    }

    async fn remove(&mut self) {
        // It stays noted until it is gone, so that dropping this future leaves it to `drop`.
        let Some(temporary) = self.temporary.clone() else {
            return;
        };
        if !is_gone(&self.share, &temporary).await {
            self.share.temporaries().abandon(&temporary.name);
        }
        self.temporary = None;
    }
}

async fn is_gone(share: &SmbFileShare, temporary: &Temporary) -> bool {
    let removed = share.delete("remove the temporary file", &temporary.place).await;
    removed.is_ok()
}

#[async_trait]
impl ShareWriter for SmbWriter {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), ShareError> {
        while !bytes.is_empty() {
            if self.buffer.capacity() < BUFFER {
                // All at once, because a vector that grows leaves copies behind.
                self.buffer = Zeroizing::new(Vec::with_capacity(BUFFER));
            }
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            self.bytes += now.len() as u64;
            bytes = later;
            if self.buffer.len() == BUFFER {
                self.send().await?;
            }
        }
        Ok(())
    }

    async fn publish(mut self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        let identity = self.flush().await?;
        let Some(temporary) = &self.temporary else {
            return Err(self.failed_before());
        };
        let finished = Finished {
            share: self.share.clone(),
            link: self.link.clone(),
            temporary: temporary.place.clone(),
            place: self.place.clone(),
            replace: self.replace,
            identity,
            bytes: self.bytes,
        };
        let named = Box::pin(finished.put_under_name()).await;
        match &named {
            Ok(named) if !named.has_both_names => self.temporary = None,
            _ => self.remove().await,
        }
        Ok(WriteReceipt {
            place: self.share.access().place(&self.place.names),
            bytes: self.bytes,
            promised: named?.promised,
        })
    }

    async fn discard(mut self: Box<Self>) {
        self.give_up().await;
    }
}

impl Drop for SmbWriter {
    fn drop(&mut self) {
        // Its end is sent before the removal is.
        drop(self.file.take());
        if let Some(temporary) = self.temporary.take() {
            let share = self.share.clone();
            let name = temporary.name.clone();
            let removal = async move {
                if is_gone(&share, &temporary).await {
                    return true;
                }
                // A request that nobody waited for may have opened it, and then the session has it open to its end.
                share.end_session().await;
                is_gone(&share, &temporary).await
            };
            self.share.temporaries().remove_later(name, removal);
        }
    }
}
