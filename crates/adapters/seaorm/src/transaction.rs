use async_trait::async_trait;
use keystead_application::ports::{
    AuditPage, KeysetCursor, KeysetPage, Snapshot, StoreError, StoreErrorKind, UnitOfWork,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    AuditEvent, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag, SealedBytes,
    Sequence,
};
use sea_orm::DatabaseTransaction;

use crate::engine::{Database, Turn};
use crate::error::Failures;
use crate::{read, write};

/// An open transaction. Dropping it rolls it back.
pub(crate) struct SeaOrmTransaction {
    transaction: DatabaseTransaction,
    failures: Failures,
    /// The place of the last audit event; what was appended here is counted in.
    last_sequence: Sequence,
    changed: bool,
    audited: bool,
    /// A write is under way, or failed in a way that leaves open what was done.
    broken: bool,
    // The last field, so that it is given up after the transaction.
    _turn: Turn,
}

impl SeaOrmTransaction {
    pub(crate) async fn begin_reading(database: &Database) -> Result<Self, StoreError> {
        const OPERATION: &str = "take a snapshot";
        let transaction = database.begin_reading(OPERATION).await?;
        // What it reads first decides which moment it sees. A place in the trail is for writers.
        Ok(Self::new(transaction, database, Sequence(0), None))
    }

    pub(crate) async fn begin_writing(database: &Database) -> Result<Self, StoreError> {
        const OPERATION: &str = "begin a unit of work";
        let (transaction, turn) = database.begin_writing(OPERATION).await?;
        write::lock_audit_head(&transaction, &database.failures, OPERATION).await?;
        let last_sequence = read::audit_head(&transaction, &database.failures, OPERATION).await?;
        Ok(Self::new(transaction, database, last_sequence, turn))
    }

    fn new(
        transaction: DatabaseTransaction,
        database: &Database,
        last_sequence: Sequence,
        turn: Turn,
    ) -> Self {
        Self {
            transaction,
            failures: database.failures.clone(),
            last_sequence,
            changed: false,
            audited: false,
            broken: false,
            _turn: turn,
        }
    }

    /// Refuses to go on after a write that failed or was abandoned half-way: an engine may have ended the transaction
    /// then, and what is written after that would stand alone.
    fn begin_write(&mut self) -> Result<(), StoreError> {
        if self.broken {
            return Err(self.failures.because(
                StoreErrorKind::Unavailable,
                "go on with a unit of work",
                "failed in an earlier step of it; nothing of it is kept",
            ));
        }
        self.broken = true;
        Ok(())
    }

    fn end_write(&mut self, done: Result<(), StoreError>) -> Result<(), StoreError> {
        self.broken = match &done {
            Ok(()) => false,
            // Refused without a change.
            Err(e) => !matches!(e.kind, StoreErrorKind::Conflict | StoreErrorKind::Duplicate),
        };
        done
    }
}

#[async_trait]
impl Snapshot for SeaOrmTransaction {
    async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
        read::installation(&self.transaction, &self.failures).await
    }

    async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
        read::keyset(&self.transaction, &self.failures, id).await
    }

    async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
        read::keyset_by_fingerprint(&self.transaction, &self.failures, fingerprint).await
    }

    async fn find_by_prefix(
        &mut self,
        prefix: &FingerprintPrefix,
        limit: u32,
    ) -> Result<Vec<Keyset>, StoreError> {
        read::keysets_by_prefix(&self.transaction, &self.failures, prefix, limit).await
    }

    async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
        read::keysets_by_tag(&self.transaction, &self.failures, tag, limit).await
    }

    async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
        read::active_keyset(&self.transaction, &self.failures).await
    }

    async fn list_keysets(
        &mut self,
        after: Option<KeysetCursor>,
        limit: u32,
    ) -> Result<KeysetPage, StoreError> {
        read::page_of_keysets(&self.transaction, &self.failures, after, limit).await
    }

    async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
        read::sealed_private_key(&self.transaction, &self.failures, id).await
    }

    async fn list_audit(&mut self, after: Option<Sequence>, limit: u32) -> Result<AuditPage, StoreError> {
        read::page_of_audit(&self.transaction, &self.failures, after, limit).await
    }
}

#[async_trait]
impl UnitOfWork for SeaOrmTransaction {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        self.begin_write()?;
        let done = write::insert_installation(&self.transaction, &self.failures, installation).await;
        self.changed |= done.is_ok();
        self.end_write(done)
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        self.begin_write()?;
        let done = write::insert_keyset(&self.transaction, &self.failures, keyset, private_key).await;
        self.changed |= done.is_ok();
        self.end_write(done)
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        self.begin_write()?;
        let done = write::save_keyset(&self.transaction, &self.failures, keyset, expected).await;
        self.changed |= done.is_ok();
        self.end_write(done)
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        self.begin_write()?;
        let done = write::delete_keyset(&self.transaction, &self.failures, id, expected).await;
        self.changed |= done.is_ok();
        self.end_write(done)
    }

    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        self.begin_write()?;
        let done = write::point_active(&self.transaction, &self.failures, to, expected).await;
        self.changed |= done.is_ok();
        self.end_write(done)
    }

    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        let place = Sequence(self.last_sequence.0 + 1);
        self.begin_write()?;
        let done = write::append_audit(&self.transaction, &self.failures, place, event).await;
        self.end_write(done)?;
        self.last_sequence = place;
        self.audited = true;
        Ok(place)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        const OPERATION: &str = "commit the unit of work";
        let mut this = *self;
        this.begin_write()?;
        if this.changed && !this.audited {
            return Err(StoreError::new(
                StoreErrorKind::Unaudited,
                OPERATION,
                "something was changed and no audit event was added; nothing was kept",
            ));
        }
        let committed = this.transaction.commit().await;
        committed.map_err(|e| this.failures.of(OPERATION, e))
    }
}
