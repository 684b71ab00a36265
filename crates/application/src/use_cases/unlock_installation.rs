use std::sync::Arc;

use keystead_domain::Installation;

use super::InstallationError;
use crate::ports::{MasterKey, MasterKeyError, MasterKeyProvider, MasterKeyProviders, Store};

/// Opens an installation: proves that the master key at hand is the one that its private keys are sealed under, before
/// anything is written.
pub struct UnlockInstallation<'a> {
    /// Where the installation lives.
    pub store: &'a dyn Store,
    /// Where the master key comes from.
    pub master_keys: &'a MasterKeyProviders,
}

/// An installation whose master key was proven.
pub struct Unlocked {
    /// What it is.
    pub installation: Installation,
    /// Its master key.
    pub master_key: Arc<dyn MasterKey>,
}

impl UnlockInstallation<'_> {
    /// Opens it.
    ///
    /// # Errors
    /// When there is none, or the master key is missing or another one.
    pub async fn run(&self) -> Result<Unlocked, InstallationError> {
        let installation = self
            .store
            .snapshot()
            .await?
            .installation()
            .await?
            .ok_or(InstallationError::NotInitialised)?;
        let master_key = self.find(&installation).await?;
        prove(&installation, master_key.as_ref()).await?;
        Ok(Unlocked {
            installation,
            master_key,
        })
    }

    /// The installation's master key, wherever it is kept now.
    async fn find(&self, installation: &Installation) -> Result<Arc<dyn MasterKey>, InstallationError> {
        let expected = installation.master_key_id();
        let preferred = self.master_keys.preferred();
        let named = self.master_keys.named(&installation.key_check.provider);
        // A key that was moved, such as from a file into a credential, is at another provider than the one that sealed.
        let places: Vec<&dyn MasterKeyProvider> = match named {
            Some(named) if named.name() == preferred.name() => vec![named],
            Some(named) => vec![named, preferred],
            None => vec![preferred],
        };
        let mut other = None;
        for provider in places {
            let sealed_here = named.is_some_and(|named| named.name() == provider.name());
            match provider.keys().await {
                Ok(keys) => {
                    for key in keys {
                        if key.id() == expected {
                            return Ok(key);
                        }
                        if sealed_here {
                            other.get_or_insert(key);
                        }
                    }
                }
                Err(error) if sealed_here => return Err(error.into()),
                // What is wrong with another provider is not why this installation stays closed.
                Err(_) => {}
            }
        }
        let Some(named) = named else {
            return Err(InstallationError::NoProvider {
                expected: expected.clone(),
                provider: installation.key_check.provider.clone(),
            });
        };
        Err(match other {
            Some(key) => InstallationError::OtherMasterKey {
                expected: expected.clone(),
                found: key.id().clone(),
                place: named.place(),
            },
            None => InstallationError::MasterKeyMissing {
                expected: expected.clone(),
                place: named.place(),
            },
        })
    }
}

/// That a master key with the right id opens what the installation sealed for this.
pub(super) async fn prove(
    installation: &Installation,
    master_key: &dyn MasterKey,
) -> Result<(), InstallationError> {
    let failed = || InstallationError::KeyCheckFailed(installation.master_key_id().clone());
    let context = Installation::key_check_context(installation.id);
    match master_key.open(&installation.key_check, &context).await {
        Ok(text) if text.expose() == Installation::KEY_CHECK_TEXT => Ok(()),
        Ok(_) | Err(MasterKeyError::Damaged) => Err(failed()),
        Err(error) => Err(error.into()),
    }
}
