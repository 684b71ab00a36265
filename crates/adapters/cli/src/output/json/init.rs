use keystead_domain::{Installation, Keyset, Passphrase};
use keystead_wire::{ExportedJson, KeysetJson, SecretText};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct InitJson {
    installation_id: String,
    database: String,
    master_key: String,
    master_key_id: String,
    keyset: KeysetJson,
    exported: Vec<ExportedJson>,
    generated_passphrase: Option<SecretText>,
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
            generated_passphrase: generated.map(SecretText::from),
        }
    }
}
