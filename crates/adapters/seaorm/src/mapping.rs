//! Between rows and values. A row that cannot be is an error, never a guess.

use std::fmt::Display;
use std::str::FromStr;

use keystead_application::audit::StoredCheckpoint;
use keystead_application::ports::{KeyCount, StoreError, StoreErrorKind, UnstagedKey};
use keystead_domain::keyset::{LastExport, Origin, StoredKeyset, Version};
use keystead_domain::{
    Installation, KeyBits, Keyset, KeysetId, ManagerIdentity, PublicKey, RecipientTag, SealedBytes, Sequence,
    Timestamp,
};
use sea_orm::ActiveValue::{NotSet, Set};

use crate::entities::{
    THE_ROW, audit_checkpoints, installation, keyset_private_keys, keysets, staged_private_keys,
};

const GENERATED: &str = "generated";
const IMPORTED: &str = "imported";

pub(crate) fn keyset_to_model(keyset: &Keyset) -> keysets::Model {
    let StoredKeyset {
        id,
        version,
        hint,
        public_key,
        fingerprint,
        origin,
        // Kept by the pointer alone.
        pointed_at: _,
        created_at,
        activated_at,
        deactivated_at,
        superseded_by,
        last_export,
    } = keyset.to_stored();
    let (origin, exported_as) = match origin {
        Origin::Generated => (GENERATED, None),
        Origin::Imported { exported_as } => (IMPORTED, exported_as),
    };
    let (last_exported_at, last_export_to) = match last_export {
        Some(LastExport { at, to }) => (Some(at.as_micros()), Some(to)),
        None => (None, None),
    };
    keysets::Model {
        id: id.to_string(),
        version: i64::from(version.0),
        hint: hint.as_str().into(),
        spki: public_key.spki_der().into(),
        fingerprint: fingerprint.to_string(),
        bits: i32::from(public_key.bits().get()),
        recipient_tag: hex_tag(public_key.tag()),
        origin: origin.into(),
        exported_as: exported_as.map(|id| id.to_string()),
        created_at: created_at.as_micros(),
        activated_at: activated_at.map(Timestamp::as_micros),
        deactivated_at: deactivated_at.map(Timestamp::as_micros),
        superseded_by: superseded_by.map(|by| by.to_string()),
        last_exported_at,
        last_export_to,
    }
}

/// What can change in the life of a keyset. Its id, its key and where it comes from cannot, and are not written again.
pub(crate) fn changed_columns(keyset: &Keyset) -> keysets::ActiveModel {
    let keysets::Model {
        id: _,
        version,
        hint,
        spki: _,
        fingerprint: _,
        bits: _,
        recipient_tag: _,
        origin: _,
        exported_as: _,
        created_at: _,
        activated_at,
        deactivated_at,
        superseded_by,
        last_exported_at,
        last_export_to,
    } = keyset_to_model(keyset);
    keysets::ActiveModel {
        id: NotSet,
        version: Set(version),
        hint: Set(hint),
        spki: NotSet,
        fingerprint: NotSet,
        bits: NotSet,
        recipient_tag: NotSet,
        origin: NotSet,
        exported_as: NotSet,
        created_at: NotSet,
        activated_at: Set(activated_at),
        deactivated_at: Set(deactivated_at),
        superseded_by: Set(superseded_by),
        last_exported_at: Set(last_exported_at),
        last_export_to: Set(last_export_to),
    }
}

