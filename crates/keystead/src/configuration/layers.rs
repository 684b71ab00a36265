use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use config::{Config, Environment, File, FileFormat, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

const DEFAULTS: &str = include_str!("../../../../config/default.toml");
const SYSTEM_FILE: &str = "/etc/keystead/keystead.toml";
const PREFIX: &str = "KEYSTEAD";
const SEPARATOR: &str = "__";

/// Settings whose values are never shown.
const SECRETS: [&str; 3] = [
    "database.password",
    "master_key.passphrase.passphrase",
    "master_key.pkcs11.pin",
];

/// Where a value comes from, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    BuiltIn,
    SystemFile,
    File(PathBuf),
    DataDirVariable,
    Environment,
}

/// One source of settings.
pub(crate) struct Layer {
    origin: Origin,
    source: Box<dyn Source + Send + Sync>,
    /// Its settings by dotted name.
    values: BTreeMap<String, Value>,
}

/// A setting, its value in text, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingValue {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in default"),
            Self::SystemFile => f.write_str(SYSTEM_FILE),
            Self::File(path) => write!(f, "--config {}", path.display()),
            Self::DataDirVariable => f.write_str("environment, KEYSTEAD_DATA_DIR"),
            Self::Environment => f.write_str("environment"),
        }
    }
}

impl Layer {
    /// Every layer, lowest first.
    pub(crate) fn all(file: Option<&Path>) -> anyhow::Result<Vec<Self>> {
        let mut layers = vec![
            Self::read(Origin::BuiltIn, File::from_str(DEFAULTS, FileFormat::Toml))?,
            Self::read(Origin::SystemFile, toml(Path::new(SYSTEM_FILE)).required(false))?,
        ];
        if let Some(path) = file {
            layers.push(Self::read(Origin::File(path.to_owned()), toml(path))?);
        }
        if let Some(dir) = std::env::var_os("KEYSTEAD_DATA_DIR").filter(|dir| !dir.is_empty()) {
            let Some(dir) = dir.to_str() else {
                bail!("KEYSTEAD_DATA_DIR is not UTF-8")
            };
            let source = Config::builder().set_override("data_dir", dir)?.build()?;
            layers.push(Self::read(Origin::DataDirVariable, source)?);
        }
        // The library would quote the value.
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with(PREFIX) && value.to_str().is_none() {
                bail!("the environment variable {name} is not UTF-8");
            }
        }
        let environment = Environment::with_prefix(PREFIX)
            .prefix_separator(SEPARATOR)
            .separator(SEPARATOR);
        layers.push(Self::read(Origin::Environment, environment)?);
        Ok(layers)
    }

    fn read(origin: Origin, source: impl Source + Send + Sync + 'static) -> anyhow::Result<Self> {
        // Through the builder, so that dotted names from the environment become what files say in sections.
        let collected = Config::builder()
            .add_source(vec![source.clone_into_box()])
            .build()
            .and_then(|config| config.collect())
            // The first line says where; the lines behind it quote the file, and there may be a secret there.
            .map_err(|error| anyhow!("{}", error.to_string().lines().next().unwrap_or_default()))
            .with_context(|| format!("the settings of {origin} cannot be read"))?;
        let mut values = BTreeMap::new();
        flatten("", collected.into_iter(), &mut values);
        Ok(Self {
            origin,
            source: Box::new(source),
            values,
        })
    }
}

/// Every setting with the highest layer that names it, in alphabetical order.
///
/// # Errors
/// When a layer names a setting that the defaults do not.
pub(crate) fn settle(layers: &[Layer]) -> anyhow::Result<Vec<SettingValue>> {
    let Some(defaults) = layers.first() else {
        bail!("there are no built-in defaults")
    };
    for layer in layers {
        // The settings of a share are known to its kind, which looks at them later.
        let is_known = |key: &String| defaults.values.contains_key(key) || share_setting(key).is_some();
        // A number in a file loses what its writer wrote: 1.50 becomes 1.5.
        let is_text = |value: &Value| matches!(value.kind, ValueKind::String(_) | ValueKind::Nil);
        let mut passwords = layer
            .values
            .iter()
            .filter(|(key, _)| share_setting(key) == Some("password"));
        if let Some((key, _)) = passwords.find(|(_, value)| !is_text(value)) {
            bail!(
                "{}: \"{key}\" is no text; write it in quotation marks",
                layer.origin
            );
        }
        if let Some(unknown) = layer.values.keys().find(|key| !is_known(key)) {
            bail!("{}: there is no setting \"{unknown}\"", layer.origin);
        }
    }
    let setting = |key: &String| {
        let top = layers
            .iter()
            .rev()
            .find_map(|layer| layer.values.get(key).map(|value| (layer, value)));
        top.map(|(layer, value)| SettingValue {
            key: key.clone(),
            value: shown(key, &value.to_string()),
            origin: layer.origin.clone(),
        })
    };
    let keys: BTreeSet<&String> = layers.iter().flat_map(|layer| layer.values.keys()).collect();
    Ok(keys.into_iter().filter_map(setting).collect())
}

/// The last name of a setting `shares.NAME.SETTING`.
fn share_setting(key: &str) -> Option<&str> {
    let (name, setting) = key.strip_prefix("shares.")?.split_once('.')?;
    (!name.is_empty() && !setting.is_empty() && !setting.contains('.')).then_some(setting)
}

