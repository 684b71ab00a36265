//! Exports: made, looked into, and imported.

use keystead_application::use_cases::{ExaminedKeyset, Exported};
use keystead_domain::{ExportMetadata, Kdf, Keyset, KeysetId, Passphrase, Protection};
use serde::{Deserialize, Serialize};

use crate::{KeysetJson, PromisesJson, SecretText};

/// An export that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportJson {
    /// What was exported.
    pub exported: Vec<ExportedJson>,
    /// The passphrase that was made for it; `null` when it was given, or there is none.
    pub generated_passphrase: Option<SecretText>,
}

/// A keyset that was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportedJson {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Where it was written.
    pub place: Option<String>,
    /// Whether it was read back from there and compared.
    pub verified: bool,
    /// What the share promised of the file.
    pub promises: Option<PromisesJson>,
}

impl ExportJson {
    /// What was exported, with the passphrase that was made for it.
    #[must_use]
    pub fn new(exported: &[Exported], generated: Option<&Passphrase>) -> Self {
        Self {
            exported: exported.iter().map(ExportedJson::from).collect(),
            generated_passphrase: generated.map(SecretText::from),
        }
    }
}

impl From<&Exported> for ExportedJson {
    fn from(exported: &Exported) -> Self {
        Self {
            id: exported.keyset.id().to_string(),
            fingerprint: exported.keyset.fingerprint().to_string(),
            place: exported.place.clone(),
            verified: exported.place.is_some(),
            promises: exported.promised.map(PromisesJson::from),
        }
    }
}

/// What is in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InspectJson {
    /// The keysets in it.
    pub keysets: Vec<InspectedKeysetJson>,
}

/// A keyset in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InspectedKeysetJson {
    /// Its fingerprint; `null` when only the passphrase tells it.
    pub fingerprint: Option<String>,
    /// The length of its modulus.
    pub bits: Option<u16>,
    /// Its hint, when the file holds one.
    pub hint: Option<String>,
    /// The id it had where it was exported.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub exported_as: Option<String>,
    /// When it was made there.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: Option<String>,
    /// When it was exported.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub exported_at: Option<String>,
    /// How its private key is protected.
    pub protection: ProtectionJson,
    /// Whether the private key was decrypted, found whole, and belongs to the public key.
    pub private_key_checked: bool,
    /// Whether it was looked for in an installation.
    pub looked_up: bool,
    /// The id that it has in the installation, when it is there.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub already_here: Option<String>,
}

impl InspectedKeysetJson {
    /// What was found, and whether it was looked for in an installation.
    #[must_use]
    pub fn new(keyset: &ExaminedKeyset, looked_up: bool, already_here: Option<KeysetId>) -> Self {
        let ExaminedKeyset {
            public,
            metadata,
            protection,
            pair,
        } = keyset;
        let of = |read: fn(&ExportMetadata) -> String| metadata.as_ref().map(read);
        Self {
            fingerprint: public.as_ref().map(|public| public.fingerprint().to_string()),
            bits: public.as_ref().map(|public| public.bits().get()),
            hint: of(|m| m.hint.to_string()),
            exported_as: of(|m| m.id.to_string()),
            created_at: of(|m| m.created_at.to_string()),
            exported_at: of(|m| m.exported_at.to_string()),
            protection: protection.into(),
            private_key_checked: pair.is_some(),
            looked_up,
            already_here: already_here.map(|id| id.to_string()),
        }
    }
}

/// How a private key in an export is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProtectionJson {
    /// Not at all.
    Unprotected,
    /// By a passphrase, with PBKDF2.
    Pbkdf2 {
        /// How many iterations.
        iterations: u32,
    },
    /// By a passphrase, with scrypt.
    Scrypt {
        /// How much memory it takes, in bytes.
        memory_bytes: u64,
    },
}

impl From<&Protection> for ProtectionJson {
    fn from(protection: &Protection) -> Self {
        match protection {
            Protection::Unprotected => Self::Unprotected,
            Protection::Passphrase(Kdf::Pbkdf2 { iterations }) => Self::Pbkdf2 {
                iterations: *iterations,
            },
            Protection::Passphrase(Kdf::Scrypt { memory }) => Self::Scrypt {
                memory_bytes: *memory,
            },
        }
    }
}

impl From<&ProtectionJson> for Protection {
    fn from(protection: &ProtectionJson) -> Self {
        match protection {
            ProtectionJson::Unprotected => Self::Unprotected,
            ProtectionJson::Pbkdf2 { iterations } => Self::Passphrase(Kdf::Pbkdf2 {
                iterations: *iterations,
            }),
            ProtectionJson::Scrypt { memory_bytes } => Self::Passphrase(Kdf::Scrypt {
                memory: *memory_bytes,
            }),
        }
    }
}

/// Keysets that were imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportJson {
    /// The keysets, which are Inactive.
    pub imported: Vec<KeysetJson>,
}

impl ImportJson {
    /// What was imported.
    #[must_use]
    pub fn new(imported: &[Keyset]) -> Self {
        Self {
            imported: imported.iter().map(KeysetJson::from).collect(),
        }
    }
}
