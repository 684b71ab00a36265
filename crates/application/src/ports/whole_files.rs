use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_domain::make_room;
use tokio::io::AsyncRead;
use zeroize::Zeroizing;

use super::{
    EntryKind, FileShare, Replace, ShareCapabilities, ShareError, ShareErrorKind, SharePath, ShareWriter,
    WriteReceipt,
};

/// The longest file that is kept in memory while it is written, in bytes. Exports have a thousandth of it.
const LONGEST: usize = 64 << 20;

/// A place that takes and gives whole files by name, such as a table or a secrets service: the short way to a
/// [`FileShare`], for technologies without streams, folders and temporary files. [`WholeFileShare`] does the rest.
#[async_trait]
pub trait WholeFiles: Send + Sync + 'static {
    /// Why something failed.
    type Error: Display + Send;

    /// What kind of failure an error is. One that does not pass by itself must say so, or it is tried again.
    fn kind(&self, error: &Self::Error) -> ShareErrorKind {
        let _ = error;
        ShareErrorKind::Unavailable
    }

    /// What is promised of a write.
    fn capabilities(&self) -> ShareCapabilities;

    /// Where a file is, for people and for the record, without credentials.
    fn place(&self, key: &str) -> String;

    /// The bytes of a file. Its key is its path from the top: names joined by slashes, of which none is `.` or `..`.
    async fn find(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Self::Error>;

    /// Puts a file there, whole or not at all. `false` when there was one already that must not be replaced.
    async fn put(&self, key: &str, bytes: &[u8], replace: Replace) -> Result<bool, Self::Error>;

    /// Removes a file. It is no error when there is none.
    async fn remove(&self, key: &str) -> Result<(), Self::Error>;
}

/// A share made of [`WholeFiles`]. It knows no folders: what ends in a slash is taken for one. Files up to 64 MiB are taken.
pub struct WholeFileShare<F>(Arc<F>);

impl<F: WholeFiles> WholeFileShare<F> {
    /// The share that these files make.
    #[must_use]
    pub fn new(files: F) -> Self {
        Self(Arc::new(files))
    }

    fn key(&self, operation: &'static str, path: &SharePath) -> Result<String, ShareError> {
        let key = path.names(operation)?.join("/");
        match key.is_empty() || path.names_folder() {
            true => {
                let why = "this is a folder, and a file is needed";
                Err(ShareError::new(
                    ShareErrorKind::NotAFile,
                    operation,
                    self.0.place(&key),
                    why,
                ))
            }
            false => Ok(key),
        }
    }
}

impl<F> Clone for WholeFileShare<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

fn failed<F: WholeFiles>(files: &F, operation: &'static str, key: &str, error: &F::Error) -> ShareError {
    ShareError::new(files.kind(error), operation, files.place(key), error.to_string())
}

fn exists<F: WholeFiles>(files: &F, operation: &'static str, key: &str) -> ShareError {
    ShareError::new(
        ShareErrorKind::Exists,
        operation,
        files.place(key),
        "there is a file already",
    )
}

#[async_trait]
impl<F: WholeFiles> FileShare for WholeFileShare<F> {
    fn capabilities(&self) -> ShareCapabilities {
        self.0.capabilities()
    }

    fn place(&self, path: &SharePath) -> String {
        self.0.place(path.as_str().trim_matches('/'))
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        const OPERATION: &str = "look at the path";
        let key = path.names(OPERATION)?.join("/");
        if key.is_empty() || path.names_folder() {
            return Ok(Some(EntryKind::Folder));
        }
        let found = self.0.find(&key).await;
        let found = found.map_err(|e| failed(&*self.0, OPERATION, &key, &e))?;
        Ok(found.map(|_| EntryKind::File))
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        const OPERATION: &str = "read the file";
        let key = self.key(OPERATION, path)?;
        let found = self.0.find(&key).await;
        match found.map_err(|e| failed(&*self.0, OPERATION, &key, &e))? {
            Some(bytes) => Ok(Box::new(std::io::Cursor::new(bytes))),
            None => {
                let why = "there is no such file";
                Err(ShareError::new(
                    ShareErrorKind::NotFound,
                    OPERATION,
                    self.0.place(&key),
                    why,
                ))
            }
        }
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        const OPERATION: &str = "create the file";
        let key = self.key(OPERATION, path)?;
        if replace == Replace::Never {
            let found = self.0.find(&key).await;
            if found
                .map_err(|e| failed(&*self.0, OPERATION, &key, &e))?
                .is_some()
            {
                return Err(exists(&*self.0, OPERATION, &key));
            }
        }
        Ok(Box::new(WholeFileWriter {
            files: Arc::clone(&self.0),
            key,
            replace,
            bytes: Zeroizing::new(Vec::new()),
        }))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        const OPERATION: &str = "remove the file";
        let key = self.key(OPERATION, path)?;
        let removed = self.0.remove(&key).await;
        removed.map_err(|e| failed(&*self.0, OPERATION, &key, &e))
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        // A write that broke had not begun to be there.
        path.names("clean up the folder").map(|_| 0)
    }
}

/// A file that is being written, in memory.
struct WholeFileWriter<F> {
    files: Arc<F>,
    key: String,
    replace: Replace,
    bytes: Zeroizing<Vec<u8>>,
}

#[async_trait]
impl<F: WholeFiles> ShareWriter for WholeFileWriter<F> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        let needed = self.bytes.len().saturating_add(bytes.len());
        if needed > LONGEST {
            let why = format!("this share takes files of up to {} MiB", LONGEST >> 20);
            let place = self.files.place(&self.key);
            return Err(ShareError::new(ShareErrorKind::Unsupported, "write", place, why));
        }
        make_room(&mut self.bytes, bytes.len(), LONGEST);
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        const OPERATION: &str = "put the file under its name";
        let Self {
            files,
            key,
            replace,
            bytes,
        } = *self;
        let put = files.put(&key, &bytes, replace).await;
        match put.map_err(|e| failed(&*files, OPERATION, &key, &e))? {
            false => Err(exists(&*files, OPERATION, &key)),
            true => Ok(WriteReceipt {
                place: files.place(&key),
                bytes: bytes.len() as u64,
                promised: files.capabilities(),
            }),
        }
    }

    async fn discard(self: Box<Self>) {}
}
