use async_trait::async_trait;
use keystead_domain::Passphrase;

/// Where passphrases come from: a person, a file, the environment.
#[async_trait]
pub trait PassphraseSource: Send + Sync {
    /// The passphrase that is asked for. It is asked again when the one that was given turns out to be wrong and the key is
    /// used another time.
    ///
    /// # Errors
    /// When there is none; the text says why, and what to do.
    async fn passphrase(&self, ask: Ask) -> Result<Passphrase, String>;
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A new passphrase for the key that is being made at this place. A person should type it twice.
    New {
        /// The file.
        place: String,
    },
    /// The passphrase that opens the key at this place.
    Existing {
        /// The file.
        place: String,
    },
}
