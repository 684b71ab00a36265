use async_trait::async_trait;
use keystead_application::ports::{Record, RecordKind, RecordReads, StoreError};

use super::{MemorySnapshot, MemoryUnitOfWork};

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecordReads for $type {
            async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
                Ok(self.view()?.records.find(kind, key))
            }

            async fn list_records(
                &mut self,
                kind: RecordKind,
                after: Option<String>,
                limit: u32,
            ) -> Result<Vec<Record>, StoreError> {
                Ok(self.view()?.records.list(kind, after, limit))
            }
        }
    )+};
}

reads!(MemorySnapshot, MemoryUnitOfWork);