pub(crate) fn keyset_from_model(row: keysets::Model, pointed_at: bool) -> Result<Keyset, StoreError> {
    let keysets::Model {
        id,
        version,
        hint,
        spki,
        fingerprint,
        bits,
        recipient_tag,
        origin,
        exported_as,
        created_at,
        activated_at,
        deactivated_at,
        superseded_by,
        last_exported_at,
        last_export_to,
    } = row;
    let row = Row(format!("keyset {id}"));
    let origin = match (origin.as_str(), exported_as) {
        (GENERATED, None) => Origin::Generated,
        (IMPORTED, exported_as) => Origin::Imported {
            exported_as: row.optional("exported_as", exported_as.as_deref())?,
        },
        _ => return Err(row.corrupt("origin", "it is none that this program knows")),
    };
    let last_export = match (last_exported_at, last_export_to) {
        (None, None) => None,
        (Some(at), Some(to)) => Some(LastExport {
            at: row.time("last_exported_at", at)?,
            to,
        }),
        _ => {
            return Err(row.corrupt(
                "last_exported_at",
                "the time and the place of an export go together",
            ));
        }
    };
    let bits = usize::try_from(bits).map_err(|e| row.corrupt("bits", e))?;
    let bits = KeyBits::new(bits).map_err(|e| row.corrupt("bits", e))?;
    let tag = tag_from_hex(&recipient_tag).ok_or_else(|| row.corrupt("recipient_tag", "it is no tag"))?;
    let stored = StoredKeyset {
        id: row.parsed("id", &id)?,
        version: Version(u32::try_from(version).map_err(|e| row.corrupt("version", e))?),
        hint: row.parsed("hint", &hint)?,
        public_key: PublicKey::from_stored(spki, bits, tag),
        fingerprint: row.parsed("fingerprint", &fingerprint)?,
        origin,
        pointed_at,
        created_at: row.time("created_at", created_at)?,
        activated_at: activated_at.map(|at| row.time("activated_at", at)).transpose()?,
        deactivated_at: deactivated_at
            .map(|at| row.time("deactivated_at", at))
            .transpose()?,
        superseded_by: row.optional("superseded_by", superseded_by.as_deref())?,
        last_export,
    };
    Ok(Keyset::from_stored(stored)?)
}

pub(crate) fn sealed_to_model(id: KeysetId, sealed: &SealedBytes) -> keyset_private_keys::Model {
    let SealedBytes {
        master_key_id,
        provider,
        format_version,
        ciphertext,
    } = sealed;
    keyset_private_keys::Model {
        keyset_id: id.to_string(),
        master_key_id: master_key_id.as_str().into(),
        provider: provider.clone(),
        format_version: i32::from(*format_version),
        ciphertext: ciphertext.clone(),
    }
}

pub(crate) fn sealed_from_model(row: keyset_private_keys::Model) -> Result<SealedBytes, StoreError> {
    let keyset_private_keys::Model {
        keyset_id,
        master_key_id,
        provider,
        format_version,
        ciphertext,
    } = row;
    Row(format!("private key of keyset {keyset_id}")).sealed(
        &master_key_id,
        provider,
        format_version,
        ciphertext,
    )
}

pub(crate) fn staged_to_model(sealed: keyset_private_keys::Model) -> staged_private_keys::Model {
    let keyset_private_keys::Model {
        keyset_id,
        master_key_id,
        provider,
        format_version,
        ciphertext,
    } = sealed;
    staged_private_keys::Model {
        keyset_id,
        master_key_id,
        provider,
        format_version,
        ciphertext,
    }
}

/// The columns of a sealed private key, and the fingerprint of its keyset.
pub(crate) type UnstagedRow = (String, String, String, i32, Vec<u8>, String);

pub(crate) fn unstaged_from_row(row: UnstagedRow) -> Result<UnstagedKey, StoreError> {
    let (keyset_id, master_key_id, provider, format_version, ciphertext, fingerprint) = row;
    let row = Row(format!("private key of keyset {keyset_id}"));
    Ok(UnstagedKey {
        keyset: row.parsed("keyset_id", &keyset_id)?,
        fingerprint: row.parsed("fingerprint", &fingerprint)?,
        sealed: row.sealed(&master_key_id, provider, format_version, ciphertext)?,
    })
}

pub(crate) fn key_count(row: (String, String, i64)) -> Result<KeyCount, StoreError> {
    let (master_key_id, provider, count) = row;
    let row = Row("private key".into());
    Ok(KeyCount {
        master_key_id: row.parsed("master_key_id", &master_key_id)?,
        provider,
        private_keys: count.unsigned_abs(),
    })
}

pub(crate) fn checkpoint_from_model(row: audit_checkpoints::Model) -> Result<StoredCheckpoint, StoreError> {
    let audit_checkpoints::Model { sequence, note } = row;
    Ok(StoredCheckpoint {
        sequence: sequence_from_column(sequence)?,
        note,
    })
}

