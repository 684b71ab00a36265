use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use keystead_domain::SecretBytes;

/// Where a backup server keeps its own: its identity, the manager that it trusts, requests that wait for their response,
/// and recovered keys. Small documents under names, readable by their owner alone. It needs no database.
#[async_trait]
pub trait ServerFolder: Send + Sync {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// Waits until no other process works with the folder, and keeps others waiting until the lock is dropped. Reading
    /// alone needs no lock.
    ///
    /// # Errors
    /// [`FolderErrorKind::Busy`] when others keep it for longer than a moment.
    async fn lock(&self) -> Result<FolderLock, FolderError>;

    /// The document with this name; `None` when there is none.
    async fn read(&self, name: &DocumentName) -> Result<Option<SecretBytes>, FolderError>;

    /// Keeps a new document. It is there whole and flushed to the medium, or not at all.
    ///
    /// # Errors
    /// [`FolderErrorKind::Exists`] when there is one with this name.
    async fn create(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError>;

    /// Keeps a document in the place of the one before, if there is one. At every moment one of them is there whole.
    async fn replace(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError>;

    /// Adds bytes to the end of a document, which is made when there is none, and flushes them. After a crash a part of them
    /// may be there.
    async fn append(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError>;

    /// Destroys a document: its bytes are overwritten where they are, as far as the medium does that, and the name is gone for
    /// good. It is no error when there is none.
    async fn destroy(&self, name: &DocumentName) -> Result<(), FolderError>;

    /// The names of all documents of a kind, in their order. Temporary files are none.
    async fn names(&self, kind: &str) -> Result<Vec<DocumentName>, FolderError>;
}

/// Keeps others from working with a [`ServerFolder`] until it is dropped.
pub type FolderLock = Box<dyn Send + Sync>;

/// The name of a document: a kind, and which one of that kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentName {
    kind: String,
    which: String,
}

/// A text that names no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no document")]
pub struct InvalidDocumentName(String);

impl DocumentName {
    /// A name. Both parts are small letters, digits and hyphens, and not longer than a file's name may be.
    ///
    /// # Errors
    /// When they are not.
    pub fn new(kind: impl Into<String>, which: impl fmt::Display) -> Result<Self, InvalidDocumentName> {
        let (kind, which) = (kind.into(), which.to_string());
        match is_part(&kind) && is_part(&which) {
            true => Ok(Self { kind, which }),
            false => Err(InvalidDocumentName(
                format!("{kind}/{which}").chars().take(80).collect(),
            )),
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Which one.
    #[must_use]
    pub fn which(&self) -> &str {
        &self.which
    }
}

fn is_part(part: &str) -> bool {
    let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=64).contains(&part.len()) && !part.starts_with('-') && part.bytes().all(is_allowed)
}

impl fmt::Display for DocumentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.which)
    }
}

impl FromStr for DocumentName {
    type Err = InvalidDocumentName;

    fn from_str(text: &str) -> Result<Self, InvalidDocumentName> {
        let (kind, which) = text
            .split_once('/')
            .ok_or_else(|| InvalidDocumentName(text.chars().take(80).collect()))?;
        Self::new(kind, which)
    }
}

/// What kind of failure a folder reports. Callers decide by this, never by a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FolderErrorKind {
    /// There is a document with this name already.
    Exists,
    /// Others work with it for longer than a moment.
    Busy,
    /// It, or a document in it, is open to others, or belongs to somebody else.
    Unsafe,
    /// No room left, or the place is read-only.
    NoSpace,
    /// It cannot be read or written.
    Unavailable,
}

/// A failure of a folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct FolderError {
    /// What kind.
    pub kind: FolderErrorKind,
    /// Which file or folder, for people.
    pub place: String,
    /// What happened, for people.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_out_of_the_folder() {
        assert!("requests/6f1c2d3e-0000".parse::<DocumentName>().is_ok());
        for wrong in [
            "", "a", "a/", "/a", "../a", "a/..", "a/b/c", "A/b", "a/b.c", "-a/b", "a/-b",
        ] {
            assert!(wrong.parse::<DocumentName>().is_err(), "{wrong}");
        }
    }
}
