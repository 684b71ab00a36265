//! The forms of the documents of a backup server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_domain::{IdentityKeys, SecretBytes, Validity};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::home::{OwnFile, OwnIdentity, OwnRequest, TrustedManager};

const IDENTITY_LINE: &str = "keystead server identity v1";
/// The base64 form of a key of 32 bytes.
const KEY_LETTERS: usize = 44;

/// Lines rather than JSON, so that no copy of a private key is made on the way.
pub(super) fn write_identity(identity: &OwnIdentity) -> SecretBytes {
    let OwnIdentity {
        keys,
        signing,
        encryption,
    } = identity;
    let mut letters = Zeroizing::new([0; KEY_LETTERS]);
    let encoded = STANDARD.encode_slice(signing.expose(), letters.as_mut_slice());
    let letters = &letters[..encoded.unwrap_or(0)];
    let public = STANDARD.encode(keys.signing);
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    for (word, value) in [
        ("signing-public-key", public.as_bytes()),
        ("signing-private-key", letters),
        ("encryption-public-key", keys.encryption.as_str().as_bytes()),
        ("encryption-private-key", encryption.expose()),
    ] {
        if bytes.is_empty() {
            bytes.extend_from_slice(IDENTITY_LINE.as_bytes());
        }
        bytes.push(b'\n');
        bytes.extend_from_slice(word.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(value);
    }
    bytes.push(b'\n');
    SecretBytes::from_zeroizing(bytes)
}

pub(super) fn read_identity(document: &str) -> Option<OwnIdentity> {
    let mut lines = document.lines();
    if lines.next()? != IDENTITY_LINE {
        return None;
    }
    let mut value = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
    let public = key_bytes(value("signing-public-key")?)?;
    let signing = key_bytes(value("signing-private-key")?)?;
    let encryption_public = value("encryption-public-key")?.parse().ok()?;
    let encryption = Zeroizing::new(value("encryption-private-key")?.as_bytes().to_vec());
    Some(OwnIdentity {
        keys: IdentityKeys {
            signing: *public,
            encryption: encryption_public,
        },
        signing: SecretBytes::new(signing.to_vec()),
        encryption: SecretBytes::from_zeroizing(encryption),
    })
}

fn key_bytes(letters: &str) -> Option<Zeroizing<[u8; 32]>> {
    // The decoder wants room for the padding too.
    let mut bytes = Zeroizing::new([0; 33]);
    let len = STANDARD.decode_slice(letters, bytes.as_mut_slice()).ok()?;
    let key: [u8; 32] = bytes[..len].try_into().ok()?;
    Some(Zeroizing::new(key))
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireManager {
    installation_id: String,
    public_key: String,
    server_id: String,
    server_name: String,
    identity: String,
    confirmed_at: String,
    trusted_at: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireOwnRequest {
    id: String,
    digest: String,
    created_at: String,
    expires_at: String,
    files: Vec<WireOwnFile>,
}

#[derive(Serialize, Deserialize)]
struct WireOwnFile {
    place: Option<String>,
    header: String,
}

impl From<&TrustedManager> for WireManager {
    fn from(manager: &TrustedManager) -> Self {
        Self {
            installation_id: manager.installation.to_string(),
            public_key: STANDARD.encode(manager.public_key),
            server_id: manager.server.to_string(),
            server_name: manager.name.to_string(),
            identity: manager.identity.to_string(),
            confirmed_at: manager.confirmed_at.to_string(),
            trusted_at: manager.trusted_at.to_string(),
        }
    }
}

impl WireManager {
    pub(super) fn read(self) -> Option<TrustedManager> {
        Some(TrustedManager {
            installation: self.installation_id.parse().ok()?,
            public_key: *key_bytes(&self.public_key)?,
            server: self.server_id.parse().ok()?,
            name: self.server_name.parse().ok()?,
            identity: self.identity.parse().ok()?,
            confirmed_at: self.confirmed_at.parse().ok()?,
            trusted_at: self.trusted_at.parse().ok()?,
        })
    }
}

impl From<&OwnRequest> for WireOwnRequest {
    fn from(request: &OwnRequest) -> Self {
        let file = |file: &OwnFile| WireOwnFile {
            place: file.place.clone(),
            header: file.header.to_string(),
        };
        Self {
            id: request.id.to_string(),
            digest: request.digest.to_string(),
            created_at: request.validity.created_at.to_string(),
            expires_at: request.validity.expires_at.to_string(),
            files: request.files.iter().map(file).collect(),
        }
    }
}

impl WireOwnRequest {
    pub(super) fn read(self) -> Option<OwnRequest> {
        let file = |file: WireOwnFile| {
            Some(OwnFile {
                place: file.place,
                header: file.header.parse().ok()?,
            })
        };
        Some(OwnRequest {
            id: self.id.parse().ok()?,
            digest: self.digest.parse().ok()?,
            validity: Validity {
                created_at: self.created_at.parse().ok()?,
                expires_at: self.expires_at.parse().ok()?,
            },
            files: self.files.into_iter().map(file).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_its_document() {
        let identity = OwnIdentity {
            keys: IdentityKeys {
                signing: [7; 32],
                encryption: format!("age1{}", "q".repeat(58)).parse().unwrap(),
            },
            signing: SecretBytes::new(vec![9; 32]),
            encryption: SecretBytes::new(b"AGE-SECRET-KEY-1QQ".to_vec()),
        };
        let document = write_identity(&identity);
        let read = read_identity(std::str::from_utf8(document.expose()).unwrap()).unwrap();
        assert_eq!(read.keys, identity.keys);
        assert_eq!(read.signing.expose(), [9; 32]);
        assert_eq!(read.encryption.expose(), b"AGE-SECRET-KEY-1QQ");
        assert!(read_identity("keystead server identity v2\n").is_none());
    }
}
