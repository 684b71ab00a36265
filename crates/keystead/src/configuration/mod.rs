//! Configuration in layers, each of which can be told apart.

mod layers;
mod serve;
mod shares;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use layers::Layer;
pub(crate) use layers::SettingValue;
pub(crate) use serve::{LogForm, ServeSettings, TlsSettings, address};
pub(crate) use shares::ShareSettings;
use wire::{DatabaseWire, MasterKeyWire, Wire};

/// Nobody waits longer than an hour for a command.
const MAX_SECONDS: u64 = 3600;
/// More than one process has use for.
const MAX_CONNECTIONS: u32 = 1000;

/// The settings that hold, and where each comes from.
pub(crate) struct Configuration {
    pub(crate) data_dir: PathBuf,
    pub(crate) database: DatabaseSettings,
    pub(crate) master_key: MasterKeySettings,
    pub(crate) bits: u64,
    pub(crate) pbkdf2_iterations: u32,
    /// How the API is served.
    pub(crate) serve: ServeSettings,
    /// The named shares, in the order of their names.
    pub(crate) shares: Vec<ShareSettings>,
    /// Every setting, in the order of the documented defaults.
    pub(crate) settings: Vec<SettingValue>,
}

/// How the database is reached.
pub(crate) struct DatabaseSettings {
    /// Not set: the embedded database in the data folder.
    pub(crate) url: SecretSetting,
    pub(crate) password: SecretSetting,
    pub(crate) busy_timeout: Duration,
    pub(crate) retry: Duration,
    pub(crate) max_connections: u32,
}

/// Where master keys are kept.
pub(crate) struct MasterKeySettings {
    pub(crate) provider: String,
    pub(crate) file: PathBuf,
    /// Whether somebody chose that place, rather than leaving it to the default.
    pub(crate) file_is_chosen: bool,
    pub(crate) passphrase_file: PathBuf,
    pub(crate) passphrase_file_is_chosen: bool,
    pub(crate) passphrase: SecretSetting,
    /// For a key that is being made; `None`: the same.
    pub(crate) new_passphrase: Option<SecretSetting>,
    pub(crate) credential: String,
    /// `None`: there is no token.
    pub(crate) pkcs11: Option<Pkcs11Settings>,
}

/// Where the token is.
#[cfg_attr(
    not(feature = "pkcs11"),
    allow(dead_code, reason = "read, so that the refusal can say that it is set")
)]
pub(crate) struct Pkcs11Settings {
    pub(crate) module: PathBuf,
    pub(crate) token: String,
    pub(crate) key: String,
    pub(crate) pin: SecretSetting,
}

/// Where a secret comes from.
#[derive(Clone)]
pub(crate) enum SecretSetting {
    /// From the settings themselves.
    Given(Zeroizing<String>),
    /// From a file, which is read when the secret is needed.
    File(PathBuf),
    /// Not from the settings: from the person at the terminal, if there is one who knows.
    Asked,
}

impl Configuration {
    /// Reads all layers.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let layers = Layer::all(file)?;
        let settings = layers::settle(&layers)?;
        let wire: Wire = layers::merge(&layers)?;
        let Wire {
            data_dir,
            database,
            master_key,
            keyset,
            export,
            serve,
            shares,
        } = wire;
        let data_dir = if data_dir.is_empty() {
            default_data_dir()?
        } else {
            absolute(data_dir.into())?
        };
        Ok(Self {
            database: database.settle()?,
            master_key: master_key.settle(&data_dir)?,
            serve: serve.settle(&data_dir)?,
            data_dir,
            bits: keyset.bits,
            pbkdf2_iterations: export.pbkdf2_iterations,
            shares: shares::settle(shares)?,
            settings,
        })
    }
}

