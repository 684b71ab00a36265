//! What backup servers and managers send each other: a JSON object and a signature, in text that survives e-mail.

use keystead_domain::{SecretBytes, Sha256Digest, SshPublicKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::armor::{ArmorError, armored, dearmored};
use crate::ports::{SshSignatureError, SshSignatures};

/// The longest text that is read, in bytes.
pub const MAX_TEXT: usize = 96 * 1024 * 1024;
/// The longest decoded document, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024 * 1024;

/// One kind of document.
pub(super) trait Kind: Serialize + DeserializeOwned {
    /// What stands in the lines of dashes.
    const LABEL: &'static str;
    /// The namespace of its signature (PROTOCOL.sshsig).
    const NAMESPACE: &'static str;
}

/// A document as it travels: exactly the bytes that are signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) json: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Why a text is not the document that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// No block is in the text.
    #[error(transparent)]
    Armor(#[from] ArmorError),
    /// What is in the block is not what it should be.
    #[error("what it holds is malformed: {0}")]
    Malformed(String),
    /// A newer program made it.
    #[error("it is in version {0} of its format, and this program knows version {FORMAT_VERSION}")]
    Version(u64),
    /// The signature is not right.
    #[error("{0}")]
    Signature(#[from] SshSignatureError),
    /// It would be too long to be read.
    #[error("it would have {} MiB, and at most {} are read", .0.div_ceil(1024 * 1024), MAX_DOCUMENT / (1024 * 1024))]
    TooLong(usize),
}

/// The version of all documents.
pub(super) const FORMAT_VERSION: u64 = 1;

impl Signed {
    /// Signs a document.
    pub(super) fn sign<K: Kind>(
        content: &K,
        private_key: &SecretBytes,
        ssh: &dyn SshSignatures,
    ) -> Result<Self, DocumentError> {
        let json =
            serde_json::to_vec(content).map_err(|error| DocumentError::Malformed(error.to_string()))?;
        if json.len() > MAX_DOCUMENT {
            return Err(DocumentError::TooLong(json.len()));
        }
        let signature = ssh.sign(private_key, K::NAMESPACE, &json)?;
        Ok(Self { json, signature })
    }

    /// The bytes of a block: the JSON, one zero byte, the signature.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.json[..], &[0], &self.signature].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, DocumentError> {
        // JSON holds no zero byte: it would be written as an escape.
        let end = bytes
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(|| DocumentError::Malformed("there is no signature in it".into()))?;
        Ok(Self {
            json: bytes[..end].to_vec(),
            signature: bytes[end + 1..].to_vec(),
        })
    }

    /// The key that the signature says it is of.
    pub(super) fn claimed_key(&self, ssh: &dyn SshSignatures) -> Result<SshPublicKey, DocumentError> {
        Ok(ssh.claimed_key(&self.signature)?)
    }

    /// What it says, when this key signed it.
    pub(super) fn verified<K: Kind>(
        &self,
        key: &SshPublicKey,
        ssh: &dyn SshSignatures,
    ) -> Result<K, DocumentError> {
        ssh.verify(key, K::NAMESPACE, &self.json, &self.signature)?;
        self.unverified()
    }

    /// What it says, whoever signed it.
    pub(super) fn unverified<K: Kind>(&self) -> Result<K, DocumentError> {
        #[derive(serde::Deserialize)]
        struct Version {
            version: u64,
        }
        let Version { version } = serde_json::from_slice(&self.json).map_err(malformed)?;
        match version {
            FORMAT_VERSION => serde_json::from_slice(&self.json).map_err(malformed),
            other => Err(DocumentError::Version(other)),
        }
    }
}

/// What names a document's bytes.
pub(super) fn digest(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::of(bytes)
}

pub(super) fn to_text<K: Kind>(bytes: &[u8]) -> String {
    armored(K::LABEL, bytes)
}

pub(super) fn from_text<K: Kind>(text: &str) -> Result<Vec<u8>, DocumentError> {
    let bytes = dearmored(K::LABEL, text, MAX_TEXT)?;
    match bytes.len() > MAX_DOCUMENT {
        true => Err(DocumentError::TooLong(bytes.len())),
        false => Ok(bytes),
    }
}

pub(super) fn malformed(error: impl std::fmt::Display) -> DocumentError {
    // What is told can come from the other side, and it is written to the audit trail.
    const LONGEST: usize = 300;
    DocumentError::Malformed(error.to_string().chars().take(LONGEST).collect())
}
