//! A backup server that reaches its manager over the network.

use keystead_domain::SecretBytes;
use serde::{Deserialize, Serialize};

use super::home::Home;
use super::{ServerError, ServerState};
use crate::exchange::ServerToken;
use crate::ports::{Clock, Randomness, RandomnessExt, ServerFolder, SigningEngine};

/// Where the manager of this machine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerAddress {
    /// The URL of its API.
    pub url: String,
    /// The fingerprint of its certificate, or certificates in PEM; the operating system decides when absent.
    pub certificate: Option<String>,
}

/// Says who this machine is, with its identity.
pub struct SignAsServer<'a> {
    /// Where the identity is.
    pub folder: &'a dyn ServerFolder,
    /// Signs.
    pub signing: &'a dyn SigningEngine,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes the token's id.
    pub randomness: &'a dyn Randomness,
}

impl ServerState<'_> {
    /// Where the manager is; `None` when nobody said so.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn manager_address(&self) -> Result<Option<ManagerAddress>, ServerError> {
        Home(self.folder).manager_address().await
    }

    /// Remembers where the manager is.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn remember_manager(&self, address: &ManagerAddress) -> Result<(), ServerError> {
        let home = Home(self.folder);
        let _lock = home.lock().await?;
        home.remember_manager(address).await
    }
}

impl SignAsServer<'_> {
    /// A token for the manager that this machine trusts, good for two minutes; `None` while it trusts none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn token(&self) -> Result<Option<SecretBytes>, ServerError> {
        let home = Home(self.folder);
        let Some(manager) = home.manager().await? else {
            return Ok(None);
        };
        // The identity that the manager knows, even while another one waits to be enrolled.
        let identity = home.identity_of(&manager.identity).await?;
        let token = ServerToken::make(
            manager.server,
            manager.installation,
            &identity.signing,
            self.randomness.bytes()?,
            self.clock.now(),
            self.signing,
        );
        token.map(Some).map_err(ServerError::Signing)
    }
}