impl DatabaseWire {
    fn settle(self) -> anyhow::Result<DatabaseSettings> {
        let Self {
            url,
            url_file,
            password,
            password_file,
            busy_timeout_seconds,
            retry_seconds,
            max_connections,
        } = self;
        let in_range = |name: &str, least: u64, value: u64, most: u64| match (least..=most).contains(&value) {
            true => Ok(value),
            false => bail!("database.{name} is {value}; {least} to {most} is accepted"),
        };
        let busy = in_range("busy_timeout_seconds", 1, busy_timeout_seconds, MAX_SECONDS)?;
        let retry = in_range("retry_seconds", 0, retry_seconds, MAX_SECONDS)?;
        in_range(
            "max_connections",
            1,
            max_connections.into(),
            MAX_CONNECTIONS.into(),
        )?;
        Ok(DatabaseSettings {
            url: secret("database.url", url, url_file)?,
            password: secret("database.password", password, password_file)?,
            busy_timeout: Duration::from_secs(busy),
            retry: Duration::from_secs(retry),
            max_connections,
        })
    }
}

impl MasterKeyWire {
    fn settle(self, data_dir: &Path) -> anyhow::Result<MasterKeySettings> {
        let Self {
            provider,
            file,
            passphrase,
            systemd,
            pkcs11,
        } = self;
        let (file_is_chosen, passphrase_file_is_chosen) = (!file.is_empty(), !passphrase.file.is_empty());
        let in_data_dir = |path: String, name: &str| match path.is_empty() {
            true => Ok(data_dir.join(name)),
            false => absolute(path.into()),
        };
        if systemd.credential.is_empty() || systemd.credential.contains('/') {
            bail!("master_key.systemd.credential is no name of a credential");
        }
        let pkcs11 = match pkcs11.module.is_empty() {
            true => None,
            false => Some(Pkcs11Settings {
                module: absolute(pkcs11.module.into())?,
                token: pkcs11.token,
                key: pkcs11.key,
                pin: secret("master_key.pkcs11.pin", pkcs11.pin, pkcs11.pin_file)?,
            }),
        };
        Ok(MasterKeySettings {
            provider,
            file: in_data_dir(file, "master.key")?,
            file_is_chosen,
            passphrase_file_is_chosen,
            passphrase_file: in_data_dir(passphrase.file, "master.passphrase")?,
            passphrase: secret(
                "master_key.passphrase.passphrase",
                passphrase.passphrase,
                passphrase.passphrase_file,
            )?,
            new_passphrase: match passphrase.new_passphrase_file.is_empty() {
                true => None,
                false => Some(SecretSetting::File(absolute(
                    passphrase.new_passphrase_file.into(),
                )?)),
            },
            credential: systemd.credential,
            pkcs11,
        })
    }
}

impl SecretSetting {
    /// The text, for what nobody is asked for. A file's last line end does not belong to it.
    pub(crate) fn text(&self, name: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
        match self {
            Self::Given(text) => Ok(Some(text.clone())),
            Self::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map(Zeroizing::new)
                    .with_context(|| format!("{name}_file: {} cannot be read", path.display()))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                Ok(Some(Zeroizing::new(text.to_owned())))
            }
            Self::Asked => Ok(None),
        }
    }
}

fn secret(name: &str, text: String, file: String) -> anyhow::Result<SecretSetting> {
    match (text.is_empty(), file.is_empty()) {
        (true, true) => Ok(SecretSetting::Asked),
        (false, true) => Ok(SecretSetting::Given(Zeroizing::new(text))),
        (true, false) => Ok(SecretSetting::File(absolute(file.into())?)),
        (false, false) => bail!("{name} and {name}_file are both set; set one of them"),
    }
}

/// `$XDG_DATA_HOME/keystead`, else `~/.local/share/keystead` (XDG Base Directory Specification). `KEYSTEAD_DATA_DIR` is
/// one of the layers.
fn default_data_dir() -> anyhow::Result<PathBuf> {
    let from = |variable: &str| {
        std::env::var_os(variable)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    // The specification says that a relative path there is to be ignored.
    if let Some(data_home) = from("XDG_DATA_HOME").filter(|path| path.is_absolute()) {
        return Ok(data_home.join("keystead"));
    }
    match from("HOME") {
        Some(home) => Ok(home.join(".local/share/keystead")),
        None => bail!("there is no home folder (HOME is not set); set KEYSTEAD_DATA_DIR"),
    }
}

fn absolute(path: PathBuf) -> anyhow::Result<PathBuf> {
    std::path::absolute(&path).with_context(|| format!("{} is no usable path", path.display()))
}
