//! What a unit of work changes.

use std::ops::Bound;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, chained};
use keystead_application::ports::{StoreError, StoreErrorKind, UnitOfWork};
use keystead_domain::keyset::{Keyset, Version};
use keystead_domain::{AuditEvent, Installation, KeysetId, SealedBytes, Sequence};
use redb::WriteTransaction;
use tokio::sync::OwnedMutexGuard;

use crate::records::{InstallationRecord, KeysetRecord, SealedRecord, age, place};
use crate::rows::{
    AGES, AUDIT, CHECKPOINTS, FINGERPRINTS, KEYSETS, PRIVATE_KEYS, Rows, SINGLE, STAGED, Table, corrupt,
    failed, put,
};

/// Promise: dropping it undoes everything. redb aborts a write transaction that is dropped.
pub(crate) struct RedbUnitOfWork {
    transaction: WriteTransaction,
    changed: bool,
    audited: bool,
    failed: bool,
    writing: OwnedMutexGuard<()>,
}

impl RedbUnitOfWork {
    pub(crate) fn new(transaction: WriteTransaction, writing: OwnedMutexGuard<()>) -> Self {
        Self {
            transaction,
            changed: false,
            audited: false,
            failed: false,
            writing,
        }
    }

    pub(crate) fn rows(&self) -> Result<&dyn Rows, StoreError> {
        self.check_usable().map(|()| &self.transaction as &dyn Rows)
    }

    /// Promise: all or nothing, also when a change fails half-way. After a failure the unit of work can only be dropped, as
    /// in databases that end a transaction at its first error.
    pub(crate) fn change<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.changed = true;
        self.change_without_event(change)
    }

    /// A change that needs no event.
    pub(crate) fn change_without_event<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_usable()?;
        let result = change(&self.transaction);
        self.failed = result.is_err();
        result
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        ensure(
            !self.failed,
            StoreErrorKind::Unavailable,
            "it failed before and can only be dropped",
        )
    }
}

pub(crate) fn remove(
    writer: &WriteTransaction,
    table: Table,
    key: impl AsRef<[u8]>,
) -> Result<(), StoreError> {
    let mut table = writer.open_table(table).map_err(failed("write"))?;
    table.remove(key.as_ref()).map_err(failed("write"))?;
    Ok(())
}

fn clear(writer: &WriteTransaction, table: Table) -> Result<(), StoreError> {
    let mut table = writer.open_table(table).map_err(failed("write"))?;
    table.retain(|_, _| false).map_err(failed("write"))
}

/// Whether there is a row.
pub(crate) fn has(
    writer: &WriteTransaction,
    table: Table,
    key: impl AsRef<[u8]>,
) -> Result<bool, StoreError> {
    Ok(writer.bytes(table, key.as_ref())?.is_some())
}

fn put_installation(writer: &WriteTransaction, installation: &Installation) -> Result<(), StoreError> {
    put(
        writer,
        SINGLE,
        "installation",
        &InstallationRecord::from(installation),
    )
}

pub(crate) fn conflict_unless(holds: bool, words: &'static str) -> Result<(), StoreError> {
    ensure(holds, StoreErrorKind::Conflict, words)
}

pub(crate) fn duplicate_unless(is_new: bool, words: &'static str) -> Result<(), StoreError> {
    ensure(is_new, StoreErrorKind::Duplicate, words)
}

pub(crate) fn ensure(holds: bool, kind: StoreErrorKind, words: &'static str) -> Result<(), StoreError> {
    if holds {
        Ok(())
    } else {
        Err(StoreError::new(kind, "change the store", words))
    }
}

/// Promise: a change is compare-and-swap. What is not at the version that the caller read is a conflict. The row is looked
/// at and not the keyset: half-way through an activation, the pointer and the rows contradict each other.
fn at_version(writer: &WriteTransaction, id: &str, expected: Version) -> Result<KeysetRecord, StoreError> {
    let record: Option<KeysetRecord> = (writer as &dyn Rows).get(KEYSETS, id)?;
    unchanged(record, |record| record.version == expected.0)
}

pub(crate) fn unchanged<T>(found: Option<T>, is_so: impl FnOnce(&T) -> bool) -> Result<T, StoreError> {
    let words = "it was changed in between, or is gone";
    let conflict = || StoreError::new(StoreErrorKind::Conflict, "change the store", words);
    found.filter(is_so).ok_or_else(conflict)
}

