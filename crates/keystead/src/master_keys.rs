//! Which providers of master keys there are, and how each is set up. One function for each.

use std::sync::Arc;

use anyhow::bail;
use keystead_application::Status;
use keystead_application::ports::{MasterKeyProvider, MasterKeyProviders, Randomness};
use keystead_cli::Failure;
use keystead_key_file::{KeyFileMasterKeyProvider, PassphraseMasterKeyProvider, SystemdCredentialProvider};

use crate::configuration::MasterKeySettings;
use crate::secrets::ConfiguredPassphrase;

/// What is known about places that nobody chose.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    /// Whether the data folder is a place for keys: it is when the database is there too. With a database on a server it
    /// would be as accidental as the machine.
    pub(crate) by_default: bool,
}

/// A service faces a network, so where its master key is kept is somebody's decision and no default.
///
/// # Errors
/// When nobody decided.
pub(crate) fn check_place(settings: &MasterKeySettings) -> Result<(), Failure> {
    let (is_default, setting, place) = match settings.provider.as_str() {
        "key-file" => (!settings.file_is_chosen, "master_key.file", &settings.file),
        "passphrase" => (
            !settings.passphrase_file_is_chosen,
            "master_key.passphrase.file",
            &settings.passphrase_file,
        ),
        _ => return Ok(()),
    };
    match is_default {
        false => Ok(()),
        true => Err(Failure::new(
            Status::Refused,
            "the service was not started",
            "nothing says where its master key is kept; beside the database, a copy of the folder is a copy of the keys",
            format!(
                "put the master key on another volume or in another provider, and say where: {setting} (or \
                 KEYSTEAD__{}); it is at {} now, and that can be said too",
                setting.to_uppercase().replace('.', "__"),
                place.display()
            ),
        )),
    }
}

/// Every provider that is set up, with the one that the settings name in front.
pub(crate) fn providers(
    settings: &MasterKeySettings,
    places: Places,
    randomness: &Arc<dyn Randomness>,
) -> anyhow::Result<MasterKeyProviders> {
    let wanted = settings.provider.as_str();
    let mut all = vec![systemd_credential(settings, randomness)];
    if places.by_default || settings.file_is_chosen {
        all.push(key_file(settings, randomness));
    }
    if places.by_default || settings.passphrase_file_is_chosen {
        all.push(passphrase(settings, randomness));
    }
    all.extend(pkcs11(settings, randomness)?);
    let Some(preferred) = all.iter().position(|provider| provider.name() == wanted) else {
        if wanted == "pkcs11" {
            bail!(
                "master_key.provider is pkcs11, and master_key.pkcs11.module does not say where the token's library is"
            );
        }
        if let "key-file" | "passphrase" = wanted {
            bail!(
                "the database is on a server, and nothing says where the master key is to be kept; set {}, or another \
                 provider in the section master_key",
                if wanted == "key-file" {
                    "master_key.file"
                } else {
                    "master_key.passphrase.file"
                }
            );
        }
        bail!(
            "master_key.provider is \"{wanted}\"; key-file, passphrase, systemd-credential and pkcs11 are known"
        );
    };
    let preferred = all.swap_remove(preferred);
    Ok(MasterKeyProviders::new(preferred, all))
}

fn key_file(settings: &MasterKeySettings, randomness: &Arc<dyn Randomness>) -> Arc<dyn MasterKeyProvider> {
    Arc::new(KeyFileMasterKeyProvider::new(
        settings.file.clone(),
        Arc::clone(randomness),
    ))
}

fn passphrase(settings: &MasterKeySettings, randomness: &Arc<dyn Randomness>) -> Arc<dyn MasterKeyProvider> {
    Arc::new(PassphraseMasterKeyProvider::new(
        settings.passphrase_file.clone(),
        Arc::new(ConfiguredPassphrase {
            present: settings.passphrase.clone(),
            new: settings.new_passphrase.clone(),
        }),
        Arc::clone(randomness),
    ))
}

fn systemd_credential(
    settings: &MasterKeySettings,
    randomness: &Arc<dyn Randomness>,
) -> Arc<dyn MasterKeyProvider> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|directory| !directory.is_empty());
    Arc::new(SystemdCredentialProvider::new(
        directory.map(Into::into),
        settings.credential.clone(),
        Arc::clone(randomness),
    ))
}

#[cfg(feature = "pkcs11")]
fn pkcs11(
    settings: &MasterKeySettings,
    randomness: &Arc<dyn Randomness>,
) -> anyhow::Result<Option<Arc<dyn MasterKeyProvider>>> {
    use keystead_pkcs11::{Pkcs11MasterKeyProvider, Pkcs11Options};

    use crate::configuration::Pkcs11Settings;
    use crate::secrets::ConfiguredPin;

    let Some(Pkcs11Settings {
        module,
        token,
        key,
        pin,
    }) = &settings.pkcs11
    else {
        return Ok(None);
    };
    if token.is_empty() {
        bail!("master_key.pkcs11.module is set, and master_key.pkcs11.token does not say which token");
    }
    let options = Pkcs11Options {
        module: module.clone(),
        token_label: token.clone(),
        key_label: key.clone(),
        pin: Arc::new(ConfiguredPin(pin.clone())),
    };
    Ok(Some(Arc::new(Pkcs11MasterKeyProvider::new(
        options,
        Arc::clone(randomness),
    ))))
}

#[cfg(not(feature = "pkcs11"))]
fn pkcs11(
    settings: &MasterKeySettings,
    _: &Arc<dyn Randomness>,
) -> anyhow::Result<Option<Arc<dyn MasterKeyProvider>>> {
    match settings.pkcs11 {
        Some(_) => bail!("master_key.pkcs11 is set, and this program was built without PKCS#11"),
        None => Ok(None),
    }
}
