use keystead_domain::{SecretBytes, SshPublicKey};

/// Makes and verifies signatures in OpenSSH's format (PROTOCOL.sshsig), which `ssh-keygen -Y sign` and
/// `ssh-keygen -Y verify` speak. A signature here is the binary form, without armor.
///
/// Only one spelling of a signature is accepted: what a verified one holds is what was made, byte for byte.
pub trait SshSignatures: Send + Sync {
    /// Reads a public key as it stands in a `.pub` file: kind, base64, comment. Accepted are Ed25519, ECDSA on the NIST
    /// curves, RSA of 2048 to 8192 bits, and the security-key forms (`sk-…`) of the first two.
    ///
    /// # Errors
    /// [`SshSignatureError::KeyNotAccepted`].
    fn read_key(&self, line: &str) -> Result<SshPublicKey, SshSignatureError>;

    /// The key of a raw Ed25519 public key.
    fn ed25519_key(&self, public_key: &[u8; 32]) -> SshPublicKey;

    /// Takes the armor off a signature that `ssh-keygen -Y sign` wrote. What mail programs make of a text is no obstacle: it
    /// is read as [`dearmored`](crate::exchange::dearmored) reads.
    ///
    /// # Errors
    /// [`SshSignatureError::Malformed`].
    fn dearmor(&self, armored: &str) -> Result<Vec<u8>, SshSignatureError>;

    /// Which key a signature says that it is of. Nothing is verified.
    ///
    /// # Errors
    /// [`SshSignatureError::Malformed`].
    fn claimed_key(&self, signature: &[u8]) -> Result<SshPublicKey, SshSignatureError>;

    /// Verifies that the key's owner signed the message in this namespace. A signature of a security key is accepted when its
    /// owner touched it.
    ///
    /// # Errors
    /// [`SshSignatureError::Malformed`], [`SshSignatureError::OtherNamespace`], [`SshSignatureError::BadSignature`].
    fn verify(
        &self,
        key: &SshPublicKey,
        namespace: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SshSignatureError>;

    /// Signs with a raw Ed25519 private key (the 32-byte seed) in this namespace, hashing with SHA-512.
    ///
    /// # Errors
    /// When the private key is not 32 bytes.
    fn sign(
        &self,
        private_key: &SecretBytes,
        namespace: &str,
        message: &[u8],
    ) -> Result<Vec<u8>, SshSignatureError>;
}

/// Why signing or verifying did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshSignatureError {
    /// A public key that is none, or of a kind that is not accepted.
    #[error("{0}")]
    KeyNotAccepted(String),
    /// The bytes are no signature, or not in the one spelling that is accepted.
    #[error("the signature is malformed: {0}")]
    Malformed(String),
    /// It was made for another purpose.
    #[error("the signature was made in the namespace \"{found}\", not in \"{expected}\"")]
    OtherNamespace {
        /// The namespace of the signature.
        found: String,
        /// The one that was asked for.
        expected: String,
    },
    /// The signature does not belong to the message and the key.
    #[error("the signature does not belong to the message and the key")]
    BadSignature,
    /// The private key is malformed.
    #[error("the signing key is malformed")]
    BadPrivateKey,
}
