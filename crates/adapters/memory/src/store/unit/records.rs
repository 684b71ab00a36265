use async_trait::async_trait;
use keystead_application::ports::{Record, RecordKind, RecordWrites, StoreError};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use super::MemoryUnitOfWork;

#[async_trait]
impl RecordWrites for MemoryUnitOfWork {
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError> {
        self.changed |= record.kind.needs_event();
        self.change(|state| state.records.put(record, expected))
    }

    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        self.changed |= kind.needs_event();
        self.change(|state| state.records.delete(kind, key, expected))
    }

    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.change(|state| Ok(state.records.sweep(kind, before, limit)))
    }
}
