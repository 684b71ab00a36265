use async_trait::async_trait;
use keystead_application::ports::{
    Record, RecordKind, RecordReads, RecordWrites, StoreError, StoreErrorKind,
};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use super::Fault;
use super::adapter::BrokenUnit;
use super::view::{View, rounded};

impl View {
    /// What this store makes of a record.
    fn shown_record(&self, mut record: Record) -> Record {
        match self.fault {
            Fault::RoundsTimes => record.expires_at = record.expires_at.map(rounded),
            // As with a column that holds a byte less than the longest document.
            Fault::CutsRecords => record
                .document
                .truncate(record.document.floor_char_boundary(65_535)),
            Fault::TidiesLineEnds => record.document = record.document.replace("\r\n", "\n"),
            _ => {}
        }
        record
    }

    /// What this store compares of a key.
    fn compared(&self, key: &str) -> String {
        match self.fault {
            Fault::IgnoresCaseOfKeys => key.to_ascii_lowercase(),
            Fault::TrimsKeys => key.trim_end_matches(' ').to_owned(),
            _ => key.to_owned(),
        }
    }
}

#[async_trait]
impl RecordReads for View {
    async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
        let kind = match self.fault {
            Fault::MixesUpKinds => RecordKind::User,
            _ => kind,
        };
        let mut all = self.seen().await?.list_records(kind, None, u32::MAX).await?;
        // The key itself comes first, so that nothing but the comparison is wrong.
        all.sort_by_key(|record| record.key != key);
        let key = self.compared(key);
        let found = all.into_iter().find(|record| self.compared(&record.key) == key);
        Ok(found.map(|record| self.shown_record(record)))
    }

    async fn list_records(
        &mut self,
        kind: RecordKind,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let mut all = self.seen().await?.list_records(kind, None, u32::MAX).await?;
        // As a dictionary sorts them.
        let place = |key: &str| match self.fault {
            Fault::SortsKeysByLetters => (key.to_ascii_lowercase(), key.to_owned()),
            _ => (String::new(), key.to_owned()),
        };
        all.sort_by_key(|record| place(&record.key));
        let repeats = self.fault == Fault::RepeatsAcrossPages;
        all.retain(|record| {
            let is_after =
                |after: &String| place(&record.key) > place(after) || (repeats && record.key == *after);
            after.as_ref().is_none_or(is_after)
        });
        if self.fault != Fault::IgnoresLimits {
            all.truncate(limit as usize);
        }
        if self.fault == Fault::ListsNewestFirst {
            all.reverse();
        }
        Ok(all.into_iter().map(|record| self.shown_record(record)).collect())
    }
}

#[async_trait]
impl RecordReads for BrokenUnit {
    async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
        self.view.find_record(kind, key).await
    }

    async fn list_records(
        &mut self,
        kind: RecordKind,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.view.list_records(kind, after, limit).await
    }
}

#[async_trait]
impl RecordWrites for BrokenUnit {
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError> {
        self.put_records = true;
        let current = self.unit().find_record(record.kind, &record.key).await?;
        let mut record = record.clone();
        match (self.fault, current, expected) {
            (Fault::SwallowsDuplicates, Some(_), None) => Ok(()),
            (Fault::ForgetsVersionsOnSave, Some(current), Some(_)) => {
                self.unit().put_record(&record, Some(current.version)).await
            }
            (Fault::KeepsTheFirstEnd, Some(current), Some(_)) => {
                record.expires_at = current.expires_at;
                self.unit().put_record(&record, expected).await
            }
            (Fault::IgnoresCaseOfKeys | Fault::TrimsKeys, None, None)
                if self.view.find_record(record.kind, &record.key).await?.is_some() =>
            {
                Err(StoreError::new(
                    StoreErrorKind::Duplicate,
                    "put record",
                    "there is one with this key, or nearly so",
                ))
            }
            _ => self.unit().put_record(&record, expected).await,
        }
    }

    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        self.put_records = true;
        let current = self.unit().find_record(kind, key).await?;
        match (self.fault, current) {
            (Fault::DeletesNothing, _) => Ok(()),
            (Fault::ForgetsVersionsOnDelete, Some(current)) => {
                self.unit().delete_record(kind, key, current.version).await
            }
            _ => self.unit().delete_record(kind, key, expected).await,
        }
    }

    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        match self.fault {
            Fault::SweepsTheMomentToo => {
                let before = Timestamp::from_micros(before.as_micros() + 1).unwrap();
                self.unit().sweep_records(kind, before, limit).await
            }
            Fault::IgnoresLimits => self.unit().sweep_records(kind, before, u32::MAX).await,
            Fault::SweepsAndSaysNothing => {
                self.unit().sweep_records(kind, before, limit).await?;
                Ok(0)
            }
            Fault::SweepsWhatIsKept | Fault::SweepsEveryKind => {
                let takes_kept = self.fault == Fault::SweepsWhatIsKept;
                let mut all = self.unit().list_records(kind, None, u32::MAX).await?;
                all.retain(|record| record.expires_at.map_or(takes_kept, |end| end < before));
                all.truncate(limit as usize);
                for record in &all {
                    self.unit()
                        .delete_record(kind, &record.key, record.version)
                        .await?;
                }
                Ok(all.len() as u64)
            }
            _ => self.unit().sweep_records(kind, before, limit).await,
        }
    }
}
