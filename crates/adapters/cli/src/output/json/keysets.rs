use keystead_application::ports::DamagedKeyset;
use keystead_application::use_cases::{ExaminedKeyset, Exported};
use keystead_domain::keyset::Origin;
use keystead_domain::{ExportMetadata, Installation, Kdf, Keyset, KeysetId, Passphrase, Protection, State};
use serde::Serialize;

use super::PromisesJson;

#[derive(Serialize)]
pub(crate) struct KeysetJson {
    id: String,
    hint: String,
    fingerprint: String,
    bits: u16,
    origin: &'static str,
    state: &'static str,
    inactive_reason: Option<&'static str>,
    superseded_by: Option<String>,
    created_at: String,
    activated_at: Option<String>,
    deactivated_at: Option<String>,
    last_exported_at: Option<String>,
    last_export_to: Option<String>,
}

impl From<&Keyset> for KeysetJson {
    fn from(keyset: &Keyset) -> Self {
        let (state, inactive_reason) = match keyset.state() {
            State::Active { .. } => ("active", None),
            State::NeverActivated => ("inactive", Some("never_activated")),
            State::Superseded { .. } => ("inactive", Some("superseded")),
        };
        let superseded = keyset.state().superseded();
        Self {
            id: keyset.id().to_string(),
            hint: keyset.hint().to_string(),
            fingerprint: keyset.fingerprint().to_string(),
            bits: keyset.public_key().bits().get(),
            origin: match keyset.origin() {
                Origin::Generated => "generated",
                Origin::Imported { .. } => "imported",
            },
            state,
            inactive_reason,
            superseded_by: superseded.map(|(_, by)| by.to_string()),
            created_at: keyset.created_at().to_string(),
            activated_at: keyset.state().activated_at().map(|at| at.to_string()),
            deactivated_at: superseded.map(|(at, _)| at.to_string()),
            last_exported_at: keyset.last_export().map(|export| export.at.to_string()),
            last_export_to: keyset.last_export().map(|export| export.to.clone()),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct KeysetListJson {
    pub(crate) keysets: Vec<KeysetJson>,
    pub(crate) damaged: Vec<DamagedJson>,
}

#[derive(Serialize)]
pub(crate) struct DamagedJson {
    id: String,
    what: String,
}

impl From<&DamagedKeyset> for DamagedJson {
    fn from(damaged: &DamagedKeyset) -> Self {
        let DamagedKeyset { id, what } = damaged.clone();
        Self { id, what }
    }
}

#[derive(Serialize)]
pub(crate) struct InitJson {
    installation_id: String,
    database: String,
    master_key: String,
    master_key_id: String,
    keyset: KeysetJson,
    exported: Vec<ExportedJson>,
    generated_passphrase: Option<String>,
}

impl InitJson {
    pub(crate) fn new(
        installation: &Installation,
        database: &str,
        master_key: &str,
        keyset: &Keyset,
        exported: Vec<ExportedJson>,
        generated: Option<&Passphrase>,
    ) -> Self {
        Self {
            installation_id: installation.id.to_string(),
            database: database.to_owned(),
            master_key: master_key.to_owned(),
            master_key_id: installation.key_check.master_key_id.to_string(),
            keyset: keyset.into(),
            exported,
            generated_passphrase: generated.map(passphrase_text),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ExportJson {
    exported: Vec<ExportedJson>,
    generated_passphrase: Option<String>,
}

impl ExportJson {
    pub(crate) fn new(exported: &[Exported], generated: Option<&Passphrase>) -> Self {
        Self {
            exported: exported.iter().map(ExportedJson::from).collect(),
            generated_passphrase: generated.map(passphrase_text),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ExportedJson {
    id: String,
    fingerprint: String,
    place: Option<String>,
    verified: bool,
    promises: Option<PromisesJson>,
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

/// A generated passphrase is printed once, because the person who made it needs it.
pub(crate) fn passphrase_text(passphrase: &Passphrase) -> String {
    String::from_utf8_lossy(passphrase.expose()).into_owned()
}

#[derive(Serialize)]
pub(crate) struct InspectJson {
    pub(crate) keysets: Vec<InspectedKeysetJson>,
}

#[derive(Serialize)]
pub(crate) struct InspectedKeysetJson {
    fingerprint: Option<String>,
    bits: Option<u16>,
    hint: Option<String>,
    exported_as: Option<String>,
    created_at: Option<String>,
    exported_at: Option<String>,
    protection: ProtectionJson,
    private_key_checked: bool,
    looked_up: bool,
    already_here: Option<String>,
}

impl InspectedKeysetJson {
    pub(crate) fn new(keyset: &ExaminedKeyset, looked_up: bool, already_here: Option<KeysetId>) -> Self {
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

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ProtectionJson {
    Unprotected,
    Pbkdf2 { iterations: u32 },
    Scrypt { memory_bytes: u64 },
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

#[derive(Serialize)]
pub(crate) struct ImportJson {
    pub(crate) imported: Vec<KeysetJson>,
}
