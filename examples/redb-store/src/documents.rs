//! The records of the application, seen and changed.

use std::ops::Bound;

use async_trait::async_trait;
use keystead_application::ports::{
    MAX_RECORD_DOCUMENT, MAX_RECORD_KEY, Record, RecordKind, RecordReads, RecordWrites, StoreError,
    StoreErrorKind,
};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;
use redb::WriteTransaction;
use serde::{Deserialize, Serialize};

use crate::reads::RedbSnapshot;
use crate::records::time;
use crate::rows::{RECORDS, Row, Rows, corrupt, decode, put};
use crate::unit::{RedbUnitOfWork, duplicate_unless, ensure, has, remove, unchanged};

/// Version, end, document.
#[derive(Serialize, Deserialize)]
struct DocumentRecord(u32, Option<i64>, String);

/// Promise: keys are compared byte by byte, within their kind. No kind has a space in its word.
fn place(kind: RecordKind, key: &str) -> String {
    format!("{} {key}", kind.as_str())
}

fn record(kind: RecordKind, (place, value): &Row) -> Result<Record, StoreError> {
    let DocumentRecord(version, expires_at, document) = decode(value)?;
    let key = place.get(kind.as_str().len() + 1..).unwrap_or_default();
    let record = Record {
        kind,
        key: String::from_utf8(key.to_vec()).map_err(corrupt)?,
        version: Version(version),
        expires_at: expires_at.map(time).transpose()?,
        document,
    };
    check(&record)?;
    Ok(record)
}

/// What is no record is neither given nor taken.
fn check(record: &Record) -> Result<(), StoreError> {
    let key = record.key.as_bytes();
    let is_key =
        (1..=MAX_RECORD_KEY).contains(&key.len()) && key.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let is_document = record.document.len() <= MAX_RECORD_DOCUMENT;
    let is_record = is_key && is_document && record.version.0 > 0;
    ensure(is_record, StoreErrorKind::Corrupt, "such a record cannot be")
}

impl dyn Rows + '_ {
    fn record(&self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
        let place = place(kind, key);
        let found = self.bytes(RECORDS, place.as_bytes())?;
        found
            .map(|value| record(kind, &(place.into_bytes(), value)))
            .transpose()
    }

    fn records(
        &self,
        kind: RecordKind,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let (kinds, after) = (place(kind, ""), place(kind, &after.unwrap_or_default()));
        let rows = self.scan(RECORDS, Bound::Excluded(after.as_bytes()), limit)?;
        let of_kind = rows
            .iter()
            .take_while(|(place, _)| place.starts_with(kinds.as_bytes()));
        of_kind.map(|row| record(kind, row)).collect()
    }
}

impl RedbUnitOfWork {
    /// Promise: what needs an event does not happen without one, and what needs none does.
    fn change_record<T>(
        &mut self,
        kind: RecordKind,
        change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match kind.needs_event() {
            true => self.change(change),
            false => self.change_without_event(change),
        }
    }
}

macro_rules! reads {
    ($($view:ty),+) => {$(
        #[async_trait]
        impl RecordReads for $view {
            async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError> {
                self.rows()?.record(kind, key)
            }

            async fn list_records(&mut self, kind: RecordKind, after: Option<String>, limit: u32) -> Result<Vec<Record>, StoreError> {
                self.rows()?.records(kind, after, limit as usize)
            }
        }
    )+};
}

reads!(RedbSnapshot, RedbUnitOfWork);

#[async_trait]
impl RecordWrites for RedbUnitOfWork {
    async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError> {
        let place = place(record.kind, &record.key);
        let end = record.expires_at.map(Timestamp::as_micros);
        let kept = DocumentRecord(record.version.0, end, record.document.clone());
        self.change_record(record.kind, |writer| {
            check(record)?;
            match expected {
                None => duplicate_unless(!has(writer, RECORDS, &place)?, "there is such a record already")?,
                Some(expected) => {
                    let before = (writer as &dyn Rows).record(record.kind, &record.key)?;
                    unchanged(before, |before| before.version == expected)?;
                }
            }
            put(writer, RECORDS, &place, &kept)
        })
    }

    async fn delete_record(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        self.change_record(kind, |writer| {
            let before = (writer as &dyn Rows).record(kind, key)?;
            unchanged(before, |before| before.version == expected)?;
            remove(writer, RECORDS, place(kind, key))
        })
    }

    /// Without an index of its own: a kind has hundreds of records.
    async fn sweep_records(
        &mut self,
        kind: RecordKind,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        if kind.needs_event() {
            return Ok(0);
        }
        self.change_without_event(|writer| {
            let mut over = (writer as &dyn Rows).records(kind, None, usize::MAX)?;
            over.retain(|record| record.expires_at.is_some_and(|end| end < before));
            over.truncate(limit as usize);
            for record in &over {
                remove(writer, RECORDS, place(kind, &record.key))?;
            }
            Ok(over.len() as u64)
        })
    }
}
