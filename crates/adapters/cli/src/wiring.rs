use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    Clock, ExportCodec, FileShares, MasterKeyProviders, MessageCipher, Randomness, RsaEngine, Schema,
    SealedFormat, ServerFolder, SigningEngine, SshSignatures, Store, Temporaries,
};
use keystead_domain::Actor;

use crate::Failure;

/// What the binary gives to the command line: ports that are ready, and ports that are made when a command needs them.
#[async_trait]
pub trait Wiring: Send + Sync {
    /// Ports that need no installation.
    fn tools(&self) -> &Tools;

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
}

/// Ports that need no installation.
pub struct Tools {
    /// Makes, checks and uses keys.
    pub rsa: Arc<dyn RsaEngine>,
    /// Makes and uses the manager's identity.
    pub signing: Arc<dyn SigningEngine>,
    /// Makes and verifies signatures in OpenSSH's format.
    pub ssh: Arc<dyn SshSignatures>,
    /// Encrypts messages to one reader.
    pub cipher: Arc<dyn MessageCipher>,
    /// Where this machine keeps what it needs as a backup server.
    pub server_folder: Arc<dyn ServerFolder>,
    /// Reads and writes exports.
    pub codec: Arc<dyn ExportCodec>,
    /// Reads and writes sealed files.
    pub format: Arc<dyn SealedFormat>,
    /// Reaches file shares.
    pub shares: FileShares,
    /// The temporary files on shares.
    pub temporaries: Temporaries,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub randomness: Arc<dyn Randomness>,
    /// The size of a new keyset when the command does not say, in bits.
    pub default_bits: u64,
}

/// What an installation stands on.
pub struct Foundation {
    /// Its store.
    pub store: Arc<dyn Store>,
    /// Where its master key is kept.
    pub master_keys: MasterKeyProviders,
    /// Where the store is, for people, without credentials.
    pub place: String,
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
