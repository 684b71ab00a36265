use std::sync::Arc;

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use keystead_application::ports::{MasterKey, MasterKeyError, Randomness, RandomnessExt};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};
use sha2::Sha256;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::PROVIDER;
use crate::envelope::{Envelope, Secret};
use crate::source::{Ask, PassphraseSource};

/// XChaCha20-Poly1305: nonce, then ciphertext with its tag.
const FORMAT_VERSION: u16 = 1;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// Where passphrases and random bytes come from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) passphrases: Arc<dyn PassphraseSource>,
    pub(crate) randomness: Arc<dyn Randomness>,
}

/// A master key that asks for its passphrase when it is used for the first time.
pub(crate) struct PassphraseMasterKey {
    envelope: Envelope,
    place: String,
    sources: Sources,
    cipher: OnceCell<XChaCha20Poly1305>,
}

impl PassphraseMasterKey {
    /// A key that is still locked.
    pub(crate) fn locked(envelope: Envelope, place: String, sources: Sources) -> Self {
        Self {
            envelope,
            place,
            sources,
            cipher: OnceCell::new(),
        }
    }

    /// A key whose secret is at hand, because it was just made.
    pub(crate) fn unlocked(
        envelope: Envelope,
        place: String,
        sources: Sources,
        secret: &Secret,
    ) -> Result<Self, String> {
        Ok(Self {
            envelope,
            place,
            sources,
            cipher: OnceCell::new_with(Some(cipher(secret)?)),
        })
    }

    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Whoever comes while somebody is asked waits for that answer; after a wrong one the next is asked again.
    async fn cipher(&self) -> Result<&XChaCha20Poly1305, MasterKeyError> {
        self.cipher.get_or_try_init(|| self.unlock()).await
    }

    async fn unlock(&self) -> Result<XChaCha20Poly1305, MasterKeyError> {
        let ask = Ask::Existing {
            place: self.place.clone(),
        };
        let given = self.sources.passphrases.passphrase(ask).await;
        let passphrase = given.map_err(|why| self.unusable(why))?;
        let envelope = self.envelope.clone();
        let unlocked = tokio::task::spawn_blocking(move || cipher(&envelope.unwrap(&passphrase)?)).await;
        match unlocked {
            Ok(unlocked) => unlocked.map_err(|why| self.unusable(why)),
            Err(join) => Err(self.unusable(join)),
        }
    }

    fn unusable(&self, why: impl ToString) -> MasterKeyError {
        MasterKeyError::Unusable {
            place: self.place.clone(),
            why: why.to_string(),
        }
    }
}

#[async_trait]
impl MasterKey for PassphraseMasterKey {
    fn id(&self) -> &MasterKeyId {
        self.envelope.id()
    }

    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        let randomness = &self.sources.randomness;
        let nonce: [u8; NONCE_LEN] = randomness.bytes().map_err(|e| self.unusable(e))?;
        let payload = Payload {
            msg: secret.expose(),
            aad: &associated_data(context),
        };
        let sealed = self
            .cipher()
            .await?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|e| self.unusable(e))?;
        Ok(SealedBytes {
            master_key_id: self.id().clone(),
            provider: PROVIDER.into(),
            format_version: FORMAT_VERSION,
            ciphertext: [nonce.as_slice(), &sealed].concat(),
        })
    }

    async fn open(&self, sealed: &SealedBytes, context: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        let SealedBytes {
            master_key_id,
            provider,
            format_version,
            ciphertext,
        } = sealed;
        if master_key_id != self.id() || provider != PROVIDER {
            return Err(MasterKeyError::OtherKey {
                sealed_under: master_key_id.clone(),
                at_hand: self.id().clone(),
            });
        }
        if *format_version != FORMAT_VERSION {
            return Err(MasterKeyError::UnknownFormat(*format_version));
        }
        let (nonce, body) = ciphertext
            .split_first_chunk::<NONCE_LEN>()
            .filter(|(_, body)| body.len() >= TAG_LEN)
            .ok_or(MasterKeyError::Damaged)?;
        let payload = Payload {
            msg: body,
            aad: &associated_data(context),
        };
        self.cipher()
            .await?
            .decrypt(&XNonce::from(*nonce), payload)
            .map(SecretBytes::new)
            .map_err(|_| MasterKeyError::Damaged)
    }
}

/// The id of a key, which tells nothing about it.
pub(crate) fn id_of(secret: &Secret) -> Result<MasterKeyId, String> {
    let id: [u8; 8] = *derive(secret, b"keystead/passphrase/v1/id")?;
    let digits: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.parse().map_err(|e| format!("its id is unusable: {e}"))
}

/// What seals is derived: the key in the file and the id that is shown are no part of it.
fn cipher(secret: &Secret) -> Result<XChaCha20Poly1305, String> {
    let sealing: Zeroizing<[u8; 32]> = derive(secret, b"keystead/passphrase/v1/seal")?;
    Ok(XChaCha20Poly1305::new((&*sealing).into()))
}

/// The format is authenticated together with the context, so that a row cannot be passed off as one of another format.
fn associated_data(context: &[u8]) -> Vec<u8> {
    [
        b"keystead/passphrase/",
        FORMAT_VERSION.to_be_bytes().as_slice(),
        context,
    ]
    .concat()
}

/// HKDF-SHA256 (RFC 5869).
fn derive<const N: usize>(secret: &Secret, purpose: &[u8]) -> Result<Zeroizing<[u8; N]>, String> {
    let mut derived = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(None, secret.as_slice())
        .expand(purpose, derived.as_mut_slice())
        .map_err(|e| e.to_string())?;
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected value comes from two calls of HMAC-SHA256 by hand, as RFC 5869 spells them out.
    #[test]
    fn the_id_is_derived_and_stays_the_same() {
        let id = id_of(&Zeroizing::new([7; 32])).unwrap();
        assert_eq!(id.as_str(), "540ade1947a0bf92");
    }

    /// The bytes were made with libsodium, from the sealing key as HMAC-SHA256 gives it.
    #[test]
    fn the_sealed_format_stays_the_same() {
        let body = [
            0x4c, 0x7c, 0x30, 0x3d, 0xf9, 0xfa, 0x79, 0x64, 0x33, 0x00, 0xb4, 0xc4, 0x40, 0x89, 0xf9, 0xf3,
            0xc3, 0x4e, 0x1f, 0x1e, 0x89, 0xd9, 0x89, 0x4a, 0x03, 0xc6, 0xd6, 0x45, 0x27, 0x32, 0xa5,
        ];
        let payload = Payload {
            msg: &body,
            aad: &associated_data(b"row 1"),
        };
        let cipher = cipher(&Zeroizing::new([7; 32])).unwrap();
        let opened = cipher.decrypt(&XNonce::from([2; NONCE_LEN]), payload).unwrap();
        assert_eq!(opened, b"the private key");
    }
}
