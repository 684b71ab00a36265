use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{Record, RecordKind, RecordWrites, StoreError, UnitOfWork};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use crate::answer::{ROW, of_record};
use crate::session::Session;

#[async_trait]
impl RecordWrites for Session<dyn UnitOfWork> {
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError> {
        let kept = Arc::new(record.clone());
        let again = Arc::clone(&kept);
        self.change(of_record(record), move |unit| {
            let kept = Arc::clone(&again);
            Box::pin(async move { unit.put_record(&kept, expected).await })
        })
        .await?;
        self.records.put(kept, expected);
        Ok(())
    }

    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        let deleted = key.to_owned();
        self.change(ROW, move |unit| {
            let key = deleted.clone();
            Box::pin(async move { unit.delete_record(kind, &key, expected).await })
        })
        .await?;
        self.records.delete(kind, key, expected);
        Ok(())
    }

    /// Done again, it takes what is over then: as many, or fewer when others swept meanwhile.
    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.change(ROW, move |unit| unit.sweep_records(kind, before, limit))
            .await
    }
}
