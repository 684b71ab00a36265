use std::sync::Arc;

use keystead_domain::{Installation, MasterKeyId};

use super::InstallationError;
use crate::ports::{MasterKey, MasterKeyError, MasterKeyProvider, Store};

/// Opens an installation: proves that the master key at hand is the one that its private keys are sealed under, before
/// anything is written.
pub struct UnlockInstallation<'a> {
    /// Where the installation lives.
    pub store: &'a dyn Store,
    /// Where the master key comes from.
    pub master_keys: &'a dyn MasterKeyProvider,
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
        let expected: &MasterKeyId = &installation.key_check.master_key_id;
        let place = self.master_keys.place();
        let Some(master_key) = self.master_keys.load().await? else {
            return Err(InstallationError::MasterKeyMissing {
                expected: expected.clone(),
                place,
            });
        };
        if master_key.id() != expected {
            let found = master_key.id().clone();
            return Err(InstallationError::OtherMasterKey {
                expected: expected.clone(),
                found,
                place,
            });
        }
        let context = Installation::key_check_context(installation.id);
        match master_key.open(&installation.key_check, &context).await {
            Ok(text) if text.expose() == Installation::KEY_CHECK_TEXT => Ok(Unlocked {
                installation,
                master_key,
            }),
            Ok(_) | Err(MasterKeyError::Damaged) => Err(InstallationError::KeyCheckFailed(expected.clone())),
            Err(error) => Err(error.into()),
        }
    }
}
