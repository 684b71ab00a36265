use keystead_domain::{MessageKey, SecretBytes};

/// Encrypts messages to one reader, in the age v1 format to an X25519 recipient (age-encryption.org/v1).
///
/// Its methods compute for at most milliseconds.
pub trait MessageCipher: Send + Sync {
    /// Makes a key pair.
    ///
    /// # Errors
    /// When there is no randomness.
    fn generate(&self) -> Result<MessageKeyPair, MessageCipherError>;

    /// Encrypts a message: a whole age file, without armor, that the one recipient opens.
    ///
    /// # Errors
    /// When the key is none.
    fn encrypt(&self, to: &MessageKey, message: &SecretBytes) -> Result<Vec<u8>, MessageCipherError>;

    /// Opens what [`MessageCipher::encrypt`] made to this private key: exactly these bytes, and nothing behind them.
    ///
    /// # Errors
    /// [`MessageCipherError::NotOpened`] for everything from another key to a changed byte.
    fn decrypt(&self, private_key: &SecretBytes, encrypted: &[u8])
    -> Result<SecretBytes, MessageCipherError>;
}

/// Both halves of a message key.
pub struct MessageKeyPair {
    /// The private half, as text: an age identity, `AGE-SECRET-KEY-1…`.
    pub private_key: SecretBytes,
    /// The public half.
    pub public_key: MessageKey,
}

/// Why a message is not encrypted or opened.
#[derive(Debug, thiserror::Error)]
pub enum MessageCipherError {
    /// The key is no key.
    #[error("the message key is malformed")]
    Malformed,
    /// Another key, or the message was changed.
    #[error("the message is not encrypted to this key, or was changed since")]
    NotOpened,
    /// The cipher itself failed.
    #[error("the message cipher failed: {0}")]
    Cipher(String),
}
