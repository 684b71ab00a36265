//! The settings as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    pub(super) data_dir: String,
    pub(super) database: DatabaseWire,
    pub(super) master_key: MasterKeyWire,
    pub(super) keyset: KeysetWire,
    pub(super) export: ExportWire,
    pub(super) serve: ServeWire,
    /// By name; their values in text, because each kind of share has settings of its own.
    #[serde(default)]
    pub(super) shares: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseWire {
    pub(super) url: String,
    pub(super) url_file: String,
    pub(super) password: String,
    pub(super) password_file: String,
    pub(super) busy_timeout_seconds: u64,
    pub(super) retry_seconds: u64,
    pub(super) max_connections: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MasterKeyWire {
    pub(super) provider: String,
    pub(super) file: String,
    pub(super) passphrase: PassphraseWire,
    pub(super) systemd: SystemdWire,
    pub(super) pkcs11: Pkcs11Wire,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassphraseWire {
    pub(super) file: String,
    pub(super) passphrase: String,
    pub(super) passphrase_file: String,
    pub(super) new_passphrase_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemdWire {
    pub(super) credential: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pkcs11Wire {
    pub(super) module: String,
    pub(super) token: String,
    pub(super) key: String,
    pub(super) pin: String,
    pub(super) pin_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeysetWire {
    pub(super) bits: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServeWire {
    pub(super) listen: String,
    pub(super) tls: String,
    pub(super) insecure: String,
    pub(super) certificate_file: String,
    pub(super) private_key_file: String,
    pub(super) names: String,
    pub(super) behind_https: String,
    pub(super) trusted_proxies: String,
    pub(super) max_connections: u32,
    pub(super) max_connections_per_address: u32,
    pub(super) deadline_seconds: u64,
    pub(super) long_deadline_seconds: u64,
    pub(super) stop_seconds: u64,
    pub(super) log: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportWire {
    pub(super) pbkdf2_iterations: u32,
}
