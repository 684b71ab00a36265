//! Between rows and values. A row that cannot be is an error, never a guess.

mod keyset;
mod sealed;

use std::fmt::Display;
use std::str::FromStr;

use keystead_application::audit::StoredCheckpoint;
use keystead_application::ports::{StoreError, StoreErrorKind};
use keystead_domain::{SealedBytes, Sequence, Timestamp};

use crate::entities::audit_checkpoints;

pub(crate) use keyset::{changed_columns, hex_tag, keyset_from_model, keyset_to_model};
pub(crate) use sealed::{
    UnstagedRow, changed_secrets, installation_from_model, installation_to_model, key_count,
    sealed_from_model, sealed_to_model, staged_to_model, unstaged_from_row,
};

pub(crate) fn checkpoint_from_model(row: audit_checkpoints::Model) -> Result<StoredCheckpoint, StoreError> {
    let audit_checkpoints::Model { sequence, note } = row;
    Ok(StoredCheckpoint {
        sequence: sequence_from_column(sequence)?,
        note,
    })
}

pub(crate) fn sequence_to_column(sequence: Sequence) -> Result<i64, StoreError> {
    i64::try_from(sequence.0)
        .map_err(|e| StoreError::caused_by(StoreErrorKind::Corrupt, "append to the audit trail", e))
}

pub(crate) fn sequence_from_column(sequence: i64) -> Result<Sequence, StoreError> {
    u64::try_from(sequence)
        .map(Sequence)
        .map_err(|e| StoreError::caused_by(StoreErrorKind::Corrupt, "read the audit trail", e))
}

/// A row that is being read, by the name that people know it by.
struct Row(String);

impl Row {
    fn parsed<T: FromStr<Err: Display>>(&self, column: &str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|e| self.corrupt(column, e))
    }

    fn optional<T: FromStr<Err: Display>>(
        &self,
        column: &str,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.parsed(column, text)).transpose()
    }

    fn time(&self, column: &str, micros: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_micros(micros).map_err(|e| self.corrupt(column, e))
    }

    fn sealed(
        &self,
        master_key_id: &str,
        provider: String,
        format_version: i32,
        ciphertext: Vec<u8>,
    ) -> Result<SealedBytes, StoreError> {
        Ok(SealedBytes {
            master_key_id: self.parsed("master_key_id", master_key_id)?,
            provider,
            format_version: u16::try_from(format_version).map_err(|e| self.corrupt("format_version", e))?,
            ciphertext,
        })
    }

    fn corrupt(&self, column: &str, why: impl Display) -> StoreError {
        let message = format!("the stored {} is damaged: {column}: {why}", self.0);
        StoreError::new(StoreErrorKind::Corrupt, "read the store", message)
    }
}