/// The settings that hold.
pub(crate) fn merge<T: DeserializeOwned>(layers: &[Layer]) -> anyhow::Result<T> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(vec![layer.source.clone_into_box()]);
    }
    builder
        .build()?
        .try_deserialize()
        .context("a setting has the wrong type")
}

fn toml(path: &Path) -> File<config::FileSourceFile, FileFormat> {
    File::new(&path.to_string_lossy(), FileFormat::Toml)
}

fn flatten(prefix: &str, table: impl Iterator<Item = (String, Value)>, into: &mut BTreeMap<String, Value>) {
    for (key, value) in table {
        let key = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}.{key}")
        };
        match value.kind {
            ValueKind::Table(inner) => flatten(&key, inner.into_iter(), into),
            _ => {
                into.insert(key, value);
            }
        }
    }
}

/// A value as it may be shown.
fn shown(key: &str, value: &str) -> String {
    match key {
        "database.url" => without_password(value),
        key if share_setting(key) == Some("url") => without_password(value),
        key if share_setting(key) == Some("password") && !value.is_empty() => "(secret)".to_owned(),
        key if SECRETS.contains(&key) && !value.is_empty() => "(secret)".to_owned(),
        _ => value.to_owned(),
    }
}

/// A URL as it may be shown: neither a password in it, nor what may be one because the URL is written wrong.
fn without_password(value: &str) -> String {
    /// Parameters that hold no secret.
    const HARMLESS: [&str; 6] = [
        "sslmode",
        "ssl-mode",
        "sslrootcert",
        "ssl-ca",
        "application_name",
        "options",
    ];
    let (credentials, rest) = match value.rsplit_once('@') {
        None => (String::new(), value),
        Some((credentials, rest)) => match credentials.split_once("://") {
            Some((scheme, credentials)) => {
                let user = credentials.split(':').next().unwrap_or_default();
                (format!("{scheme}://{user}:***@"), rest)
            }
            None => ("***@".to_owned(), rest),
        },
    };
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let parameters = query.map(|query| {
        let shown = query.split('&').map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=***"),
            _ => parameter.to_owned(),
        });
        format!("?{}", shown.collect::<Vec<_>>().join("&"))
    });
    format!("{credentials}{rest}{}", parameters.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        assert_eq!(
            without_password("postgres://ks:s3cret@db/x?sslmode=require"),
            "postgres://ks:***@db/x?sslmode=require"
        );
        assert_eq!(
            without_password("postgres://ks@db/x?password=s3cret&sslmode=require"),
            "postgres://ks:***@db/x?password=***&sslmode=require"
        );
        assert_eq!(
            without_password("postgres://ks:s3@cret@db"),
            "postgres://ks:***@db"
        );
        assert_eq!(without_password("sqlite:/var/lib/x.db"), "sqlite:/var/lib/x.db");
        for wrong in [
            "postgres://ks:s3/cret@db/x",
            "postgres://ks:s3?cret@db/x",
            "postgres://ks:s3?a=cret@db/x",
            "postgres:ks:s3cret@db/x",
            "ks:s3cret@db",
        ] {
            assert!(!without_password(wrong).contains("cret"), "{wrong}");
        }
    }

    fn layer(origin: Origin, text: &str) -> Layer {
        Layer::read(origin, File::from_str(text, FileFormat::Toml)).unwrap()
    }

    #[test]
    fn the_highest_layer_that_names_a_setting_wins() {
        let layers = [
            layer(Origin::BuiltIn, DEFAULTS),
            layer(
                Origin::SystemFile,
                "[keyset]\nbits = 2048\n[export]\npbkdf2_iterations = 700000",
            ),
            layer(Origin::File("x.toml".into()), "[keyset]\nbits = 3072"),
        ];
        let settings = settle(&layers).unwrap();
        let of = |key: &str| settings.iter().find(|s| s.key == key).unwrap().clone();
        assert_eq!(
            (of("keyset.bits").value.as_str(), of("keyset.bits").origin),
            ("3072", layers[2].origin.clone())
        );
        assert_eq!(of("export.pbkdf2_iterations").origin, Origin::SystemFile);
        assert_eq!(of("data_dir").origin, Origin::BuiltIn);
    }

    #[test]
    fn the_settings_of_shares_are_shown_and_their_secrets_are_not() {
        let share = "[shares.nas]\nurl = \"smb://u:cret@nas/x\"\npassword = \"cret\"\ndomain = \"OFFICE\"";
        let layers = [layer(Origin::BuiltIn, DEFAULTS), layer(Origin::SystemFile, share)];
        let shown: Vec<String> = settle(&layers)
            .unwrap()
            .iter()
            .filter(|s| s.key.starts_with("shares."))
            .map(|s| format!("{}={}", s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                "shares.nas.domain=OFFICE",
                "shares.nas.password=(secret)",
                "shares.nas.url=smb://u:***@nas/x"
            ]
        );
        let layers = [
            layer(Origin::BuiltIn, DEFAULTS),
            layer(Origin::SystemFile, "shares.nas = 1"),
        ];
        assert!(settle(&layers).is_err());
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        let layers = [
            layer(Origin::BuiltIn, DEFAULTS),
            layer(Origin::SystemFile, "[keyset]\nbitz = 1"),
        ];
        let error = settle(&layers).unwrap_err().to_string();
        assert!(
            error.contains("keyset.bitz") && error.contains(SYSTEM_FILE),
            "{error}"
        );
    }
}
