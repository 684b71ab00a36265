use std::fmt;

use async_trait::async_trait;
use keystead_domain::{
    AuditEvent, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag, SealedBytes,
    Sequence, Timestamp,
    keyset::{CorruptKeyset, Version},
};

/// The place where an installation lives: its keysets, their sealed private keys and the audit trail.
#[async_trait]
pub trait Store: Send + Sync {
    /// Looks at the store as it is at one moment.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Begins a unit of work. Units of work come one after the other: each begins by locking the audit head, which is
    /// the one lock order that all writers share. What it reads is what it changes.
    ///
    /// # Errors
    /// When the store cannot be reached or is busy for longer than its time-out.
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError>;
}

/// Reads, all of one moment.
#[async_trait]
pub trait Snapshot: Send {
    /// The installation; `None` before `init`.
    async fn installation(&mut self) -> Result<Option<Installation>, StoreError>;

    /// The keyset with this id.
    async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError>;

    /// The keyset with this fingerprint; there is at most one.
    async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError>;

    /// The keysets whose fingerprint begins so, at most `limit`, in the order of their fingerprints.
    async fn find_by_prefix(
        &mut self,
        prefix: &FingerprintPrefix,
        limit: u32,
    ) -> Result<Vec<Keyset>, StoreError>;

    /// The keysets that a slot with this tag may belong to, at most `limit`, in the order of their fingerprints.
    async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError>;

    /// The Active keyset.
    async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError>;

    /// A page of all keysets, oldest first (by creation time, then id), beginning after the cursor. Damaged rows are told of
    /// and passed over.
    async fn list_keysets(
        &mut self,
        after: Option<KeysetCursor>,
        limit: u32,
    ) -> Result<KeysetPage, StoreError>;

    /// The sealed private key of a keyset; `None` when there is no such keyset.
    async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError>;

    /// A page of the audit trail, oldest first, beginning after the given place.
    async fn list_audit(&mut self, after: Option<Sequence>, limit: u32) -> Result<AuditPage, StoreError>;
}

/// A set of changes that happen together or not at all. Dropping it without [`UnitOfWork::commit`] undoes them.
#[async_trait]
pub trait UnitOfWork: Snapshot {
    /// Keeps the installation.
    ///
    /// # Errors
    /// [`StoreErrorKind::Duplicate`] when there is one already.
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError>;

    /// Keeps a new keyset with its sealed private key.
    ///
    /// # Errors
    /// [`StoreErrorKind::Duplicate`] when its id or its fingerprint is there already.
    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError>;

    /// Keeps a changed keyset, if it is still at version `expected`.
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] when it is not, or is gone.
    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError>;

    /// Deletes a keyset and its sealed private key, if it is still at version `expected`.
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] when it is not, or is gone, or is the one pointed at as Active.
    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError>;

    /// Moves the one pointer to the Active keyset, if it still points at `expected`. It comes before the saves of the
    /// keysets that it concerns.
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] when it points elsewhere, or there is no keyset `to`.
    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError>;

    /// Adds an event to the audit trail and returns its place.
    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError>;

    /// Makes the changes, all of them, for good.
    ///
    /// # Errors
    /// [`StoreErrorKind::Unaudited`] when something was changed and no event was added: a change without an event does
    /// not happen. Otherwise when the store did not take them; nothing happened then.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A place in the list of keysets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeysetCursor {
    /// The creation time of the last keyset seen.
    pub created_at: Timestamp,
    /// Its id.
    pub id: KeysetId,
}

impl KeysetCursor {
    /// The place of a keyset.
    #[must_use]
    pub fn of(keyset: &Keyset) -> Self {
        Self {
            created_at: keyset.created_at(),
            id: keyset.id(),
        }
    }
}

/// A row that should hold a keyset and cannot: it was changed behind the program's back, or the medium lost it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedKeyset {
    /// The id that the row gives, as it stands there.
    pub id: String,
    /// What is wrong with it.
    pub what: String,
}

/// Some keysets, and where to go on.
#[derive(Debug)]
pub struct KeysetPage {
    /// The keysets.
    pub keysets: Vec<Keyset>,
    /// The rows of this page that are damaged. One of them does not keep the others from being seen.
    pub damaged: Vec<DamagedKeyset>,
    /// The place to go on from; `None` at the end.
    pub next: Option<KeysetCursor>,
}

/// An event that has its place in the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place.
    pub sequence: Sequence,
    /// The event.
    pub event: AuditEvent,
}

/// Some events, and where to go on.
#[derive(Debug)]
pub struct AuditPage {
    /// The events.
    pub records: Vec<AuditRecord>,
    /// The place to go on from; `None` at the end.
    pub next: Option<Sequence>,
}

/// What kind of failure a store reports. Callers decide by this, never by a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// Somebody else changed it in between.
    Conflict,
    /// It is there already.
    Duplicate,
    /// A change without an audit event.
    Unaudited,
    /// A stored value that cannot be.
    Corrupt,
    /// The schema was made by a newer program.
    Newer,
    /// The schema is older than this program, or there is none.
    NotMigrated,
    /// The store is locked by others for longer than its time-out.
    Busy,
    /// There is no room left, or the place is read-only.
    NoSpace,
    /// The store cannot be reached or does not work.
    Unavailable,
}

impl StoreErrorKind {
    /// Whether doing the whole unit of work again may succeed.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Conflict | Self::Busy => true,
            Self::Duplicate
            | Self::Unaudited
            | Self::Corrupt
            | Self::Newer
            | Self::NotMigrated
            | Self::NoSpace
            | Self::Unavailable => false,
        }
    }
}

/// A failure of a store.
#[derive(Debug, thiserror::Error)]
pub struct StoreError {
    /// What kind.
    pub kind: StoreErrorKind,
    /// What was being done, such as `save keyset`.
    pub operation: &'static str,
    /// What happened, for people.
    pub message: String,
    /// What the technology underneath said.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// A failure without a technical cause.
    #[must_use]
    pub fn new(kind: StoreErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            message: message.into(),
            source: None,
        }
    }

    /// A failure with its cause.
    #[must_use]
    pub fn caused_by(
        kind: StoreErrorKind,
        operation: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind,
            operation,
            message: source.to_string(),
            source: Some(Box::new(source)),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)
    }
}

impl From<CorruptKeyset> for StoreError {
    fn from(corrupt: CorruptKeyset) -> Self {
        Self::new(StoreErrorKind::Corrupt, "read keyset", corrupt.to_string())
    }
}

#[cfg(any(test, feature = "mocks"))]
mockall::mock! {
    /// A unit of work that fails on cue.
    pub UnitOfWork {}

    #[async_trait]
    impl Snapshot for UnitOfWork {
        async fn installation(&mut self) -> Result<Option<Installation>, StoreError>;
        async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError>;
        async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError>;
        async fn find_by_prefix(&mut self, prefix: &FingerprintPrefix, limit: u32) -> Result<Vec<Keyset>, StoreError>;
        async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError>;
        async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError>;
        async fn list_keysets(&mut self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError>;
        async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError>;
        async fn list_audit(&mut self, after: Option<Sequence>, limit: u32) -> Result<AuditPage, StoreError>;
    }

    #[async_trait]
    impl UnitOfWork for UnitOfWork {
        async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError>;
        async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError>;
        async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError>;
        async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError>;
        async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError>;
        async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError>;
        async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    }
}

#[cfg(any(test, feature = "mocks"))]
mockall::mock! {
    /// A store that fails on cue.
    pub Store {}

    #[async_trait]
    impl Store for Store {
        async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;
        async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError>;
    }
}
