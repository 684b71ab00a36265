use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::Schema;
use keystead_application::{Foundation, Tools};
use keystead_domain::Actor;

use crate::Failure;
use crate::remote::{ServerAddress, Transport};

/// What the binary gives to the command line: ports that are ready, and ports that are made when a command needs them.
#[async_trait]
pub trait Wiring: Send + Sync {
    /// Ports that need no installation.
    fn tools(&self) -> &Arc<Tools>;

    /// Who is at the command line.
    fn actor(&self) -> Actor;

    /// Makes the place for a new installation, with an empty store.
    ///
    /// # Errors
    /// When the place cannot be made.
    // The one command that does this is `init`: it also brings the schema of a server's database up to date.
    async fn prepare(&self) -> Result<Foundation, Failure>;

    /// Reaches the store of an installation that exists. Does not make one.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    async fn open(&self) -> Result<Foundation, Failure>;

    /// Makes the text of a new master key, for providers whose keys are put there from outside.
    ///
    /// # Errors
    /// When there is no randomness.
    fn new_key_text(&self) -> Result<zeroize::Zeroizing<String>, Failure>;

    /// Whether the store is a file of this program's own, rather than a server elsewhere.
    fn store_is_embedded(&self) -> bool;

    /// Looks after the schema.
    fn schema(&self) -> Arc<dyn Schema>;

    /// Every setting, in the order of the documented defaults.
    fn settings(&self) -> Vec<Setting>;

    /// The way to the API of a manager.
    ///
    /// # Errors
    /// When the address or the certificate is none. Nothing is sent yet.
    fn transport(&self, to: &ServerAddress) -> Result<Arc<dyn Transport>, Failure>;

    /// Serves the API until the process is told to stop.
    ///
    /// # Errors
    /// When it cannot begin.
    async fn serve(&self, options: &ServeOptions) -> Result<(), Failure>;
}

/// How the API is to be served, beside what the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServeOptions {
    /// Address and port to listen at, instead of the configured one.
    pub listen: Option<String>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, such as `database.url`.
    pub key: String,
    /// Its value, for people; secrets are not shown.
    pub value: String,
    /// Where the value comes from.
    pub origin: String,
}
