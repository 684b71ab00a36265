use keystead_application::ports::{
    MAX_RECORD_DOCUMENT, MAX_RECORD_KEY, Record, RecordKind, StoreError, StoreErrorKind,
};
use keystead_domain::Timestamp;
use sea_orm::ActiveValue::NotSet;

use super::Row;
use crate::entities::records;
use crate::entities::records::RecordKey;

/// Whether a record may have this key.
pub(crate) fn is_key(key: &str) -> bool {
    (1..=MAX_RECORD_KEY).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// What could not be read again is not written.
pub(crate) fn record_to_model(
    record: &Record,
    operation: &'static str,
) -> Result<records::Model, StoreError> {
    let Record {
        kind,
        key,
        version,
        expires_at,
        document,
    } = record;
    let row = records::Model {
        kind: kind.as_str().into(),
        record_key: RecordKey(key.clone()),
        version: i64::from(version.0),
        expires_at: expires_at.map(Timestamp::as_micros),
        document: document.clone(),
    };
    match fault(&row) {
        None => Ok(row),
        Some((column, why)) => {
            let message = format!("such a {} record cannot be kept: {column}: {why}", row.kind);
            Err(StoreError::new(StoreErrorKind::Corrupt, operation, message))
        }
    }
}

/// The columns that a change of a record may change.
pub(crate) fn changed_columns(row: records::Model) -> records::ActiveModel {
    let mut row = sea_orm::ActiveModelTrait::reset_all(records::ActiveModel::from(row));
    row.kind = NotSet;
    row.record_key = NotSet;
    row
}

pub(crate) fn record_from_model(row: records::Model) -> Result<Record, StoreError> {
    let fault = fault(&row);
    let records::Model {
        kind,
        record_key: RecordKey(key),
        version,
        expires_at,
        document,
    } = row;
    let row = Row(format!("{kind} record {key:?} (table records)"));
    if let Some((column, why)) = fault {
        return Err(row.corrupt(column, why));
    }
    Ok(Record {
        kind: RecordKind::from_word(&kind).ok_or_else(|| row.corrupt("kind", "there is no such kind"))?,
        key,
        version: row.version(version)?,
        expires_at: row.optional_time("expires_at", expires_at)?,
        document,
    })
}

/// The column of a row whose value no record has, and what is wrong with it.
fn fault(row: &records::Model) -> Option<(&'static str, String)> {
    let records::Model {
        record_key: RecordKey(key),
        version,
        document,
        ..
    } = row;
    if !is_key(key) {
        let why = format!("it is not 1 to {MAX_RECORD_KEY} printable ASCII characters");
        Some(("record_key", why))
    } else if *version < 1 {
        Some(("version", format!("it is {version}, and versions count from 1")))
    } else if document.len() > MAX_RECORD_DOCUMENT {
        let length = document.len();
        let why = format!("it has {length} bytes, and {MAX_RECORD_DOCUMENT} are the most");
        Some(("document", why))
    } else {
        None
    }
}
