//! What is kept, and how it becomes what it was. Every value is checked on its way back.

use keystead_application::ports::{KeysetCursor, StoreError, StoreErrorKind};
use keystead_domain::keyset::{LastExport, Origin, StoredKeyset, Version};
use keystead_domain::{
    Installation, KeyBits, ManagerIdentity, PublicKey, RecipientTag, SealedBytes, Sequence, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::rows::corrupt;

#[derive(Serialize, Deserialize)]
pub(crate) struct KeysetRecord {
    id: String,
    pub(crate) version: u32,
    hint: String,
    public_key: Vec<u8>,
    bits: u16,
    tag: [u8; 4],
    pub(crate) fingerprint: String,
    imported: bool,
    exported_as: Option<String>,
    pub(crate) created_at: i64,
    activated_at: Option<i64>,
    deactivated_at: Option<i64>,
    superseded_by: Option<String>,
    last_export: Option<(i64, String)>,
}

impl From<StoredKeyset> for KeysetRecord {
    /// All columns but `pointed_at`. The one pointer says that, for all keysets at once: two active ones cannot be written
    /// down.
    fn from(keyset: StoredKeyset) -> Self {
        let (imported, exported_as) = match keyset.origin {
            Origin::Generated => (false, None),
            Origin::Imported { exported_as } => (true, exported_as),
        };
        Self {
            id: keyset.id.to_string(),
            version: keyset.version.0,
            hint: keyset.hint.to_string(),
            public_key: keyset.public_key.spki_der().to_vec(),
            bits: keyset.public_key.bits().get(),
            tag: keyset.public_key.tag().0,
            fingerprint: keyset.fingerprint.to_string(),
            imported,
            exported_as: exported_as.map(|id| id.to_string()),
            created_at: keyset.created_at.as_micros(),
            activated_at: keyset.activated_at.map(Timestamp::as_micros),
            deactivated_at: keyset.deactivated_at.map(Timestamp::as_micros),
            superseded_by: keyset.superseded_by.map(|fingerprint| fingerprint.to_string()),
            last_export: keyset
                .last_export
                .map(|export| (export.at.as_micros(), export.to)),
        }
    }
}

impl KeysetRecord {
    pub(crate) fn into_stored(self, pointed_at: bool) -> Result<StoredKeyset, StoreError> {
        let exported_as = self
            .exported_as
            .map(|id| id.parse().map_err(corrupt))
            .transpose()?;
        let bits = KeyBits::new(usize::from(self.bits)).map_err(corrupt)?;
        let last_export = |(at, to)| Ok::<_, StoreError>(LastExport { at: time(at)?, to });
        Ok(StoredKeyset {
            id: self.id.parse().map_err(corrupt)?,
            version: Version(self.version),
            hint: self.hint.parse().map_err(corrupt)?,
            public_key: PublicKey::from_stored(self.public_key, bits, RecipientTag(self.tag)),
            fingerprint: self.fingerprint.parse().map_err(corrupt)?,
            origin: match self.imported {
                true => Origin::Imported { exported_as },
                false => Origin::Generated,
            },
            pointed_at,
            created_at: time(self.created_at)?,
            activated_at: self.activated_at.map(time).transpose()?,
            deactivated_at: self.deactivated_at.map(time).transpose()?,
            superseded_by: self
                .superseded_by
                .map(|by| by.parse().map_err(corrupt))
                .transpose()?,
            last_export: self.last_export.map(last_export).transpose()?,
        })
    }
}

/// Master key, provider, format version, ciphertext. They stay together: without the first three, nobody knows how to open
/// the last.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedRecord(String, String, u16, Vec<u8>);

impl From<&SealedBytes> for SealedRecord {
    fn from(sealed: &SealedBytes) -> Self {
        let (key, provider) = (sealed.master_key_id.to_string(), sealed.provider.clone());
        Self(key, provider, sealed.format_version, sealed.ciphertext.clone())
    }
}

impl SealedRecord {
    pub(crate) fn into_sealed(self) -> Result<SealedBytes, StoreError> {
        let Self(master_key_id, provider, format_version, ciphertext) = self;
        Ok(SealedBytes {
            master_key_id: master_key_id.parse().map_err(corrupt)?,
            provider,
            format_version,
            ciphertext,
        })
    }
}

/// Id, time, key check; the identity's public key, private key and time.
#[derive(Serialize, Deserialize)]
pub(crate) struct InstallationRecord(String, i64, SealedRecord, [u8; 32], SealedRecord, i64);

impl From<&Installation> for InstallationRecord {
    fn from(installation: &Installation) -> Self {
        let identity = &installation.identity;
        Self(
            installation.id.to_string(),
            installation.created_at.as_micros(),
            (&installation.key_check).into(),
            identity.public_key,
            (&identity.sealed_private_key).into(),
            identity.created_at.as_micros(),
        )
    }
}

impl InstallationRecord {
    pub(crate) fn into_installation(self) -> Result<Installation, StoreError> {
        let Self(id, created_at, key_check, public_key, private_key, identity_created_at) = self;
        Ok(Installation {
            id: id.parse().map_err(corrupt)?,
            created_at: time(created_at)?,
            key_check: key_check.into_sealed()?,
            identity: ManagerIdentity {
                public_key,
                sealed_private_key: private_key.into_sealed()?,
                created_at: time(identity_created_at)?,
            },
        })
    }
}

pub(crate) fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(micros).map_err(corrupt)
}

/// A place in the audit trail as a key: the bytes sort as the numbers do.
pub(crate) fn place(sequence: Sequence) -> [u8; 8] {
    sequence.0.to_be_bytes()
}

/// The other way round.
pub(crate) fn place_of(key: &[u8]) -> Sequence {
    Sequence(key.iter().fold(0, |place, byte| place << 8 | u64::from(*byte)))
}

/// The age of a keyset as a key. The sign is turned over, so that what was made before 1970 comes first.
pub(crate) fn age(created_at: i64, id: &str) -> Vec<u8> {
    [&(created_at ^ i64::MIN).to_be_bytes()[..], id.as_bytes()].concat()
}

/// The place in the list of keysets that such a key stands for.
pub(crate) fn cursor(age: &[u8]) -> Result<KeysetCursor, StoreError> {
    let malformed = || {
        StoreError::new(
            StoreErrorKind::Corrupt,
            "read",
            "the age of a keyset is malformed",
        )
    };
    let (micros, id) = age.split_first_chunk().ok_or_else(malformed)?;
    let id = std::str::from_utf8(id).map_err(corrupt)?;
    Ok(KeysetCursor {
        created_at: time(i64::from_be_bytes(*micros) ^ i64::MIN)?,
        id: id.parse().map_err(corrupt)?,
    })
}
