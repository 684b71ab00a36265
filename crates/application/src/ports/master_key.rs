use std::sync::Arc;

use async_trait::async_trait;
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};

/// The key that seals private keys at rest. It is an authenticated cipher; where the key itself lives is the
/// provider's affair.
#[async_trait]
pub trait MasterKey: Send + Sync {
    /// Its id, which tells nothing about the key.
    fn id(&self) -> &MasterKeyId;

    /// The name of its provider, such as `key-file`.
    fn provider(&self) -> &'static str;

    /// Seals a secret. Opening needs the same `context`, which is authenticated and not stored.
    ///
    /// # Errors
    /// When the key cannot be used now.
    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError>;

    /// Opens what this key sealed under the same `context`.
    ///
    /// # Errors
    /// [`MasterKeyError::OtherKey`] when another key sealed it, [`MasterKeyError::Damaged`] when the bytes or the
    /// context are not those that were sealed.
    async fn open(&self, sealed: &SealedBytes, context: &[u8]) -> Result<SecretBytes, MasterKeyError>;
}

/// Where a master key comes from.
#[async_trait]
pub trait MasterKeyProvider: Send + Sync {
    /// The master key, if there is one.
    ///
    /// # Errors
    /// When there is one and it cannot be used: unreadable, malformed, or readable by others.
    async fn load(&self) -> Result<Option<Arc<dyn MasterKey>>, MasterKeyError>;

    /// Makes a new master key. Only `init` asks for this.
    ///
    /// # Errors
    /// When there is one already, or it cannot be kept.
    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError>;

    /// Where the key is kept, for messages.
    fn place(&self) -> String;
}

/// Why a master key does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The bytes were sealed by another master key.
    #[error("sealed under master key {sealed_under}, the master key at hand is {at_hand}")]
    OtherKey {
        /// The key that sealed.
        sealed_under: MasterKeyId,
        /// The key that was asked to open.
        at_hand: MasterKeyId,
    },
    /// The provider's format version is not known here.
    #[error("sealed in format version {0} of the master key provider, which this program does not know")]
    UnknownFormat(u16),
    /// The sealed bytes were changed, or belong to something else.
    #[error("the sealed bytes were changed, or belong to another row")]
    Damaged,
    /// There is a master key already.
    #[error("there is a master key already at {0}")]
    Exists(String),
    /// The key cannot be read or written.
    #[error("the master key at {place} cannot be used: {why}")]
    Unusable {
        /// Where it is kept.
        place: String,
        /// What is wrong, and what mends it.
        why: String,
    },
}