#[async_trait]
impl UnitOfWork for RedbUnitOfWork {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        self.change(|writer| {
            duplicate_unless(
                !has(writer, SINGLE, "installation")?,
                "there is an installation already",
            )?;
            put_installation(writer, installation)
        })
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        let id = keyset.id().to_string();
        let record = KeysetRecord::from(keyset.to_stored());
        self.change(|writer| {
            duplicate_unless(
                !has(writer, KEYSETS, &id)? && !has(writer, FINGERPRINTS, &record.fingerprint)?,
                "there is such a keyset already",
            )?;
            put(writer, KEYSETS, &id, &record)?;
            put(writer, FINGERPRINTS, &record.fingerprint, &id)?;
            put(writer, AGES, age(record.created_at, &id), &())?;
            put(writer, PRIVATE_KEYS, &id, &SealedRecord::from(private_key))
        })
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        let id = keyset.id().to_string();
        self.change(|writer| {
            at_version(writer, &id, expected)?;
            put(writer, KEYSETS, &id, &KeysetRecord::from(keyset.to_stored()))
        })
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        let id = id.to_string();
        self.change(|writer| {
            let record = at_version(writer, &id, expected)?;
            let active = (writer as &dyn Rows).active()?;
            conflict_unless(active.as_ref() != Some(&id), "the keyset is the active one")?;
            remove(writer, FINGERPRINTS, &record.fingerprint)?;
            remove(writer, AGES, age(record.created_at, &id))?;
            let mut tables = [KEYSETS, PRIVATE_KEYS, STAGED].into_iter();
            tables.try_for_each(|table| remove(writer, table, &id))
        })
    }

    /// Promise: two active keysets are impossible, because there is one pointer.
    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        let (to, expected) = (to.to_string(), expected.map(|id| id.to_string()));
        self.change(|writer| {
            let active = (writer as &dyn Rows).active()?;
            conflict_unless(active == expected, "another one was activated in between")?;
            conflict_unless(has(writer, KEYSETS, &to)?, "the keyset is gone")?;
            put(writer, SINGLE, "active", &to)
        })
    }

    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        self.change(|writer| {
            staged.iter().try_for_each(|(id, sealed)| {
                conflict_unless(has(writer, KEYSETS, id.to_string())?, "a keyset is gone")?;
                put(writer, STAGED, id.to_string(), &SealedRecord::from(sealed))
            })
        })
    }

    async fn discard_staged(&mut self) -> Result<(), StoreError> {
        self.change(|writer| clear(writer, STAGED))
    }

    /// Promise: everything is sealed under the new master key afterwards, or nothing is changed.
    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError> {
        self.change(|writer| {
            let rows: &dyn Rows = writer;
            conflict_unless(has(writer, SINGLE, "installation")?, "there is no installation")?;
            conflict_unless(
                rows.unstaged(None, 1)?.is_empty(),
                "a private key has no staged copy",
            )?;
            let staged = rows.all_sealed(STAGED)?;
            let next = installation.master_key_id();
            let ready = staged.iter().all(|sealed| sealed.master_key_id == *next);
            conflict_unless(ready, "a staged copy is under another key")?;
            for (id, _) in rows.scan(STAGED, Bound::Unbounded, usize::MAX)? {
                let id = String::from_utf8(id).map_err(corrupt)?;
                put(writer, PRIVATE_KEYS, &id, &rows.get::<SealedRecord>(STAGED, &id)?)?;
            }
            clear(writer, STAGED)?;
            put_installation(writer, installation)
        })
    }

    /// Promise: the trail is one chain without gaps. Nobody else writes while this unit of work is there, so the head that
    /// is read here is the one that is moved.
    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        self.audited = true;
        self.change(|writer| {
            let head = (writer as &dyn Rows).head()?;
            let row = chained(head, event).map_err(corrupt)?;
            let chain = head.chain.after(&row.canonical);
            let value = (&row.canonical, chain.as_bytes());
            put(writer, AUDIT, place(row.sequence), &value)?;
            put(writer, SINGLE, "audit head", &(row.sequence.0, chain.as_bytes()))?;
            Ok(row.sequence)
        })
    }

    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let key = place(checkpoint.sequence);
        self.change(|writer| {
            duplicate_unless(
                !has(writer, CHECKPOINTS, key)?,
                "there is a checkpoint for this place already",
            )?;
            put(writer, CHECKPOINTS, key, &checkpoint.note)
        })
    }

    /// Promise: a change without an event does not happen, and the answer is true. An error of the file while it is being
    /// written leaves open whether the change is there, and is called so.
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.check_usable()?;
        let audited = self.audited || !self.changed;
        ensure(
            audited,
            StoreErrorKind::Unaudited,
            "a change without an audit event does not happen",
        )?;
        // It waits for the medium. The right to write goes along: when the caller is cancelled, the next writer still comes
        // after the end of this one.
        let committed = tokio::task::spawn_blocking(move || {
            let result = self.transaction.commit();
            drop(self.writing);
            result.map_err(|error| StoreError::caused_by(StoreErrorKind::CommitUnknown, "commit", error))
        });
        match committed.await {
            Ok(result) => result,
            Err(stopped) => Err(StoreError::caused_by(
                StoreErrorKind::CommitUnknown,
                "commit",
                stopped,
            )),
        }
    }
}
