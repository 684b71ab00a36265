use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareCapabilities, ShareError, ShareErrorKind, SharePath, ShareWriter,
    WriteReceipt,
};
use keystead_memory::MemoryFileShare;
use tokio::io::AsyncRead;

use super::Fault;

/// A share that keeps all promises but one.
pub(super) struct BrokenShare {
    inner: MemoryFileShare,
    fault: Fault,
    /// The writers at work, for a clean-up that does not spare them.
    writers: Arc<Mutex<Vec<Slot>>>,
}

type Slot = Arc<Mutex<Option<Box<dyn ShareWriter>>>>;

impl BrokenShare {
    pub(super) fn new(inner: MemoryFileShare, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            writers: Arc::default(),
        }
    }

    fn path(&self, path: &SharePath) -> SharePath {
        match self.fault {
            Fault::ManglesNames => {
                let ascii = |c: char| if c.is_ascii() { c } else { '?' };
                SharePath::new(
                    path.as_str()
                        .chars()
                        .map(ascii)
                        .collect::<String>()
                        .replace('%', "?"),
                )
            }
            // A path that means the same when one goes up where it says so.
            Fault::FollowsDots => {
                let mut names: Vec<&str> = Vec::new();
                for name in path.as_str().split('/') {
                    match name {
                        "." => {}
                        ".." => drop(names.pop()),
                        name => names.push(name),
                    }
                }
                SharePath::new(names.join("/"))
            }
            Fault::TakesControlCharacters => SharePath::new(path.as_str().replace(char::is_control, "?")),
            _ => path.clone(),
        }
    }
}

#[async_trait]
impl FileShare for BrokenShare {
    fn capabilities(&self) -> ShareCapabilities {
        self.inner.capabilities()
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        let kind = self.inner.stat(&self.path(path)).await?;
        match self.fault {
            Fault::TakesFoldersForFiles => Ok(kind.map(|_| EntryKind::File)),
            _ => Ok(kind),
        }
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        self.inner
            .read(&self.path(path))
            .await
            .map_err(|error| match self.fault {
                Fault::MissingIsUnavailable => ShareError {
                    kind: ShareErrorKind::Unavailable,
                    ..error
                },
                _ => error,
            })
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        let path = self.path(path);
        if self.fault == Fault::MakesFolders
            && let Some((folder, _)) = path.as_str().rsplit_once('/')
        {
            self.inner.make_folder(&SharePath::new(folder))?;
        }
        let inner = match self.fault {
            Fault::Overwrites => self.inner.create(&path, Replace::Allowed).await?,
            Fault::LooksOnlyAtTheBeginning => {
                drop(self.inner.create(&path, replace).await?);
                self.inner.create(&path, Replace::Allowed).await?
            }
            _ => self.inner.create(&path, replace).await?,
        };
        let slot = Arc::new(Mutex::new(Some(inner)));
        self.writers.lock().unwrap().push(Arc::clone(&slot));
        Ok(Box::new(BrokenWriter {
            share: self.inner.clone(),
            fault: self.fault,
            slot,
            path,
            replaces: replace == Replace::Allowed,
        }))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        let path = self.path(path);
        if self.fault == Fault::ComplainsAboutNothingToRemove && self.inner.stat(&path).await?.is_none() {
            return Err(failure(ShareErrorKind::NotFound, &path));
        }
        self.inner.remove(&path).await
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        match self.fault {
            Fault::CleansUpNothing => Ok(0),
            Fault::CleansUpTooMuch => {
                let (folder, _) = path.as_str().rsplit_once('/').unwrap();
                self.inner
                    .remove(&SharePath::new(folder).join("notes.tmp"))
                    .await?;
                self.inner.clean_up(path).await
            }
            Fault::CleansUpWhatIsBeingWritten => {
                let taken = |slot: Slot| slot.lock().unwrap().take().is_some();
                Ok(self
                    .writers
                    .lock()
                    .unwrap()
                    .drain(..)
                    .filter(|slot| taken(Arc::clone(slot)))
                    .count())
            }
            _ => self.inner.clean_up(path).await,
        }
    }
}

struct BrokenWriter {
    share: MemoryFileShare,
    fault: Fault,
    slot: Slot,
    path: SharePath,
    replaces: bool,
}

impl BrokenWriter {
    fn take(&self) -> Result<Box<dyn ShareWriter>, ShareError> {
        let taken = self.slot.lock().unwrap().take();
        taken.ok_or_else(|| failure(ShareErrorKind::Unavailable, &self.path))
    }

    async fn put(&self, bytes: &[u8]) -> Result<(), ShareError> {
        let mut writer = self.share.create(&self.path, Replace::Allowed).await?;
        writer.write(bytes).await?;
        writer.publish().await.map(|_| ())
    }
}

#[async_trait]
impl ShareWriter for BrokenWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        let bytes = match self.fault {
            Fault::LosesTheLastByte => &bytes[..bytes.len().saturating_sub(1)],
            _ => bytes,
        };
        if self.fault == Fault::PublishesEarly {
            self.put(bytes).await?;
        }
        let mut writer = self.take()?;
        writer.write(bytes).await?;
        *self.slot.lock().unwrap() = Some(writer);
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        let writer = self.take()?;
        match self.fault {
            Fault::ReplacesInTwoSteps if self.replaces => {
                self.put(b"").await?;
                // Long enough for a reader to come by.
                tokio::time::sleep(Duration::from_millis(5)).await;
                writer.publish().await
            }
            Fault::KeepsWhatIsReplaced if self.share.stat(&self.path).await?.is_some() => Ok(WriteReceipt {
                place: self.path.to_string(),
                bytes: 0,
                promised: ShareCapabilities::ALL,
            }),
            Fault::TellsOfNoPromise => {
                let receipt = writer.publish().await?;
                let promised = ShareCapabilities::NONE;
                Ok(WriteReceipt { promised, ..receipt })
            }
            Fault::ForgetsToCount => {
                let receipt = writer.publish().await?;
                Ok(WriteReceipt { bytes: 0, ..receipt })
            }
            _ => writer.publish().await,
        }
    }

    async fn discard(self: Box<Self>) {
        if self.fault == Fault::LeavesTemporaryFilesOnDiscard {
            std::mem::forget(self.take());
        }
    }
}

impl Drop for BrokenWriter {
    fn drop(&mut self) {
        // The clean-up knows the slot, so the writer in it must be let go here.
        let writer = self.slot.lock().unwrap().take();
        if self.fault == Fault::LeavesTemporaryFiles {
            std::mem::forget(writer);
        }
    }
}

fn failure(kind: ShareErrorKind, path: &SharePath) -> ShareError {
    ShareError::new(kind, "break a promise", path.as_str(), "it was meant to")
}
