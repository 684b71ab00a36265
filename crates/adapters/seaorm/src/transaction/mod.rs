mod records;
mod recoveries;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{
    KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, StoreError, StoreErrorKind, UnitOfWork, UnstagedKey,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    AuditEvent, AuditHead, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag,
    SealedBytes, Sequence,
};
use sea_orm::DatabaseTransaction;

use crate::engine::{Database, Turn};
use crate::error::Failures;
use crate::{audit, read, rotation, write};

/// An open transaction. Dropping it rolls it back.
pub(crate) struct SeaOrmTransaction {
    transaction: DatabaseTransaction,
    failures: Failures,
    /// What is written with it; nothing, when it only reads.
    writing: Option<Writing>,
    // The last field, so that it is given up after the transaction.
    _turn: Option<Turn>,
}

struct Writing {
    /// The end of the audit trail; what was appended here is counted in.
    head: AuditHead,
    changed: bool,
    audited: bool,
    /// A step failed, or is under way, or was abandoned half-way.
    broken: bool,
}

impl SeaOrmTransaction {
    pub(crate) async fn begin_reading(database: &Database) -> Result<Self, StoreError> {
        // What it reads first decides which moment it sees.
        let transaction = database.begin_reading("take a snapshot").await?;
        Ok(Self {
            transaction,
            failures: database.failures.clone(),
            writing: None,
            _turn: None,
        })
    }

    pub(crate) async fn begin_writing(database: &Database) -> Result<Self, StoreError> {
        const OPERATION: &str = "begin a unit of work";
        let (transaction, turn) = database.begin_writing(OPERATION).await?;
        let head = audit::lock_head(&transaction, &database.failures, OPERATION).await?;
        Ok(Self {
            transaction,
            failures: database.failures.clone(),
            writing: Some(Writing {
                head,
                changed: false,
                audited: false,
                broken: false,
            }),
            _turn: Some(turn),
        })
    }

    /// Begins a step. A unit of work goes on only after steps that succeeded: some engines end the transaction at its
    /// first error, and what is written after that would stand alone; PostgreSQL even answers a commit with success
    /// then, and keeps nothing.
    fn step(&mut self) -> Result<(&DatabaseTransaction, &Failures), StoreError> {
        if let Some(writing) = &mut self.writing {
            if writing.broken {
                return Err(self.failures.because(
                    StoreErrorKind::Unavailable,
                    "go on with a unit of work",
                    "failed in an earlier step of it; nothing of it is kept",
                ));
            }
            writing.broken = true;
        }
        Ok((&self.transaction, &self.failures))
    }

    fn read<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Some(writing), Ok(_)) = (&mut self.writing, &result) {
            writing.broken = false;
        }
        result
    }

    fn changed(&mut self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        self.changed_if(true, result)
    }

    /// A step after which an event is needed, or none.
    fn changed_if<T>(&mut self, needs_event: bool, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Some(writing), Ok(_)) = (&mut self.writing, &result) {
            writing.broken = false;
            writing.changed |= needs_event;
        }
        result
    }
}

#[async_trait]
impl Snapshot for SeaOrmTransaction {
    async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::installation(db, failures).await;
        self.read(read)
    }

    async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::keyset(db, failures, id).await;
        self.read(read)
    }

    async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::keyset_by_fingerprint(db, failures, fingerprint).await;
        self.read(read)
    }

    async fn find_by_prefix(
        &mut self,
        prefix: &FingerprintPrefix,
        limit: u32,
    ) -> Result<Vec<Keyset>, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::keysets_by_prefix(db, failures, prefix, limit).await;
        self.read(read)
    }

    async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::keysets_by_tag(db, failures, tag, limit).await;
        self.read(read)
    }

    async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::active_keyset(db, failures).await;
        self.read(read)
    }

    async fn list_keysets(
        &mut self,
        after: Option<KeysetCursor>,
        limit: u32,
    ) -> Result<KeysetPage, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::page_of_keysets(db, failures, after, limit).await;
        self.read(read)
    }

    async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
        let (db, failures) = self.step()?;
        let read = read::sealed_private_key(db, failures, id).await;
        self.read(read)
    }

    async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
        let (db, failures) = self.step()?;
        let read = rotation::census(db, failures).await;
        self.read(read)
    }

    async fn unstaged_private_keys(
        &mut self,
        after: Option<KeysetId>,
        limit: u32,
    ) -> Result<Vec<UnstagedKey>, StoreError> {
        let (db, failures) = self.step()?;
        let read = rotation::unstaged(db, failures, after, limit).await;
        self.read(read)
    }

    async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
        let (db, failures) = self.step()?;
        let read = audit::head(db, failures).await;
        self.read(read)
    }

    async fn audit_rows(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let (db, failures) = self.step()?;
        let read = audit::rows(db, failures, after, limit).await;
        self.read(read)
    }

    async fn checkpoints(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let (db, failures) = self.step()?;
        let read = audit::checkpoints(db, failures, after, limit).await;
        self.read(read)
    }
}

#[async_trait]
impl UnitOfWork for SeaOrmTransaction {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = write::insert_installation(db, failures, installation).await;
        self.changed(done)
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = write::insert_keyset(db, failures, keyset, private_key).await;
        self.changed(done)
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = write::save_keyset(db, failures, keyset, expected).await;
        self.changed(done)
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = write::delete_keyset(db, failures, id, expected).await;
        self.changed(done)
    }

    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = write::point_active(db, failures, to, expected).await;
        self.changed(done)
    }

    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = rotation::stage(db, failures, staged).await;
        self.changed(done)
    }

    async fn discard_staged(&mut self) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = rotation::discard_staged(db, failures).await;
        self.changed(done)
    }

    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = rotation::switch(db, failures, installation).await;
        self.changed(done)
    }

    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = audit::append_checkpoint(db, failures, checkpoint).await;
        self.changed(done)
    }

    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        let head = self
            .writing
            .as_ref()
            .map_or(AuditHead::EMPTY, |writing| writing.head);
        let (db, failures) = self.step()?;
        let head = audit::append(db, failures, head, event).await?;
        if let Some(writing) = &mut self.writing {
            writing.head = head;
            writing.audited = true;
            writing.broken = false;
        }
        Ok(head.sequence)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        const OPERATION: &str = "commit the unit of work";
        let mut this = *self;
        this.step()?;
        if this
            .writing
            .as_ref()
            .is_some_and(|writing| writing.changed && !writing.audited)
        {
            return Err(StoreError::new(
                StoreErrorKind::Unaudited,
                OPERATION,
                "something was changed and no audit event was added; nothing was kept",
            ));
        }
        let committed = this.transaction.commit().await;
        committed.map_err(|e| this.failures.of_commit(OPERATION, e))
    }
}
