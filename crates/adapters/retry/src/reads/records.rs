use async_trait::async_trait;
use keystead_application::ports::{Record, RecordKind, RecordReads, Snapshot, StoreError, UnitOfWork};

use crate::session::Session;

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecordReads for Session<$type> {
            async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
                let key = key.to_owned();
                self.read(move |view| {
                    let key = key.clone();
                    Box::pin(async move { view.find_record(kind, &key).await })
                })
                .await
            }

            async fn list_records(
                &mut self,
                kind: RecordKind,
                after: Option<String>,
                limit: u32,
            ) -> Result<Vec<Record>, StoreError> {
                self.read(move |view| view.list_records(kind, after.clone(), limit)).await
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);
