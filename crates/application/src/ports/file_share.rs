use async_trait::async_trait;
use tokio::io::AsyncRead;

use super::{ShareError, SharePath};

/// A place that exports go to and come from: a folder, a network share.
#[async_trait]
pub trait FileShare: Send + Sync {
    /// Whether files are on this machine, where what was flushed needs no second look, rather than beyond a network.
    fn is_on_this_machine(&self) -> bool {
        false
    }

    /// What this share promises of a write.
    fn capabilities(&self) -> ShareCapabilities;

    /// Where a path is, for people and for the record, without credentials.
    fn place(&self, path: &SharePath) -> String {
        path.to_string()
    }

    /// What is at a path; `None` when nothing is.
    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError>;

    /// How long a file is, in bytes, where the share can tell that at once; for people who wait for a transfer. `None` when
    /// there is no such file too.
    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        let _ = path;
        Ok(None)
    }

    /// Reads a file from its beginning.
    ///
    /// # Errors
    /// [`ShareErrorKind::NotFound`](super::ShareErrorKind::NotFound) when there is none, [`ShareErrorKind::NotAFile`](super::ShareErrorKind::NotAFile) when it is something else.
    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError>;

    /// Begins to write a file. Nothing stands under `path` until [`ShareWriter::publish`]. The file is readable by its
    /// owner alone, where the share knows owners.
    ///
    /// # Errors
    /// [`ShareErrorKind::Exists`](super::ShareErrorKind::Exists) when there is a file and `replace` is [`Replace::Never`].
    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError>;

    /// Removes a file. It is no error when there is none.
    async fn remove(&self, path: &SharePath) -> Result<(), ShareError>;

    /// Removes temporary files that broken writes left in the folder of `path`, but not those that somebody is writing
    /// just now. Returns how many.
    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError>;
}

/// A file that is being written. Dropping it discards what was written.
#[async_trait]
pub trait ShareWriter: Send {
    /// Adds bytes to the file.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError>;

    /// Makes the file appear under its name, whole and flushed to the medium.
    ///
    /// # Errors
    /// [`ShareErrorKind::Exists`](super::ShareErrorKind::Exists) when a file has come to stand there and must not be replaced. The name is as it was
    /// before then.
    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError>;

    /// Forgets the file.
    async fn discard(self: Box<Self>);
}

/// Whether a write may replace a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Replace {
    /// An existing file stays, and the write is refused.
    Never,
    /// An existing file is replaced.
    Allowed,
}

/// What a share promises of a write. Where a protocol cannot promise something, the adapter does the next best thing that
/// it documents, and this says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShareCapabilities {
    /// A file appears under its name in one step.
    pub atomic_publish: bool,
    /// A file that must not be replaced is safe even from another writer at the same moment.
    pub exclusive_create: bool,
    /// Published means flushed to the medium.
    pub durable: bool,
    /// Files can be made readable by their owner alone.
    pub owner_only: bool,
}

impl ShareCapabilities {
    /// Everything, as a folder of this machine does.
    pub const ALL: Self = Self {
        atomic_publish: true,
        exclusive_create: true,
        durable: true,
        owner_only: true,
    };
    /// Nothing: the least that a share can be.
    pub const NONE: Self = Self {
        atomic_publish: false,
        exclusive_create: false,
        durable: false,
        owner_only: false,
    };

    /// What is not promised, in words for people.
    pub fn missing(self) -> impl Iterator<Item = &'static str> {
        [
            (self.atomic_publish, "that the file appears in one step"),
            (
                self.exclusive_create,
                "that two writers at the same moment do not replace each other's file",
            ),
            (
                self.durable,
                "that a finished file survives a power cut of the server",
            ),
            (self.owner_only, "that only the owner can read the file"),
        ]
        .into_iter()
        .filter_map(|(promised, what)| (!promised).then_some(what))
    }
}

/// What a finished write tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReceipt {
    /// Where the file is, for people and for the record, without credentials.
    pub place: String,
    /// How many bytes were written.
    pub bytes: u64,
    /// What the share promised for this file.
    pub promised: ShareCapabilities,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Something that is neither: a device, a pipe.
    Other,
}
