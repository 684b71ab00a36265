use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, Randomness};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};

use crate::cipher::{Cipher, Label, Name, Parts, Secret};
use crate::place::unusable;
use crate::{KEY_FILE, SYSTEMD_CREDENTIAL};

/// The same line is the same key in a file and in a credential.
pub(crate) const LABEL: Label = Label("key-file");

/// A master key that nothing but its place protects: read from a key file or a credential.
pub(crate) struct PlainMasterKey {
    id: MasterKeyId,
    provider: &'static str,
    cipher: Cipher,
    randomness: Arc<dyn Randomness>,
    place: String,
}

impl PlainMasterKey {
    fn new(
        secret: &Secret,
        provider: &'static str,
        randomness: Arc<dyn Randomness>,
        place: String,
    ) -> Result<Self, String> {
        Ok(Self {
            id: LABEL.id_of(secret)?,
            provider,
            cipher: Cipher::new(secret, LABEL)?,
            randomness,
            place,
        })
    }

    /// As the provider hands it out.
    pub(crate) fn shared(
        secret: &Secret,
        provider: &'static str,
        randomness: &Arc<dyn Randomness>,
        path: &Path,
    ) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let place = path.display().to_string();
        match Self::new(secret, provider, Arc::clone(randomness), place) {
            Ok(key) => Ok(Arc::new(key)),
            Err(why) => Err(unusable(path, why)),
        }
    }
}

#[async_trait]
impl MasterKey for PlainMasterKey {
    fn id(&self) -> &MasterKeyId {
        &self.id
    }

    fn provider(&self) -> &'static str {
        self.provider
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        let name = Name {
            id: &self.id,
            provider: self.provider,
        };
        let sealed = self.cipher.seal(secret, context, name, self.randomness.as_ref());
        sealed.map_err(|why| MasterKeyError::Unusable {
            place: self.place.clone(),
            why,
        })
    }

    async fn open(&self, sealed: &SealedBytes, context: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        let parts = Parts::of(sealed, &self.id, &[KEY_FILE, SYSTEMD_CREDENTIAL])?;
        self.cipher.open(&parts, context)
    }
}

#[cfg(test)]
mod tests {
    use keystead_application::ports::RandomnessError;
    use zeroize::Zeroizing;

    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Randomness for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
            buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            Ok(())
        }
    }

    fn key(n: u8) -> PlainMasterKey {
        key_of(KEY_FILE, n)
    }

    fn key_of(provider: &'static str, n: u8) -> PlainMasterKey {
        let randomness = Arc::new(Counting(0.into()));
        PlainMasterKey::new(&Zeroizing::new([n; 32]), provider, randomness, "here".into()).unwrap()
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