pub(crate) fn installation_to_model(installation: &Installation) -> installation::Model {
    let Installation {
        id,
        created_at,
        key_check,
        identity,
    } = installation.clone();
    let SealedBytes {
        master_key_id: key_check_master_key_id,
        provider: key_check_provider,
        format_version: key_check_format_version,
        ciphertext: key_check_ciphertext,
    } = key_check;
    let ManagerIdentity {
        public_key,
        sealed_private_key,
        created_at: identity_created_at,
    } = identity;
    let SealedBytes {
        master_key_id: identity_master_key_id,
        provider: identity_provider,
        format_version: identity_format_version,
        ciphertext: identity_ciphertext,
    } = sealed_private_key;
    installation::Model {
        id: THE_ROW,
        installation_id: id.to_string(),
        created_at: created_at.as_micros(),
        key_check_master_key_id: key_check_master_key_id.as_str().into(),
        key_check_provider,
        key_check_format_version: i32::from(key_check_format_version),
        key_check_ciphertext,
        identity_public_key: public_key.into(),
        identity_created_at: identity_created_at.as_micros(),
        identity_master_key_id: identity_master_key_id.as_str().into(),
        identity_provider,
        identity_format_version: i32::from(identity_format_version),
        identity_ciphertext,
    }
}

/// What changes with the master key: everything that is sealed under it.
pub(crate) fn changed_secrets(installation: &Installation) -> installation::ActiveModel {
    let installation::Model {
        id: _,
        installation_id: _,
        created_at: _,
        key_check_master_key_id,
        key_check_provider,
        key_check_format_version,
        key_check_ciphertext,
        identity_public_key: _,
        identity_created_at: _,
        identity_master_key_id,
        identity_provider,
        identity_format_version,
        identity_ciphertext,
    } = installation_to_model(installation);
    installation::ActiveModel {
        id: NotSet,
        installation_id: NotSet,
        created_at: NotSet,
        key_check_master_key_id: Set(key_check_master_key_id),
        key_check_provider: Set(key_check_provider),
        key_check_format_version: Set(key_check_format_version),
        key_check_ciphertext: Set(key_check_ciphertext),
        identity_public_key: NotSet,
        identity_created_at: NotSet,
        identity_master_key_id: Set(identity_master_key_id),
        identity_provider: Set(identity_provider),
        identity_format_version: Set(identity_format_version),
        identity_ciphertext: Set(identity_ciphertext),
    }
}

pub(crate) fn installation_from_model(row: installation::Model) -> Result<Installation, StoreError> {
    let installation::Model {
        id: _,
        installation_id,
        created_at,
        key_check_master_key_id,
        key_check_provider,
        key_check_format_version,
        key_check_ciphertext,
        identity_public_key,
        identity_created_at,
        identity_master_key_id,
        identity_provider,
        identity_format_version,
        identity_ciphertext,
    } = row;
    let row = Row("installation".into());
    let public_key = identity_public_key
        .try_into()
        .map_err(|_| row.corrupt("identity_public_key", "it has not 32 bytes"))?;
    Ok(Installation {
        id: row.parsed("installation_id", &installation_id)?,
        created_at: row.time("created_at", created_at)?,
        key_check: row.sealed(
            &key_check_master_key_id,
            key_check_provider,
            key_check_format_version,
            key_check_ciphertext,
        )?,
        identity: ManagerIdentity {
            public_key,
            sealed_private_key: row.sealed(
                &identity_master_key_id,
                identity_provider,
                identity_format_version,
                identity_ciphertext,
            )?,
            created_at: row.time("identity_created_at", identity_created_at)?,
        },
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

pub(crate) fn hex_tag(tag: RecipientTag) -> String {
    format!("{:08x}", u32::from_be_bytes(tag.0))
}

fn tag_from_hex(text: &str) -> Option<RecipientTag> {
    let tag = u32::from_str_radix(text, 16).ok()?;
    let tag = RecipientTag(tag.to_be_bytes());
    (hex_tag(tag) == text).then_some(tag)
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
