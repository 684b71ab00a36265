use async_trait::async_trait;
use keystead_domain::Passphrase;

/// Where passphrases come from: a person, a file, the environment.
#[async_trait]
pub trait PassphraseSource: Send + Sync {
    /// The passphrases that come into question. For an existing key they are tried in this order, all of them before the key
    /// counts as locked, and each try costs one Argon2; the source is asked again when none opened it and the key is used
    /// another time. A new key takes the first one.
    ///
    /// # Errors
    /// When there is none; the text says why, and what to do.
    async fn passphrases(&self, ask: Ask) -> Result<Vec<Passphrase>, String>;
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A new passphrase for the key that is being made at this place. A person should type it twice.
    New {
        /// The file.
        place: String,
    },
    /// The passphrase that opens the key at this place. While one passphrase takes the place of another, both belong here:
    /// nothing in a file tells which of them it needs.
    Existing {
        /// The file.
        place: String,
    },
}
