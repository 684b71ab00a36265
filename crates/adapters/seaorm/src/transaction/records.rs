//! Records, step by step.

use async_trait::async_trait;
use keystead_application::ports::{Record, RecordKind, RecordReads, RecordWrites, StoreError};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use super::SeaOrmTransaction;
use crate::records;

#[async_trait]
impl RecordReads for SeaOrmTransaction {
    async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
        let (db, failures) = self.step()?;
        let read = records::find(db, failures, kind, key).await;
        self.read(read)
    }

    async fn list_records(
        &mut self,
        kind: RecordKind,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let (db, failures) = self.step()?;
        let read = records::list(db, failures, kind, after, limit).await;
        self.read(read)
    }
}

#[async_trait]
impl RecordWrites for SeaOrmTransaction {
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = records::put(db, failures, record, expected).await;
        self.changed_if(record.kind.needs_event(), done)
    }

    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = records::delete(db, failures, kind, key, expected).await;
        self.changed_if(kind.needs_event(), done)
    }

    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let (db, failures) = self.step()?;
        let done = records::sweep(db, failures, kind, before, limit).await;
        // What may be swept needs no event.
        self.changed_if(false, done)
    }
}
