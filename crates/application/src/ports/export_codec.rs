use keystead_domain::{ExportMetadata, Passphrase, PrivateKey, Protection, PublicKey, SecretBytes};

use super::{EncodedPrivateKey, EncodedPublicKey};

/// Writes and reads export files. It knows the format; which blocks belong together, and whether a key is any good, is
/// decided elsewhere.
///
/// Encoding and unlocking with a passphrase take long on purpose; callers run them off the runtime's threads.
pub trait ExportCodec: Send + Sync {
    /// The bytes of a metadata block's JSON.
    ///
    /// # Errors
    /// When the metadata cannot be written.
    fn metadata_json(&self, metadata: &ExportMetadata) -> Result<Vec<u8>, ExportCodecError>;

    /// What the keyset's private key signs for these JSON bytes.
    fn signed_message(&self, metadata_json: &[u8]) -> Vec<u8>;

    /// The blocks of one keyset, as text. Groups of several keysets are joined by writing one after the other.
    ///
    /// # Errors
    /// When the private key cannot be encrypted.
    fn encode(&self, plan: EncodePlan<'_>) -> Result<SecretBytes, ExportCodecError>;

    /// Finds the blocks of a file. Text around them, a byte order mark, trailing blanks and blocks of other kinds are
    /// passed over. What is computed is bounded by the length of the file.
    ///
    /// # Errors
    /// When there is no private key, or a block is damaged, or asks for more work than is done.
    fn decode(&self, file: &SecretBytes) -> Result<DecodedFile, ExportCodecError>;

    /// Finds the public keys of a file, which need not hold a private one. Bounded as [`ExportCodec::decode`] is.
    ///
    /// # Errors
    /// When a block is damaged.
    fn public_keys(&self, file: &[u8]) -> Result<Vec<PublicBlock>, ExportCodecError>;

    /// Decrypts a protected private key.
    ///
    /// # Errors
    /// [`ExportCodecError::NotUnlocked`] for everything from the passphrase to the end of the parsing.
    fn unlock(
        &self,
        block: &PrivateBlock,
        passphrase: &Passphrase,
    ) -> Result<EncodedPrivateKey, ExportCodecError>;
}

/// What goes into an export.
pub struct EncodePlan<'a> {
    /// The private key.
    pub private: &'a PrivateKey,
    /// The public key.
    pub public: &'a PublicKey,
    /// The metadata.
    pub metadata: SignedMetadata,
    /// How the private key is protected.
    pub protect: Protect<'a>,
}

/// How the private key of a new export is protected.
pub enum Protect<'a> {
    /// Not at all, because the user said so.
    Unprotected,
    /// With a passphrase, and this salt and initialisation vector from the randomness port.
    Passphrase {
        /// The passphrase.
        passphrase: &'a Passphrase,
        /// The salt of the key derivation.
        salt: [u8; 16],
        /// The initialisation vector of the cipher.
        iv: [u8; 16],
    },
}

/// JSON bytes and their signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMetadata {
    /// Exactly the bytes that were signed.
    pub json: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The blocks that were found in a file, in their order.
pub struct DecodedFile {
    /// Private keys; at least one.
    pub privates: Vec<PrivateBlock>,
    /// Public keys.
    pub publics: Vec<PublicBlock>,
    /// Metadata blocks.
    pub metadata: Vec<MetadataBlock>,
}

/// A private key in a file.
pub enum PrivateBlock {
    /// Readable without a passphrase.
    Plain(EncodedPrivateKey),
    /// Encrypted PKCS#8 with bounds checked; the DER EncryptedPrivateKeyInfo (RFC 5958, section 3).
    Protected {
        /// The DER bytes.
        der: Vec<u8>,
        /// How.
        protection: Protection,
    },
}

impl PrivateBlock {
    /// How it is protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        match self {
            Self::Plain(_) => Protection::Unprotected,
            Self::Protected { protection, .. } => protection.clone(),
        }
    }
}

/// A public key in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicBlock(pub EncodedPublicKey);

/// A metadata block in a file: what it says, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataBlock {
    /// What it says. Unverified.
    pub metadata: ExportMetadata,
    /// What proves it.
    pub signed: SignedMetadata,
}

/// Why a file is not a usable export.
#[derive(Debug, thiserror::Error)]
pub enum ExportCodecError {
    /// No private key was found.
    #[error("no private key was found: {found}")]
    NoPrivateKey {
        /// What was found instead.
        found: String,
    },
    /// A block that is cut off, or not base64, or not the format that it claims to be.
    #[error("the {block} block is damaged: {why}")]
    Damaged {
        /// Which block.
        block: String,
        /// What is wrong.
        why: String,
    },
    /// A kind of key or encryption that is not read.
    #[error("{found}")]
    NotAccepted {
        /// What was found.
        found: String,
        /// What to do.
        fix: String,
    },
    /// The file asks for more work than is done for a file.
    #[error("{0}")]
    TooMuchWork(String),
    /// Wrong passphrase or damaged file; which one cannot be told.
    #[error("the passphrase is wrong, or the file is damaged")]
    NotUnlocked,
    /// Writing failed.
    #[error("the export cannot be written: {0}")]
    Encode(String),
}
