use async_trait::async_trait;
use keystead_application::ports::{
    Record, RecordKind, RecordReads, RecordWrites, Snapshot, StoreError, UnitOfWork,
};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use super::FaultyView;

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecordReads for FaultyView<$type> {
            async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
                self.inner().await?.find_record(kind, key).await
            }

            async fn list_records(
                &mut self,
                kind: RecordKind,
                after: Option<String>,
                limit: u32,
            ) -> Result<Vec<Record>, StoreError> {
                self.inner().await?.list_records(kind, after, limit).await
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);

#[async_trait]
impl RecordWrites for FaultyView<dyn UnitOfWork> {
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError> {
        self.inner().await?.put_record(record, expected).await
    }

    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        self.inner().await?.delete_record(kind, key, expected).await
    }

    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.inner().await?.sweep_records(kind, before, limit).await
    }
}
