mod error;
#[cfg(any(test, feature = "mocks"))]
mod mocks;
mod records;
mod recoveries;

pub use error::{StoreError, StoreErrorKind};
#[cfg(any(test, feature = "mocks"))]
pub use mocks::{MockStore, MockUnitOfWork};
pub use records::{MAX_RECORD_DOCUMENT, MAX_RECORD_KEY, Record, RecordKind, RecordReads, RecordWrites};
pub use recoveries::{RecoveryCursor, RecoveryDocument, RecoveryReads, RecoveryWrites};

use async_trait::async_trait;
use keystead_domain::{
    AuditEvent, AuditHead, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, MasterKeyId,
    RecipientTag, SealedBytes, Sequence, Timestamp, keyset::Version,
};

use crate::audit::{StoredCheckpoint, StoredEvent};

/// The place where an installation lives: its keysets, their sealed private keys, the audit trail, and what belongs to
/// recoveries.
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
pub trait Snapshot: RecoveryReads + RecordReads {
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

    /// How many private keys are sealed under which master key.
    async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError>;

    /// Sealed private keys that have no staged copy yet, at most `limit`, in the order of their keysets' ids, beginning
    /// after the given one.
    async fn unstaged_private_keys(
        &mut self,
        after: Option<KeysetId>,
        limit: u32,
    ) -> Result<Vec<UnstagedKey>, StoreError>;

    /// Where the audit trail ends.
    async fn audit_head(&mut self) -> Result<AuditHead, StoreError>;

    /// Rows of the audit trail as they are stored, right or wrong, at most `limit`, in the order of their places,
    /// beginning after the given one. Nothing is judged here: `audit verify` has to see what is there.
    async fn audit_rows(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// The checkpoints of the audit trail, at most `limit`, in the order of their places, beginning after the given
    /// place.
    async fn checkpoints(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredCheckpoint>, StoreError>;
}

/// A set of changes that happen together or not at all. Dropping it without [`UnitOfWork::commit`] undoes them.
#[async_trait]
pub trait UnitOfWork: Snapshot + RecoveryWrites + RecordWrites {
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

    /// Keeps a second copy of each private key, sealed under the next master key, beside the one that holds. A staged copy
    /// that is there already is replaced.
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] when one of the keysets is gone.
    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError>;

    /// Deletes every staged copy.
    async fn discard_staged(&mut self) -> Result<(), StoreError>;

    /// Puts every staged copy in the place of the private key that it is a copy of, and keeps the installation, whose own
    /// secrets are sealed under the next master key too. Nothing is staged afterwards.
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] when a keyset has no staged copy, or a staged copy is sealed under another master key
    /// than the installation's.
    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError>;

    /// Adds an event to the audit trail and returns its place, which is final when the unit of work is committed. What is
    /// stored with the event is what [`crate::audit::chained`] makes of it.
    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError>;

    /// Keeps a checkpoint of the audit trail.
    ///
    /// # Errors
    /// [`StoreErrorKind::Duplicate`] when there is one for this place already.
    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError>;

    /// Makes the changes, all of them, for good.
    ///
    /// # Errors
    /// [`StoreErrorKind::Unaudited`] when something was changed and no event was added: a change without an event does
    /// not happen. (Records of kinds that [need no event](RecordKind::needs_event) are no change in this sense.) [`StoreErrorKind::CommitUnknown`] when the changes were on their way and no answer came: they happened,
    /// all of them, or none did. With every other error nothing happened.
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

/// How many private keys are sealed under which master key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MasterKeyCensus {
    /// The private keys that hold, in the order of the key ids.
    pub sealed: Vec<KeyCount>,
    /// The staged copies of a rotation that is under way, in the order of the key ids.
    pub staged: Vec<KeyCount>,
}

/// A master key and how much is sealed under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCount {
    /// The master key.
    pub master_key_id: MasterKeyId,
    /// Its provider.
    pub provider: String,
    /// The number of private keys.
    pub private_keys: u64,
}

/// A sealed private key that has no staged copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnstagedKey {
    /// The keyset that it belongs to.
    pub keyset: KeysetId,
    /// The keyset's fingerprint.
    pub fingerprint: Fingerprint,
    /// The key.
    pub sealed: SealedBytes,
}
