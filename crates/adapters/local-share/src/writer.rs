use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use keystead_application::ports::{
    Replace, ShareCapabilities, ShareError, ShareErrorKind, ShareWriter, WriteReceipt,
};
use keystead_domain::make_room;
use tokio::task::{JoinHandle, spawn_blocking};
use zeroize::Zeroizing;

use crate::error::{failed, refused};
use crate::publish::publish;
use crate::temporary::Temporary;

const BUFFER: usize = 1024 * 1024;
const OPERATION: &str = "write the file";

/// Writes one file. One buffer is filled while another is being written.
pub(crate) struct LocalShareWriter {
    temporary: Temporary,
    path: PathBuf,
    replace: Replace,
    buffer: Zeroizing<Vec<u8>>,
    medium: Medium,
    bytes: u64,
}

/// Where the file and the second buffer are.
enum Medium {
    Idle(File, Zeroizing<Vec<u8>>),
    Writing(JoinHandle<(File, Zeroizing<Vec<u8>>, io::Result<()>)>),
    /// A write failed: the file has a hole and can only be discarded.
    Broken,
}

impl LocalShareWriter {
    pub(crate) fn new(temporary: Temporary, file: File, path: &Path, replace: Replace) -> Self {
        Self {
            temporary,
            path: path.to_owned(),
            replace,
            buffer: Zeroizing::new(Vec::new()),
            medium: Medium::Idle(file, Zeroizing::new(Vec::new())),
            bytes: 0,
        }
    }

    /// Hands the full buffer over to be written, and takes the empty one.
    async fn hand_over(&mut self) -> Result<(), ShareError> {
        let (mut file, empty) = self.idle().await?;
        let full = std::mem::replace(&mut self.buffer, empty);
        self.medium = Medium::Writing(spawn_blocking(move || {
            let written = file.write_all(&full);
            let mut emptied = full;
            emptied.clear();
            (file, emptied, written)
        }));
        Ok(())
    }

    /// Waits for the write that is under way. The handle stays in place until then, so that a caller who stops waiting
    /// can come back.
    async fn idle(&mut self) -> Result<(File, Zeroizing<Vec<u8>>), ShareError> {
        if let Medium::Writing(handle) = &mut self.medium {
            self.medium = match handle.await {
                Ok((file, buffer, Ok(()))) => Medium::Idle(file, buffer),
                Ok((_, _, Err(e))) => {
                    self.medium = Medium::Broken;
                    return Err(refused(OPERATION, &self.path, &e));
                }
                Err(_) => Medium::Broken,
            };
        }
        match std::mem::replace(&mut self.medium, Medium::Broken) {
            Medium::Idle(file, buffer) => Ok((file, buffer)),
            Medium::Writing(_) | Medium::Broken => Err(failed(
                ShareErrorKind::Unavailable,
                OPERATION,
                &self.path,
                "an earlier write failed",
            )),
        }
    }
}

#[async_trait]
impl ShareWriter for LocalShareWriter {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), ShareError> {
        while !bytes.is_empty() {
            if self.buffer.len() == BUFFER {
                self.hand_over().await?;
            }
            if self.buffer.capacity() < BUFFER {
                make_room(&mut self.buffer, bytes.len(), BUFFER);
            }
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            self.bytes += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    async fn publish(mut self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        self.hand_over().await?;
        let (file, _) = self.idle().await?;
        let Self {
            temporary,
            path,
            replace,
            bytes,
            ..
        } = *self;
        // The record of an export is read in another folder than the one it was written from.
        let place = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let published = spawn_blocking({
            let path = path.clone();
            move || publish(temporary, &file, &path, replace)
        });
        match published.await {
            Ok(published) => published?,
            Err(e) => {
                let operation = "put the file under its name";
                return Err(failed(
                    ShareErrorKind::Unavailable,
                    operation,
                    &path,
                    e.to_string(),
                ));
            }
        }
        Ok(WriteReceipt {
            place: place.display().to_string(),
            bytes,
            promised: ShareCapabilities::ALL,
        })
    }

    async fn discard(self: Box<Self>) {
        let mut this = *self;
        // The file is removed when `this` is dropped; a write that is under way ends first.
        let _ = this.idle().await;
    }
}
