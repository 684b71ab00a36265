use async_trait::async_trait;
use keystead_application::ports::{
    Record, RecordKind, RecordReads, RecordWrites, Snapshot, StoreError, UnitOfWork,
};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use super::{Timed, bounded, within_limit};

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecordReads for Timed<$type> {
            async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
                within_limit!(self, "read record", find_record(kind, key))
            }

            async fn list_records(
                &mut self,
                kind: RecordKind,
                after: Option<String>,
                limit: u32,
            ) -> Result<Vec<Record>, StoreError> {
                within_limit!(self, "list records", list_records(kind, after, limit))
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);

#[async_trait]
impl RecordWrites for Timed<dyn UnitOfWork> {
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError> {
        within_limit!(self, "put record", put_record(record, expected))
    }

    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        within_limit!(self, "delete record", delete_record(kind, key, expected))
    }

    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        within_limit!(self, "sweep records", sweep_records(kind, before, limit))
    }
}
