//! How redb is asked: tables of bytes, alike for readers and writers, and what its errors mean.

use std::io::ErrorKind;
use std::ops::Bound;

use keystead_application::ports::{StoreError, StoreErrorKind};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// The installation, the pointer to the active keyset, the head of the audit trail, and the policy for recoveries.
pub(crate) const SINGLE: Table = TableDefinition::new("single");
/// Keysets by id.
pub(crate) const KEYSETS: Table = TableDefinition::new("keyset");
/// Ids of keysets by fingerprint, in hexadecimal digits: what people type the beginning of.
pub(crate) const FINGERPRINTS: Table = TableDefinition::new("keyset_by_fingerprint");
/// Ids of keysets by age.
pub(crate) const AGES: Table = TableDefinition::new("keyset_by_age");
/// Sealed private keys by id. They are not in the keyset's row: whoever lists keysets does not touch them.
pub(crate) const PRIVATE_KEYS: Table = TableDefinition::new("private_key");
/// Their copies under the next master key, by id.
pub(crate) const STAGED: Table = TableDefinition::new("staged_private_key");
/// Audit events by place.
pub(crate) const AUDIT: Table = TableDefinition::new("audit");
/// Checkpoints by place.
pub(crate) const CHECKPOINTS: Table = TableDefinition::new("checkpoint");
/// Backup servers by id, with their identities.
pub(crate) const SERVERS: Table = TableDefinition::new("server");
/// Ids of servers by the fingerprint of an identity.
pub(crate) const IDENTITIES: Table = TableDefinition::new("server_by_identity");
/// Officers by id.
pub(crate) const OFFICERS: Table = TableDefinition::new("officer");
/// Requests by id, with their approvals.
pub(crate) const RECOVERIES: Table = TableDefinition::new("recovery");
/// Ids of requests by age, the latest first.
pub(crate) const RECOVERY_AGES: Table = TableDefinition::new("recovery_by_age");
/// The bytes of requests and responses.
pub(crate) const DOCUMENTS: Table = TableDefinition::new("recovery_document");
/// The records of the application by kind and key.
pub(crate) const RECORDS: Table = TableDefinition::new("record");

#[rustfmt::skip]
pub(crate) const TABLES: [Table; 15] = [
    SINGLE, KEYSETS, FINGERPRINTS, AGES, PRIVATE_KEYS, STAGED, AUDIT, CHECKPOINTS,
    SERVERS, IDENTITIES, OFFICERS, RECOVERIES, RECOVERY_AGES, DOCUMENTS,
    RECORDS,
];

/// A key and its value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// What a reader and a writer have in common. The calls block their thread for as long as a page takes to come from the
/// file; a store whose calls take longer hands them to `spawn_blocking`.
pub(crate) trait Rows {
    fn bytes(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Rows in the order of their keys' bytes.
    fn scan(&self, table: Table, from: Bound<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError>;
}

macro_rules! rows {
    ($($transaction:ty),+) => {$(
        impl Rows for $transaction {
            fn bytes(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
                let table = self.open_table(table).map_err(failed("read"))?;
                let found = table.get(key).map_err(failed("read"))?;
                Ok(found.map(|value| value.value().to_vec()))
            }

            fn scan(&self, table: Table, from: Bound<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError> {
                let table = self.open_table(table).map_err(failed("read"))?;
                let range = table.range::<&[u8]>((from, Bound::Unbounded)).map_err(failed("read"))?;
                let row = |row: Result<_, redb::StorageError>| {
                    let (key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>) = row.map_err(failed("read"))?;
                    Ok((key.value().to_vec(), value.value().to_vec()))
                };
                range.take(limit).map(row).collect()
            }
        }
    )+};
}

rows!(ReadTransaction, WriteTransaction);

impl dyn Rows + '_ {
    pub(crate) fn get<T: DeserializeOwned>(&self, table: Table, key: &str) -> Result<Option<T>, StoreError> {
        let bytes = self.bytes(table, key.as_bytes())?;
        bytes.map(|bytes| decode(&bytes)).transpose()
    }
}

/// JSON is easy to look into, and not small: a private key takes about three times its size. Enough for an example.
pub(crate) fn put(
    writer: &WriteTransaction,
    table: Table,
    key: impl AsRef<[u8]>,
    value: &impl Serialize,
) -> Result<(), StoreError> {
    put_bytes(writer, table, key, &serde_json::to_vec(value).map_err(corrupt)?)
}

pub(crate) fn put_bytes(
    writer: &WriteTransaction,
    table: Table,
    key: impl AsRef<[u8]>,
    value: &[u8],
) -> Result<(), StoreError> {
    let mut table = writer.open_table(table).map_err(failed("write"))?;
    table.insert(key.as_ref(), value).map_err(failed("write"))?;
    Ok(())
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(corrupt)
}

pub(crate) fn corrupt(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::caused_by(StoreErrorKind::Corrupt, "read", error)
}

/// Promise: every failure has its kind, decided by what redb says in types and never by a text.
pub(crate) fn failed<E: Into<redb::Error>>(operation: &'static str) -> impl Fn(E) -> StoreError {
    move |error| {
        let error = error.into();
        let kind = match &error {
            redb::Error::DatabaseAlreadyOpen => StoreErrorKind::Busy,
            redb::Error::UpgradeRequired(_) => StoreErrorKind::NotMigrated,
            redb::Error::Corrupted(_) => StoreErrorKind::Corrupt,
            redb::Error::Io(error) => match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
                    StoreErrorKind::NoSpace
                }
                _ => StoreErrorKind::Unavailable,
            },
            _ => StoreErrorKind::Unavailable,
        };
        StoreError::caused_by(kind, operation, error)
    }
}
