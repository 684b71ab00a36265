use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::AsyncRead;

/// A place that exports go to and come from: a folder, a network share.
#[async_trait]
pub trait FileShare: Send + Sync {
    /// What this share can do.
    fn capabilities(&self) -> ShareCapabilities;

    /// What is at a path; `None` when nothing is.
    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError>;

    /// Reads a file from its beginning.
    ///
    /// # Errors
    /// [`ShareErrorKind::NotFound`] when there is none, [`ShareErrorKind::NotAFile`] when it is something else.
    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError>;

    /// Begins to write a file. Nothing stands under `path` until [`ShareWriter::publish`]. The file is readable by its
    /// owner alone, where the share knows owners.
    ///
    /// # Errors
    /// [`ShareErrorKind::Exists`] when there is a file and `replace` is [`Replace::Never`].
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
    /// [`ShareErrorKind::Exists`] when a file has come to stand there and must not be replaced. The name is as it was
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

/// What a share can do.
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

/// What a finished write tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReceipt {
    /// Where the file is, for people and for the record, without credentials.
    pub place: String,
    /// How many bytes were written.
    pub bytes: u64,
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

/// A path within a share, as the share writes paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharePath(String);

impl SharePath {
    /// Takes a path.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A file in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0.trim_end_matches('/')))
    }

    /// Whether it ends in a slash and so can only be a folder.
    #[must_use]
    pub fn names_folder(&self) -> bool {
        self.0.ends_with('/')
    }
}

impl fmt::Display for SharePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What people write for a place: a path, or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The URL's scheme, in lower case; `None` for a plain path.
    pub scheme: Option<String>,
    /// The whole text.
    pub text: String,
}

impl Location {
    /// Splits off the scheme. One letter before a colon is a drive, not a scheme.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| {
            scheme.len() > 1
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        });
        Self {
            scheme: scheme.map(str::to_ascii_lowercase),
            text: text.to_owned(),
        }
    }
}

/// A share, and a path in it.
#[derive(Clone)]
pub struct LocatedShare {
    /// The share.
    pub share: Arc<dyn FileShare>,
    /// The path.
    pub path: SharePath,
}

/// Knows how to reach the shares of some schemes.
#[async_trait]
pub trait ShareProvider: Send + Sync {
    /// The URL schemes that it answers for, in lower case.
    fn schemes(&self) -> &[&'static str];

    /// Whether it answers for a plain path.
    fn takes_plain_paths(&self) -> bool {
        false
    }

    /// Reaches the share that a location names.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadLocation`] when the location cannot be understood.
    async fn locate(&self, location: &Location) -> Result<LocatedShare, ShareError>;
}

/// Every share provider of this program.
#[derive(Clone, Default)]
pub struct FileShares(Vec<Arc<dyn ShareProvider>>);

impl FileShares {
    /// Takes the providers.
    #[must_use]
    pub fn new(providers: Vec<Arc<dyn ShareProvider>>) -> Self {
        Self(providers)
    }

    /// Reaches the share that a text names.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadLocation`] when no provider answers for its scheme.
    pub async fn locate(&self, text: &str) -> Result<LocatedShare, ShareError> {
        let location = Location::parse(text);
        let provider = self.0.iter().find(|provider| match &location.scheme {
            None => provider.takes_plain_paths(),
            Some(scheme) => provider.schemes().contains(&scheme.as_str()),
        });
        match provider {
            Some(provider) => provider.locate(&location).await,
            None => Err(ShareError::new(
                ShareErrorKind::BadLocation,
                "find the share",
                text,
                "this program has no share for such a location",
            )),
        }
    }
}

/// What kind of failure a share reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShareErrorKind {
    /// There is no such file.
    NotFound,
    /// There is a file already.
    Exists,
    /// The path names a folder or a device where a file is needed.
    NotAFile,
    /// The folder of the path does not exist.
    NoFolder,
    /// The share does not let this user.
    Denied,
    /// There is no room left.
    NoSpace,
    /// The location cannot be understood.
    BadLocation,
    /// The share cannot do this.
    Unsupported,
    /// The share cannot be reached or does not work.
    Unavailable,
}

impl ShareErrorKind {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

/// A failure of a share.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message} (while trying to {operation})")]
pub struct ShareError {
    /// What kind.
    pub kind: ShareErrorKind,
    /// What was being done, such as `rename the file`.
    pub operation: &'static str,
    /// Where, without credentials.
    pub place: String,
    /// What happened, for people.
    pub message: String,
}

impl ShareError {
    /// A failure.
    #[must_use]
    pub fn new(
        kind: ShareErrorKind,
        operation: &'static str,
        place: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            operation,
            place: place.into(),
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_or_a_url() {
        let scheme = |text: &str| Location::parse(text).scheme;
        assert_eq!(scheme("/mnt/safe/k.pem"), None);
        assert_eq!(scheme("k.pem"), None);
        assert_eq!(scheme("C:/safe/k.pem"), None);
        assert_eq!(scheme("FILE:/mnt/safe"), Some("file".into()));
        assert_eq!(scheme("smb://nas/escrow"), Some("smb".into()));
        assert_eq!(scheme("./odd:name"), None);
    }
}
