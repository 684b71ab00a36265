//! What all keys in files do with their 32 bytes, whatever protects the file.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use keystead_application::ports::{MasterKeyError, Randomness, RandomnessExt};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};
use sha2::Sha256;
use zeroize::Zeroizing;

/// XChaCha20-Poly1305: nonce, then ciphertext with its tag.
const FORMAT_VERSION: u16 = 1;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
pub(crate) const KEY_LEN: usize = 32;

/// The bytes of a master key.
pub(crate) type Secret = Zeroizing<[u8; KEY_LEN]>;

/// Keeps keys apart that are used for different things: the same bytes under another label are another key, with another id.
#[derive(Clone, Copy)]
pub(crate) struct Label(pub(crate) &'static str);

/// Seals and opens with what was derived from a secret.
pub(crate) struct Cipher {
    label: Label,
    aead: XChaCha20Poly1305,
}

/// Sealed bytes that are fit to be opened.
pub(crate) struct Parts<'a> {
    nonce: &'a [u8; NONCE_LEN],
    body: &'a [u8],
}

/// What stands on sealed bytes.
pub(crate) struct Name<'a> {
    pub(crate) id: &'a MasterKeyId,
    pub(crate) provider: &'static str,
}

impl Cipher {
    /// Derives the sealing key (HKDF-SHA256, RFC 5869): nothing that is shown or kept is a part of what seals.
    pub(crate) fn new(secret: &Secret, label: Label) -> Result<Self, String> {
        let sealing: Zeroizing<[u8; KEY_LEN]> = label.derive(secret, "seal")?;
        Ok(Self {
            label,
            aead: XChaCha20Poly1305::new((&*sealing).into()),
        })
    }

    pub(crate) fn seal(
        &self,
        secret: &SecretBytes,
        context: &[u8],
        name: Name<'_>,
        randomness: &dyn Randomness,
    ) -> Result<SealedBytes, String> {
        let nonce: [u8; NONCE_LEN] = randomness.bytes().map_err(|e| e.to_string())?;
        let payload = Payload {
            msg: secret.expose(),
            aad: &self.label.associated_data(context),
        };
        let sealed = self.aead.encrypt(&XNonce::from(nonce), payload);
        Ok(SealedBytes {
            master_key_id: name.id.clone(),
            provider: name.provider.to_owned(),
            format_version: FORMAT_VERSION,
            ciphertext: [nonce.as_slice(), &sealed.map_err(|e| e.to_string())?].concat(),
        })
    }

    pub(crate) fn open(&self, parts: &Parts<'_>, context: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        let payload = Payload {
            msg: parts.body,
            aad: &self.label.associated_data(context),
        };
        self.aead
            .decrypt(&XNonce::from(*parts.nonce), payload)
            .map(SecretBytes::new)
            .map_err(|_| MasterKeyError::Damaged)
    }
}

impl<'a> Parts<'a> {
    /// Takes sealed bytes apart, if the key with this id sealed them at one of these providers.
    pub(crate) fn of(
        sealed: &'a SealedBytes,
        id: &MasterKeyId,
        providers: &[&str],
    ) -> Result<Self, MasterKeyError> {
        let SealedBytes {
            master_key_id,
            provider,
            format_version,
            ciphertext,
        } = sealed;
        if master_key_id != id || !providers.contains(&provider.as_str()) {
            return Err(MasterKeyError::OtherKey {
                sealed_under: master_key_id.clone(),
                at_hand: id.clone(),
            });
        }
        if *format_version != FORMAT_VERSION {
            return Err(MasterKeyError::UnknownFormat(*format_version));
        }
        ciphertext
            .split_first_chunk()
            .filter(|(_, body)| body.len() >= TAG_LEN)
            .map(|(nonce, body)| Self { nonce, body })
            .ok_or(MasterKeyError::Damaged)
    }
}

impl Label {
    /// The id of a key, which tells nothing about it.
    pub(crate) fn id_of(self, secret: &Secret) -> Result<MasterKeyId, String> {
        let id: Zeroizing<[u8; 8]> = self.derive(secret, "id")?;
        let digits: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.parse().map_err(|e| format!("its id is unusable: {e}"))
    }

    fn derive<const N: usize>(self, secret: &Secret, purpose: &str) -> Result<Zeroizing<[u8; N]>, String> {
        let info = format!("keystead/{}/v1/{purpose}", self.0);
        let mut derived = Zeroizing::new([0; N]);
        Hkdf::<Sha256>::new(None, secret.as_slice())
            .expand(info.as_bytes(), derived.as_mut_slice())
            .map_err(|e| e.to_string())?;
        Ok(derived)
    }

    /// The format is authenticated together with the context, so that a row cannot be passed off as one of another format.
    fn associated_data(self, context: &[u8]) -> Vec<u8> {
        let prefix = format!("keystead/{}/", self.0);
        [prefix.as_bytes(), &FORMAT_VERSION.to_be_bytes(), context].concat()
    }
}
