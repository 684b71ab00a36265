//! Between rows and values. A row that cannot be is an error, never a guess.

mod keyset;
mod officer;
mod record;
mod recovery;
mod sealed;
mod server;

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use keystead_application::audit::StoredCheckpoint;
use keystead_application::ports::{StoreError, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{SealedBytes, Sequence, Timestamp};

use crate::entities::audit_checkpoints;

pub(crate) use keyset::{changed_columns, hex_tag, keyset_from_model, keyset_to_model};
pub(crate) use officer::{officer_from_model, officer_to_model, policy_from_model, policy_to_model};
pub(crate) use record::{changed_columns as changed_record, is_key, record_from_model, record_to_model};
pub(crate) use recovery::{approvals_to_models, recoveries_from_models, recovery_to_model};
pub(crate) use sealed::{
    UnstagedRow, changed_secrets, installation_from_model, installation_to_model, key_count,
    sealed_from_model, sealed_to_model, staged_to_model, unstaged_from_row,
};
pub(crate) use server::{identities_to_models, server_to_model, servers_from_models};

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

/// The rows that belong to rows of another table, by the id of each and in the order of their places there.
fn by_parent<M>(rows: Vec<M>, place: impl Fn(&M) -> (&str, i32)) -> HashMap<String, Vec<M>> {
    let mut of_parent: HashMap<String, Vec<M>> = HashMap::new();
    for row in rows {
        of_parent.entry(place(&row).0.to_owned()).or_default().push(row);
    }
    for rows in of_parent.values_mut() {
        rows.sort_by_key(|row| place(row).1);
    }
    of_parent
}

/// A row that is being read, by the name that people know it by.
pub(crate) struct Row(pub(crate) String);

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

    fn optional_time(&self, column: &str, micros: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
        micros.map(|micros| self.time(column, micros)).transpose()
    }

    fn number(&self, column: &str, number: i64) -> Result<u32, StoreError> {
        u32::try_from(number).map_err(|e| self.corrupt(column, e))
    }

    fn version(&self, version: i64) -> Result<Version, StoreError> {
        self.number("version", version).map(Version)
    }

    /// Checks that none of the rows that belong to this one is missing, as far as their places tell: they count from 1.
    fn complete(&self, what: &str, places: impl Iterator<Item = i32>) -> Result<(), StoreError> {
        for (expected, place) in (1..).zip(places) {
            if place != expected {
                return Err(self.corrupt(what, format!("number {expected} is missing")));
            }
        }
        Ok(())
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

    pub(crate) fn corrupt(&self, column: &str, why: impl Display) -> StoreError {
        let message = format!("the stored {} is damaged: {column}: {why}", self.0);
        StoreError::new(StoreErrorKind::Corrupt, "read the store", message)
    }
}
