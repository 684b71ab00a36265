use std::fmt;
use std::str::FromStr;

use crate::{InstallationId, InvalidText, Timestamp};

/// Names a master key without telling anything about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MasterKeyId(String);

/// Bytes that a master key has sealed, with what is needed to find that key again.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBytes {
    /// The master key that sealed them.
    pub master_key_id: MasterKeyId,
    /// The provider of that key, such as `key-file`.
    pub provider: String,
    /// The version of the provider's format.
    pub format_version: u16,
    /// The provider's ciphertext.
    pub ciphertext: Vec<u8>,
}

/// The manager's own identity: a signing key, made by `init`. It signs what the manager says; no keyset's key ever does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerIdentity {
    /// The raw Ed25519 public key (RFC 8032), 32 bytes.
    pub public_key: [u8; 32],
    /// The private key, sealed under the master key.
    pub sealed_private_key: SealedBytes,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What an installation is, beside its keysets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its id.
    pub id: InstallationId,
    /// When it was made.
    pub created_at: Timestamp,
    /// A known text sealed under the master key: opening it proves that the master key at hand is the right one.
    pub key_check: SealedBytes,
    /// Its identity.
    pub identity: ManagerIdentity,
}

impl Installation {
    /// The text that [`Installation::key_check`] seals.
    pub const KEY_CHECK_TEXT: &'static [u8] = b"keystead master key check v1";

    /// The associated data of the key check value.
    #[must_use]
    pub fn key_check_context(id: InstallationId) -> Vec<u8> {
        context("key-check", &[id.to_string().as_bytes()])
    }

    /// The associated data of the identity's private key.
    #[must_use]
    pub fn identity_context(id: InstallationId, public_key: &[u8; 32]) -> Vec<u8> {
        context("manager-identity", &[id.to_string().as_bytes(), public_key])
    }
}

impl crate::Keyset {
    /// The associated data under which this keyset's private key is sealed: its id and its fingerprint, so that a sealed
    /// key moved to another row does not open.
    #[must_use]
    pub fn sealing_context(&self) -> Vec<u8> {
        let id = self.id().to_string();
        context(
            "keyset-private-key",
            &[id.as_bytes(), self.fingerprint().as_bytes()],
        )
    }
}

/// Joins parts so that no two lists of parts give the same bytes.
fn context(purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("keystead/v1/{purpose}").into_bytes();
    for part in parts {
        bytes.push(0);
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

impl MasterKeyId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MasterKeyId {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WORD: &str = "master key id";
        if text.is_empty() {
            Err(InvalidText::Empty(WORD))
        } else if text.len() > 64 {
            Err(InvalidText::TooLong(WORD, text.len()))
        } else if !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        {
            Err(InvalidText::Control(WORD))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SealedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SealedBytes({} bytes under {})",
            self.ciphertext.len(),
            self.master_key_id
        )
    }
}
