use keystead_application::ports::{KeyCount, StoreError, UnstagedKey};
use keystead_domain::{Installation, KeysetId, ManagerIdentity, SealedBytes};
use sea_orm::ActiveValue::{NotSet, Set};

use super::Row;
use crate::entities::{THE_ROW, installation, keyset_private_keys, staged_private_keys};

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
