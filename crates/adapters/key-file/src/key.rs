use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use keystead_application::ports::{MasterKey, MasterKeyError, Randomness, RandomnessExt};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::text::Secret;
use crate::{KEY_FILE, SYSTEMD_CREDENTIAL};

/// XChaCha20-Poly1305: nonce, then ciphertext with its tag.
const FORMAT_VERSION: u16 = 1;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// A master key that was read from a file or a credential.
pub(crate) struct KeyFileMasterKey {
    id: MasterKeyId,
    provider: &'static str,
    cipher: XChaCha20Poly1305,
    randomness: Arc<dyn Randomness>,
    place: String,
}

impl KeyFileMasterKey {
    /// Derives the id and the sealing key (HKDF-SHA256, RFC 5869): nothing that is shown is a part of what seals.
    pub(crate) fn new(
        secret: &Secret,
        provider: &'static str,
        randomness: Arc<dyn Randomness>,
        place: String,
    ) -> Result<Self, String> {
        let sealing: Zeroizing<[u8; 32]> = derive(secret, b"keystead/key-file/v1/seal")?;
        Ok(Self {
            id: id_of(secret)?,
            provider,
            cipher: XChaCha20Poly1305::new((&*sealing).into()),
            randomness,
            place,
        })
    }

    /// As the provider hands it out.
    pub(crate) fn shared(
        secret: &Secret,
        provider: &'static str,
        randomness: &Arc<dyn Randomness>,
        place: &Path,
    ) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let place = place.display().to_string();
        match Self::new(secret, provider, Arc::clone(randomness), place.clone()) {
            Ok(key) => Ok(Arc::new(key)),
            Err(why) => Err(MasterKeyError::Unusable { place, why }),
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
impl MasterKey for KeyFileMasterKey {
    fn id(&self) -> &MasterKeyId {
        &self.id
    }

    fn provider(&self) -> &'static str {
        self.provider
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        let nonce: [u8; NONCE_LEN] = self.randomness.bytes().map_err(|e| self.unusable(e))?;
        let payload = Payload {
            msg: secret.expose(),
            aad: &associated_data(context),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|e| self.unusable(e))?;
        Ok(SealedBytes {
            master_key_id: self.id.clone(),
            provider: self.provider.into(),
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
        // The key is the same at both places, and so is the format.
        let sealed_here = [KEY_FILE, SYSTEMD_CREDENTIAL].contains(&provider.as_str());
        if *master_key_id != self.id || !sealed_here {
            return Err(MasterKeyError::OtherKey {
                sealed_under: master_key_id.clone(),
                at_hand: self.id.clone(),
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
        self.cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map(SecretBytes::new)
            .map_err(|_| MasterKeyError::Damaged)
    }
}

/// The id of a key, which tells nothing about it.
pub(crate) fn id_of(secret: &Secret) -> Result<MasterKeyId, String> {
    let id: [u8; 8] = *derive(secret, b"keystead/key-file/v1/id")?;
    hex(&id).parse().map_err(|e| format!("its id is unusable: {e}"))
}

/// The format is authenticated together with the context, so that a row cannot be passed off as one of another format.
fn associated_data(context: &[u8]) -> Vec<u8> {
    [
        b"keystead/key-file/",
        FORMAT_VERSION.to_be_bytes().as_slice(),
        context,
    ]
    .concat()
}

fn derive<const N: usize>(secret: &Secret, purpose: &[u8]) -> Result<Zeroizing<[u8; N]>, String> {
    let mut derived = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(None, secret.as_slice())
        .expand(purpose, derived.as_mut_slice())
        .map_err(|e| e.to_string())?;
    Ok(derived)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use keystead_application::ports::RandomnessError;

    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Randomness for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
            buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            Ok(())
        }
    }

    fn key(n: u8) -> KeyFileMasterKey {
        key_of(KEY_FILE, n)
    }

    fn key_of(provider: &'static str, n: u8) -> KeyFileMasterKey {
        let randomness = Arc::new(Counting(0.into()));
        KeyFileMasterKey::new(&Zeroizing::new([n; 32]), provider, randomness, "here".into()).unwrap()
    }

    fn secret() -> SecretBytes {
        SecretBytes::new(b"the private key".to_vec())
    }

    #[tokio::test]
    async fn what_was_sealed_opens_under_the_same_context() {
        let key = key(1);
        let sealed = key.seal(&secret(), b"row 1").await.unwrap();
        assert_eq!((sealed.provider.as_str(), sealed.format_version), ("key-file", 1));
        assert_eq!(
            key.open(&sealed, b"row 1").await.unwrap().expose(),
            b"the private key"
        );
        assert!(matches!(
            key.open(&sealed, b"row 2").await,
            Err(MasterKeyError::Damaged)
        ));
        let again = key.seal(&secret(), b"row 1").await.unwrap();
        assert_ne!(sealed.ciphertext, again.ciphertext, "the nonce is drawn anew");
    }

    #[tokio::test]
    async fn every_changed_byte_is_noticed() {
        let key = key(1);
        let sealed = key.seal(&secret(), b"").await.unwrap();
        for i in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[i] ^= 0x80;
            assert!(
                matches!(key.open(&changed, b"").await, Err(MasterKeyError::Damaged)),
                "byte {i}"
            );
            changed.ciphertext.truncate(i);
            assert!(
                matches!(key.open(&changed, b"").await, Err(MasterKeyError::Damaged)),
                "length {i}"
            );
        }
    }

    #[tokio::test]
    async fn another_key_or_format_is_named() {
        let (key, other) = (key(1), key(2));
        let sealed = key.seal(&secret(), b"").await.unwrap();
        match other.open(&sealed, b"").await {
            Err(MasterKeyError::OtherKey {
                sealed_under,
                at_hand,
            }) => {
                assert_eq!((&sealed_under, &at_hand), (key.id(), other.id()));
            }
            _ => panic!("opened by another key"),
        }
        let newer = SealedBytes {
            format_version: 2,
            ..sealed
        };
        assert!(matches!(
            key.open(&newer, b"").await,
            Err(MasterKeyError::UnknownFormat(2))
        ));
    }

    #[tokio::test]
    async fn the_same_key_opens_what_was_sealed_at_the_other_place() {
        let (file, credential) = (key_of(KEY_FILE, 1), key_of(SYSTEMD_CREDENTIAL, 1));
        for (from, to) in [(&file, &credential), (&credential, &file)] {
            let sealed = from.seal(&secret(), b"row").await.unwrap();
            assert_eq!(sealed.provider, from.provider());
            assert_eq!(
                to.open(&sealed, b"row").await.unwrap().expose(),
                secret().expose()
            );
        }
        let mut sealed = file.seal(&secret(), b"row").await.unwrap();
        sealed.provider = "passphrase".into();
        assert!(matches!(
            file.open(&sealed, b"row").await,
            Err(MasterKeyError::OtherKey { .. })
        ));
    }

    /// What old databases hold. The bytes were made with libsodium, from the sealing key as HMAC-SHA256 gives it.
    #[tokio::test]
    async fn the_format_stays_the_same() {
        let hex = "0202020202020202020202020202020202020202020202028d33ef9984624b95410edc1872ce1c14383bd160129e48391cdd\
                   aad8299665";
        let mut bytes = [0; 55];
        base16ct::lower::decode(hex, &mut bytes).unwrap();
        let sealed = SealedBytes {
            master_key_id: "058ecb2174e83444".parse().unwrap(),
            provider: "key-file".into(),
            format_version: 1,
            ciphertext: bytes.to_vec(),
        };
        let opened = key(1).open(&sealed, b"row 1").await.unwrap();
        assert_eq!(opened.expose(), secret().expose());
    }

    /// The expected value comes from two calls of HMAC-SHA256 by hand, as RFC 5869 spells them out.
    #[test]
    fn the_id_is_derived_and_stays_the_same() {
        assert_eq!(key(1).id().as_str(), "058ecb2174e83444");
        assert_ne!(key(1).id(), key(2).id());
    }
}
