use std::fmt;

use keystead_domain::keyset::CorruptKeyset;

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
    /// The store undid the unit of work to get on with others: a deadlock, or two that cannot be put one after the other.
    Undone,
    /// The connection broke or could not be made. Nothing of the unit of work is kept.
    Disconnected,
    /// The connection broke while the answer to a commit was awaited. The changes happened, or they did not.
    CommitUnknown,
    /// There is no room left, or the place is read-only.
    NoSpace,
    /// The store cannot be reached or does not work.
    Unavailable,
}

impl StoreErrorKind {
    /// Whether doing the same again from the beginning may succeed without anybody looking at it first: nothing was done,
    /// and nobody's change stood in the way.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Undone | Self::Disconnected => true,
            // The time-out was waited for already.
            Self::Busy
            | Self::Conflict
            | Self::Duplicate
            | Self::Unaudited
            | Self::Corrupt
            | Self::Newer
            | Self::NotMigrated
            | Self::NoSpace
            | Self::CommitUnknown
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
