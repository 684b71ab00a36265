//! The file shares of this process: those that are wired in, and those that the configuration names.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;
use keystead_application::ports::{FileShares, ShareError, ShareErrorKind, ShareProvider, ShareSecrets};
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
    let shares = configured.iter().map(|settings| settings.share.clone()).collect();
    FileShares::new(providers)
        .with_configured(shares, Arc::new(ConfiguredPasswords(passwords)))
        .map_err(|error| anyhow!("{error}"))
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
                Err(failure) => Err(ShareError::new(
                    ShareErrorKind::NotSignedIn,
                    "read the password",
                    path.display().to_string(),
                    format!("{}: {}", failure.what, failure.why),
                )),
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
