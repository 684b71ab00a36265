use async_trait::async_trait;
use keystead_domain::{GenerateBits, InvalidKeySize, PrivateKey, PublicKey, RsaPublicNumbers, SecretBytes};

/// Makes, checks and uses RSA keys.
///
/// Methods that take long run on threads of their own; awaiting them never blocks the runtime.
#[async_trait]
pub trait RsaEngine: Send + Sync {
    /// Makes a key pair with the public exponent 65537.
    ///
    /// # Errors
    /// When there is no randomness.
    async fn generate(&self, bits: GenerateBits) -> Result<KeyPair, RsaError>;

    /// Reads a private key from outside, and checks all that can be checked: that it is RSA, its size and exponent, that
    /// p and q are prime and p·q = n, d (modulo lambda or phi) and the CRT values, and an encrypt/decrypt round trip.
    /// The pair that comes back is encoded anew and holds only what was checked.
    ///
    /// # Errors
    /// [`RsaError::NotAccepted`] or [`RsaError::Malformed`] name what was found.
    async fn admit(&self, key: EncodedPrivateKey) -> Result<KeyPair, RsaError>;

    /// Prepares an admitted private key for use.
    ///
    /// # Errors
    /// When the bytes are not an accepted key after all.
    async fn load(&self, key: &PrivateKey) -> Result<Box<dyn LoadedKey>, RsaError>;

    /// Reads a public key.
    ///
    /// # Errors
    /// When it is not an accepted RSA key.
    fn read_public(&self, key: &EncodedPublicKey) -> Result<PublicKey, RsaError>;

    /// Encodes a public key from its numbers.
    ///
    /// # Errors
    /// When they are not those of an accepted key.
    fn public_from_numbers(&self, numbers: &RsaPublicNumbers) -> Result<PublicKey, RsaError>;

    /// The numbers of a public key.
    ///
    /// # Errors
    /// When its bytes are not an RSA public key.
    fn numbers(&self, key: &PublicKey) -> Result<RsaPublicNumbers, RsaError>;

    /// Encrypts with RSA-OAEP, SHA-256 and MGF1 with SHA-256 (RFC 8017, section 7.1), and this label.
    ///
    /// # Errors
    /// When the text is too long for the key.
    fn encrypt(&self, key: &PublicKey, label: &[u8], plaintext: &SecretBytes) -> Result<Vec<u8>, RsaError>;

    /// Verifies RSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 8017, section 8.1).
    ///
    /// # Errors
    /// [`RsaError::BadSignature`].
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), RsaError>;
}

/// A private key that is ready to be used.
#[async_trait]
pub trait LoadedKey: Send + Sync {
    /// Decrypts what [`RsaEngine::encrypt`] made with the same label.
    ///
    /// # Errors
    /// [`RsaError::NotDecrypted`], which says nothing about why.
    async fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, RsaError>;

    /// Signs so that [`RsaEngine::verify`] accepts it.
    ///
    /// # Errors
    /// When there is no randomness.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, RsaError>;
}

/// Both halves of a key.
pub struct KeyPair {
    /// The private half.
    pub private: PrivateKey,
    /// The public half.
    pub public: PublicKey,
}

/// A private key as it was found in a file.
pub enum EncodedPrivateKey {
    /// DER PKCS#8 (RFC 5958).
    Pkcs8(SecretBytes),
    /// DER RSAPrivateKey (PKCS#1, RFC 8017, appendix A.1.2).
    Pkcs1(SecretBytes),
}

/// A public key as it was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodedPublicKey {
    /// DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    Spki(Vec<u8>),
    /// DER RSAPublicKey (PKCS#1, RFC 8017, appendix A.1.1).
    Pkcs1(Vec<u8>),
}

/// Why RSA work did not succeed. Never holds a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum RsaError {
    /// The key is of a kind or size that is not accepted.
    #[error("{0}")]
    NotAccepted(String),
    /// The bytes are not what they claim to be.
    #[error("the {what} is damaged: {why}")]
    Malformed {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The ciphertext is not for this key, or was changed.
    #[error("not encrypted to this key, or changed since")]
    NotDecrypted,
    /// The signature does not belong to the message and the key.
    #[error("the signature does not belong to the message and the key")]
    BadSignature,
    /// The engine itself failed.
    #[error("the RSA engine failed: {0}")]
    Engine(String),
}

impl From<InvalidKeySize> for RsaError {
    fn from(size: InvalidKeySize) -> Self {
        Self::NotAccepted(size.to_string())
    }
}
