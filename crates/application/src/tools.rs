use std::sync::Arc;

use crate::ports::{
    Clock, ExportCodec, FileShares, MasterKeyProviders, MessageCipher, PasswordHasher, Randomness, RsaEngine,
    SealedFormat, ServerFolder, SigningEngine, SshSignatures, Store, Temporaries,
};

/// Ports that need no installation. The binary makes them once, and every surface works with them.
pub struct Tools {
    /// Makes, checks and uses keys.
    pub rsa: Arc<dyn RsaEngine>,
    /// Makes and uses the manager's identity.
    pub signing: Arc<dyn SigningEngine>,
    /// Makes and verifies signatures in OpenSSH's format.
    pub ssh: Arc<dyn SshSignatures>,
    /// Encrypts messages to one reader.
    pub cipher: Arc<dyn MessageCipher>,
    /// Hashes the passwords of people.
    pub passwords: Arc<dyn PasswordHasher>,
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
    /// The size of a new keyset when nobody says, in bits.
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
