//! Configuration in layers, each of which can be told apart.

mod layers;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use layers::Layer;
pub(crate) use layers::SettingValue;

/// Nobody waits longer than an hour for a command.
const MAX_BUSY_TIMEOUT_SECONDS: u64 = 3600;

/// The settings that hold, and where each comes from.
pub(crate) struct Configuration {
    pub(crate) data_dir: PathBuf,
    /// `None`: the embedded database in the data folder.
    pub(crate) database_url: Option<String>,
    pub(crate) busy_timeout_seconds: u64,
    pub(crate) master_key_file: PathBuf,
    pub(crate) bits: u64,
    pub(crate) pbkdf2_iterations: u32,
    /// Every setting, in the order of the documented defaults.
    pub(crate) settings: Vec<SettingValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    data_dir: String,
    database: DatabaseWire,
    master_key: MasterKeyWire,
    keyset: KeysetWire,
    export: ExportWire,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatabaseWire {
    url: String,
    url_file: String,
    busy_timeout_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MasterKeyWire {
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysetWire {
    bits: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportWire {
    pbkdf2_iterations: u32,
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
        } = wire;
        if !(1..=MAX_BUSY_TIMEOUT_SECONDS).contains(&database.busy_timeout_seconds) {
            bail!(
                "database.busy_timeout_seconds is {}; 1 to {MAX_BUSY_TIMEOUT_SECONDS} is accepted",
                database.busy_timeout_seconds
            );
        }
        let DatabaseWire {
            url,
            url_file,
            busy_timeout_seconds,
        } = database;

        let data_dir = if data_dir.is_empty() {
            default_data_dir()?
        } else {
            absolute(data_dir.into())?
        };
        let database_url = match (url.is_empty(), url_file.is_empty()) {
            (true, true) => None,
            (false, true) => Some(url),
            (true, false) => {
                let text = std::fs::read_to_string(&url_file)
                    .with_context(|| format!("database.url_file: {url_file} cannot be read"))?;
                Some(text.trim_end().to_owned())
            }
            (false, false) => bail!("database.url and database.url_file are both set; set one of them"),
        };
        let master_key_file = match master_key.file.is_empty() {
            true => data_dir.join("master.key"),
            false => absolute(master_key.file.into())?,
        };
        Ok(Self {
            data_dir,
            database_url,
            busy_timeout_seconds,
            master_key_file,
            bits: keyset.bits,
            pbkdf2_iterations: export.pbkdf2_iterations,
            settings,
        })
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
