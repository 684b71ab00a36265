use std::fmt;
use std::str::FromStr;

use crate::{Fingerprint, InstallationId, InvalidText, KeysetId, Timestamp};

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

/// A master key is used that is not the installation's any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the master key is {current} now and was {used} when this began: it was rotated meanwhile")]
pub struct OtherMasterKey {
    /// The installation's master key.
    pub current: MasterKeyId,
    /// The one that was used.
    pub used: MasterKeyId,
}

impl Installation {
    /// The text that [`Installation::key_check`] seals.
    pub const KEY_CHECK_TEXT: &'static [u8] = b"keystead master key check v1";

    /// The master key that its secrets are sealed under.
    #[must_use]
    pub fn master_key_id(&self) -> &MasterKeyId {
        &self.key_check.master_key_id
    }

    /// Refuses what is sealed under another master key than everything else: a rotation came in between, and what was
    /// kept now could not be opened any more.
    ///
    /// # Errors
    /// [`OtherMasterKey`].
    pub fn check_sealed_under(&self, sealed: &SealedBytes) -> Result<(), OtherMasterKey> {
        match sealed.master_key_id == *self.master_key_id() {
            true => Ok(()),
            false => Err(OtherMasterKey {
                current: self.master_key_id().clone(),
                used: sealed.master_key_id.clone(),
            }),
        }
    }

    /// The same installation with its own secrets sealed anew.
    #[must_use]
    pub fn resealed(&self, key_check: SealedBytes, identity: SealedBytes) -> Self {
        Self {
            key_check,
            identity: ManagerIdentity {
                sealed_private_key: identity,
                ..self.identity.clone()
            },
            ..self.clone()
        }
    }

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
    /// The associated data under which this keyset's private key is sealed.
    #[must_use]
    pub fn sealing_context(&self) -> Vec<u8> {
        keyset_sealing_context(self.id(), &self.fingerprint())
    }
}

/// The associated data under which a keyset's private key is sealed: its id and its fingerprint, so that a sealed key
/// moved to another row does not open.
#[must_use]
pub fn keyset_sealing_context(id: KeysetId, fingerprint: &Fingerprint) -> Vec<u8> {
    context(
        "keyset-private-key",
        &[id.to_string().as_bytes(), fingerprint.as_bytes()],
    )
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
