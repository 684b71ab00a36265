//! The file shares of this process: those that are wired in, and those that the configuration names.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use keystead_application::ports::{
    ConfiguredShare, FileShares, ShareError, ShareErrorKind, ShareProvider, ShareSecrets,
};
use keystead_domain::SecretBytes;
use zeroize::Zeroizing;

use crate::configuration::{SecretSetting, ShareSettings};

/// Passwords for URLs that no configured share has.
const URL_PASSWORD: &str = "KEYSTEAD_SHARE_PASSWORD";
const URL_PASSWORD_FILE: &str = "KEYSTEAD_SHARE_PASSWORD_FILE";

pub(crate) fn wired(
    providers: Vec<Arc<dyn ShareProvider>>,
    configured: &[ShareSettings],
) -> anyhow::Result<FileShares> {
    let passwords = configured
        .iter()
        .map(|settings| (settings.share.name.clone(), settings.password.clone()))
        .collect();
    let with_paths = |settings: &ShareSettings| with_absolute_paths(settings.share.clone(), &providers);
    let shares = configured.iter().map(with_paths).collect::<anyhow::Result<_>>()?;
    FileShares::new(providers)
        .with_configured(shares, Arc::new(ConfiguredPasswords(passwords)))
        .map_err(|error| anyhow!("{error}"))
}

/// Files are named from where the program was started, as everywhere in the configuration; `~/` is the home folder.
fn with_absolute_paths(
    mut share: ConfiguredShare,
    providers: &[Arc<dyn ShareProvider>],
) -> anyhow::Result<ConfiguredShare> {
    let scheme = share.address.scheme.as_str();
    let known = providers
        .iter()
        .filter(|provider| provider.schemes().contains(&scheme));
    for setting in known
        .flat_map(|provider| provider.settings())
        .filter(|setting| setting.is_path)
    {
        if let Some(path) = share.settings.get_mut(setting.name)
            && !path.is_empty()
            && !path.starts_with("~/")
        {
            let absolute = std::path::absolute(&*path);
            let absolute = absolute.with_context(|| format!("shares.{}.{}", share.name, setting.name))?;
            *path = absolute.to_string_lossy().into_owned();
        }
    }
    Ok(share)
}

/// The settings of shares that are shown: those that every share has, and those of the kinds that are wired in. Anything
/// else may be a password under a wrong name.
pub(crate) fn may_be_shown(key: &str, providers: &[Arc<dyn ShareProvider>]) -> bool {
    const EVERY_SHARE: [&str; 8] = [
        "url",
        "folder",
        "username",
        "password",
        "password_file",
        "read_only",
        "timeout_seconds",
        "retry_seconds",
    ];
    let Some((_, setting)) = key.strip_prefix("shares.").and_then(|rest| rest.split_once('.')) else {
        return true;
    };
    let mut known = providers.iter().flat_map(|provider| provider.settings());
    EVERY_SHARE.contains(&setting) || known.any(|known| known.name == setting)
}

/// From the configuration, and from the environment for URLs.
struct ConfiguredPasswords(BTreeMap<String, SecretSetting>);

#[async_trait]
impl ShareSecrets for ConfiguredPasswords {
    async fn password(&self, share: Option<&str>) -> Result<Option<Arc<SecretBytes>>, ShareError> {
        let from_environment;
        let setting = match share {
            Some(name) => self.0.get(name),
            None => {
                from_environment = url_password();
                from_environment.as_ref()
            }
        };
        match setting {
            None | Some(SecretSetting::Asked) => Ok(None),
            Some(SecretSetting::Given(text)) => {
                let bytes = Zeroizing::new(text.as_bytes().to_vec());
                Ok(Some(Arc::new(SecretBytes::from_zeroizing(bytes))))
            }
            Some(SecretSetting::File(path)) => match keystead_cli::read_secret_file(path) {
                Ok(secret) => {
                    let bytes = Zeroizing::new(secret.expose().to_vec());
                    Ok(Some(Arc::new(SecretBytes::from_zeroizing(bytes))))
                }
                Err(failure) => {
                    let name = share.map_or_else(
                        || URL_PASSWORD_FILE.to_owned(),
                        |name| format!("shares.{name}.password_file"),
                    );
                    let unread = ShareError::new(
                        ShareErrorKind::BadLocation,
                        "read the password",
                        name.clone(),
                        failure.why,
                    );
                    Err(unread.advising(format!("mend {name}, or the file that it names")))
                }
            },
        }
    }
}

fn url_password() -> Option<SecretSetting> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set(URL_PASSWORD_FILE) {
        return Some(SecretSetting::File(PathBuf::from(path)));
    }
    let text = set(URL_PASSWORD)?.into_string().ok()?;
    Some(SecretSetting::Given(Zeroizing::new(text)))
}
