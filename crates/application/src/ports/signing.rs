use keystead_domain::SecretBytes;

/// Makes and uses Ed25519 keys (RFC 8032): the manager's own identity.
pub trait SigningEngine: Send + Sync {
    /// Makes a key pair.
    ///
    /// # Errors
    /// When there is no randomness.
    fn generate(&self) -> Result<SigningKeyPair, SigningError>;

    /// Signs a message.
    ///
    /// # Errors
    /// When the private key is not 32 bytes.
    fn sign(&self, private_key: &SecretBytes, message: &[u8]) -> Result<[u8; 64], SigningError>;

    /// Verifies a signature, strictly: weak keys and non-canonical signatures are refused.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`].
    fn verify(&self, public_key: &[u8; 32], message: &[u8], signature: &[u8; 64])
    -> Result<(), SigningError>;
}

/// Both halves of a signing key.
pub struct SigningKeyPair {
    /// The private half: the 32-byte seed.
    pub private_key: SecretBytes,
    /// The public half.
    pub public_key: [u8; 32],
}

/// Why signing or verifying did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The signature does not belong to the message and the key.
    #[error("the signature does not belong to the message and the key")]
    BadSignature,
    /// The private key is malformed.
    #[error("the signing key is malformed")]
    Malformed,
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] crate::ports::RandomnessError),
}
