use keystead_domain::Installation;

use super::{InstallationError, UnlockInstallation};
use crate::ports::{MasterKeyCensus, MasterKeyProviders, Store};

/// Looks at the master key: which one it is, whether it opens, and what is sealed under it.
pub struct MasterKeyStatus<'a> {
    /// Where the installation lives.
    pub store: &'a dyn Store,
    /// Where master keys come from.
    pub master_keys: &'a MasterKeyProviders,
}

/// The state of the master key.
#[derive(Debug)]
pub struct MasterKeyState {
    /// The installation, whose key check names the key.
    pub installation: Installation,
    /// Where its provider keeps it; `None` when that provider is not set up.
    pub place: Option<String>,
    /// Why it cannot be used; `None` when it opens the key check.
    pub trouble: Option<InstallationError>,
    /// What is sealed under which key. Staged copies tell of a rotation that is under way or was interrupted.
    pub census: MasterKeyCensus,
}

impl MasterKeyStatus<'_> {
    /// Looks. A master key that cannot be used is a part of the answer.
    ///
    /// # Errors
    /// When there is no installation, or the store cannot be read.
    pub async fn run(&self) -> Result<MasterKeyState, InstallationError> {
        let mut snapshot = self.store.snapshot().await?;
        let installation = snapshot
            .installation()
            .await?
            .ok_or(InstallationError::NotInitialised)?;
        let census = snapshot.master_key_census().await?;
        drop(snapshot);
        let unlock = UnlockInstallation {
            store: self.store,
            master_keys: self.master_keys,
        };
        let trouble = match unlock.run().await {
            Ok(_) => None,
            Err(error @ (InstallationError::Store(_) | InstallationError::NotInitialised)) => {
                return Err(error);
            }
            Err(error) => Some(error),
        };
        let provider = self.master_keys.named(&installation.key_check.provider);
        Ok(MasterKeyState {
            place: provider.map(|provider| provider.place()),
            installation,
            trouble,
            census,
        })
    }
}
