mod tree;
mod writer;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareCapabilities, ShareError, SharePath, ShareWriter,
};
use tokio::io::AsyncRead;

use self::tree::Tree;
use self::writer::MemoryShareWriter;
use crate::token::lock;

/// Everything but being there tomorrow.
const CAPABILITIES: ShareCapabilities = ShareCapabilities {
    durable: false,
    ..ShareCapabilities::ALL
};

/// A share in memory: folders, files, and the temporary files of writers that are at work or were killed. Clones are the
/// same share.
///
/// It is as strict as a server: a path without a folder, a name of more than 255 bytes or with a zero byte, `.` and `..`
/// are refused. A path may begin with a slash or not.
#[derive(Clone, Default)]
pub struct MemoryFileShare {
    tree: Arc<Mutex<Tree>>,
}

impl MemoryFileShare {
    /// A share with nothing but its root folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a folder and the folders above it.
    ///
    /// # Errors
    /// When the path cannot be understood, or a file stands there.
    pub fn make_folder(&self, path: &SharePath) -> Result<(), ShareError> {
        lock(&self.tree).make_folder(path)
    }

    /// How many files there are in a folder, the temporary ones included.
    #[must_use]
    pub fn files_in(&self, folder: &SharePath) -> usize {
        lock(&self.tree).files_in(folder)
    }

    /// Leaves in a folder what a writer leaves that was killed while it wrote.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn leave_broken_write(&self, folder: &SharePath) -> Result<(), ShareError> {
        lock(&self.tree)
            .begin(&folder.join("x"), Replace::Allowed, &Arc::new(()))
            .map(|_| ())
    }
}

#[async_trait]
impl FileShare for MemoryFileShare {
    fn capabilities(&self) -> ShareCapabilities {
        CAPABILITIES
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        lock(&self.tree).stat(path)
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        let bytes = lock(&self.tree).read(path)?;
        Ok(Box::new(std::io::Cursor::new(bytes)))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        let writer = MemoryShareWriter::begin(Arc::clone(&self.tree), path, replace)?;
        Ok(Box::new(writer))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        lock(&self.tree).remove(path)
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        lock(&self.tree).clean_up(path)
    }
}
