//! Records: small documents that the application keeps beside the keysets, such as users, tokens and jobs. What is in one
//! is the application's business; a backend keeps it whole and finds it by its kind and key.

use async_trait::async_trait;
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use super::StoreError;

/// The longest key of a record, in bytes.
pub const MAX_RECORD_KEY: usize = 128;
/// The longest document of a record, in bytes.
pub const MAX_RECORD_DOCUMENT: usize = 64 * 1024;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A person who may sign in, by name.
    User,
    /// What a program signs in with, by the digest of its secret.
    Token,
    /// A one-time code, by its digest.
    Code,
    /// A person who signed in, by the digest of the session's secret.
    Session,
    /// Wrong passwords in a row, by the name that was tried and the kind of place.
    Attempts,
    /// Long work, by its state and id.
    Job,
}

/// A small document, at one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub kind: RecordKind,
    /// Which one: 1 to [`MAX_RECORD_KEY`] printable ASCII characters, compared byte by byte.
    pub key: String,
    /// Counts the changes, from 1.
    pub version: Version,
    /// When it may be thrown away; `None` for what is kept.
    pub expires_at: Option<Timestamp>,
    /// What is in it: text of at most [`MAX_RECORD_DOCUMENT`] bytes.
    pub document: String,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Token,
        Self::Code,
        Self::Session,
        Self::Attempts,
        Self::Job,
    ];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::Code => "code",
            Self::Session => "session",
            Self::Attempts => "attempts",
            Self::Job => "job",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether a change of such a record needs an event in the same unit of work, as every other change does. Those that do
    /// not say what is going on right now, and decide nothing about who may do what.
    #[must_use]
    pub fn needs_event(self) -> bool {
        match self {
            Self::User | Self::Token | Self::Code => true,
            Self::Session | Self::Attempts | Self::Job => false,
        }
    }
}

/// Reads of records. They are a part of [`super::Snapshot`].
#[async_trait]
pub trait RecordReads: Send {
    /// The record of this kind with this key, whether its time is over or not.
    async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError>;

    /// Records of a kind, by their keys (byte by byte), at most `limit`, beginning after the given key.
    async fn list_records(
        &mut self,
        kind: RecordKind,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError>;
}

/// Changes of records. They are a part of [`super::UnitOfWork`].
#[async_trait]
pub trait RecordWrites: Send {
    /// Keeps a record: a new one where `expected` is `None`, else in the place of the one at that version.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Duplicate`] when a new one is there already;
    /// [`super::StoreErrorKind::Conflict`] when the one that is there is at another version, or there is none.
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError>;

    /// Deletes a record, if it is at that version.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Conflict`] when it is not, or is gone.
    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError>;

    /// Deletes records of a kind that [needs no event](RecordKind::needs_event) and whose time was over before this moment,
    /// at most `limit`, and tells how many. Of the other kinds nothing is deleted.
    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError>;
}
