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

/// A place where master keys are kept: normally one, and two while one takes the place of the other.
#[async_trait]
pub trait MasterKeyProvider: Send + Sync {
    /// The name under which sealed rows remember the provider, such as `key-file`.
    fn name(&self) -> &'static str;

    /// Where the keys are kept, for messages.
    fn place(&self) -> String;

    /// The master keys at the place, the current one first. None when there is none.
    ///
    /// # Errors
    /// When there is one and it cannot be used: unreadable, malformed, locked, or readable by others.
    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError>;

    /// Makes the first master key of the place. Only `init` asks for this.
    ///
    /// # Errors
    /// [`MasterKeyError::Exists`] when there is one already; otherwise when it cannot be kept.
    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError>;

    /// A master key that is to take the place of the current one, here or at another provider, kept safely beside whatever
    /// is here. Where an earlier call left one that was never promoted, it may be that one.
    ///
    /// # Errors
    /// When it cannot be made or kept.
    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError>;

    /// Makes a key of [`MasterKeyProvider::keys`] the current one, after everything was sealed under it. Doing it again
    /// changes nothing. The key that it replaces is kept, because old backups of the database need it.
    ///
    /// # Errors
    /// When there is no such key, or it cannot be done.
    async fn promote(&self, id: &MasterKeyId) -> Result<Promotion, MasterKeyError>;

    /// What has to be kept in a safe place so that the key cannot be lost, for people: an order in one sentence, without a
    /// full stop.
    fn safekeeping(&self) -> &'static str;
}

/// What a promotion leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Promotion {
    /// Where the key that was replaced is kept; `None` when there was none at this place.
    pub old_kept_at: Option<String>,
    /// What a person still has to do at the place, as orders; `None` when nothing.
    pub to_do: Option<String>,
}

/// The providers of this program, and the one that `init` asks.
#[derive(Clone)]
pub struct MasterKeyProviders {
    preferred: Arc<dyn MasterKeyProvider>,
    others: Vec<Arc<dyn MasterKeyProvider>>,
}

impl MasterKeyProviders {
    /// The preferred provider and others that can be used.
    #[must_use]
    pub fn new(preferred: Arc<dyn MasterKeyProvider>, others: Vec<Arc<dyn MasterKeyProvider>>) -> Self {
        Self { preferred, others }
    }

    /// The one that `init` asks.
    #[must_use]
    pub fn preferred(&self) -> &dyn MasterKeyProvider {
        self.preferred.as_ref()
    }

    /// The one with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&dyn MasterKeyProvider> {
        self.all().find(|provider| provider.name() == name)
    }

    /// All of them, the preferred one first.
    pub fn all(&self) -> impl Iterator<Item = &dyn MasterKeyProvider> {
        std::iter::once(&self.preferred)
            .chain(&self.others)
            .map(AsRef::as_ref)
    }
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
    /// The passphrase or PIN that opens it is wrong or was not given.
    #[error("the master key at {place} stays locked: {why}")]
    NotUnlocked {
        /// Where it is kept.
        place: String,
        /// What is wrong, and what mends it.
        why: String,
    },
    /// The key cannot be read or written.
    #[error("the master key at {place} cannot be used: {why}")]
    Unusable {
        /// Where it is kept.
        place: String,
        /// What is wrong, and what mends it.
        why: String,
    },
}
