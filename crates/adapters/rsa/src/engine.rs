use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    EncodedPrivateKey, EncodedPublicKey, KeyPair, LoadedKey, Randomness, RsaEngine, RsaError,
};
use keystead_domain::{GenerateBits, PrivateKey, PublicKey, RsaPublicNumbers, SecretBytes};

use crate::private_der::PrivateNumbers;
use crate::random::{PortRng, no_randomness};
use crate::{admission, public};

/// What differs between engines: the operations that need the private key. Calls take long and block.
pub trait PrivateOperations: Sized + Send + Sync + 'static {
    /// Prepares a key. `pkcs8` is the encoding that `numbers` were read from; an engine takes whichever suits it.
    ///
    /// # Errors
    /// When the engine cannot use the key.
    fn prepare(numbers: &PrivateNumbers<'_>, pkcs8: &[u8]) -> Result<Self, RsaError>;

    /// Decrypts RSA-OAEP with SHA-256 and MGF1 with SHA-256.
    ///
    /// # Errors
    /// [`RsaError::NotDecrypted`], whatever is wrong with the ciphertext.
    fn decrypt(
        &self,
        rng: &mut PortRng<'_>,
        label: &[u8],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, RsaError>;

    /// Signs with RSA-PSS, SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    ///
    /// # Errors
    /// When there is no randomness.
    fn sign(&self, rng: &mut PortRng<'_>, message: &[u8]) -> Result<Vec<u8>, RsaError>;
}

/// An RSA engine: common code for everything, except what the private key does.
pub struct SoftwareRsaEngine<K> {
    randomness: Arc<dyn Randomness>,
    operations: PhantomData<fn() -> K>,
}

impl<K: PrivateOperations> SoftwareRsaEngine<K> {
    /// An engine that takes its randomness from there.
    #[must_use]
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self {
            randomness,
            operations: PhantomData,
        }
    }

    fn rng(&self) -> PortRng<'_> {
        PortRng::new(&*self.randomness)
    }
}

#[async_trait]
impl<K: PrivateOperations> RsaEngine for SoftwareRsaEngine<K> {
    async fn generate(&self, bits: GenerateBits) -> Result<KeyPair, RsaError> {
        let randomness = Arc::clone(&self.randomness);
        blocking(move || {
            let mut rng = PortRng::new(&*randomness);
            let key =
                rsa::PrivateKey::new(&mut rng, usize::from(bits.get())).map_err(|error| match error {
                    rsa::Error::Rng => no_randomness(),
                    other => RsaError::Engine(other.to_string()),
                })?;
            let pair = admission::encode(&key)?;
            round_trip::<K>(&pair, &mut rng)?;
            Ok(pair)
        })
        .await
    }

    async fn admit(&self, key: EncodedPrivateKey) -> Result<KeyPair, RsaError> {
        let randomness = Arc::clone(&self.randomness);
        blocking(move || {
            let pair = admission::check(&PrivateNumbers::read(&key)?)?;
            round_trip::<K>(&pair, &mut PortRng::new(&*randomness))?;
            Ok(pair)
        })
        .await
    }

    async fn load(&self, key: &PrivateKey) -> Result<Box<dyn LoadedKey>, RsaError> {
        let pkcs8 = SecretBytes::new(key.expose().to_vec());
        let operations =
            blocking(move || K::prepare(&PrivateNumbers::read_pkcs8(pkcs8.expose())?, pkcs8.expose()))
                .await?;
        Ok(Box::new(SoftwareKey {
            operations: Arc::new(operations),
            randomness: Arc::clone(&self.randomness),
        }))
    }

    fn read_public(&self, key: &EncodedPublicKey) -> Result<PublicKey, RsaError> {
        public::read(key)
    }

    fn public_from_numbers(&self, numbers: &RsaPublicNumbers) -> Result<PublicKey, RsaError> {
        public::from_numbers(numbers)
    }

    fn numbers(&self, key: &PublicKey) -> Result<RsaPublicNumbers, RsaError> {
        public::numbers(key)
    }

    fn encrypt(&self, key: &PublicKey, label: &[u8], plaintext: &SecretBytes) -> Result<Vec<u8>, RsaError> {
        public::encrypt(key, label, plaintext, &mut self.rng())
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), RsaError> {
        public::verify(key, message, signature)
    }
}

struct SoftwareKey<K> {
    operations: Arc<K>,
    randomness: Arc<dyn Randomness>,
}

#[async_trait]
impl<K: PrivateOperations> LoadedKey for SoftwareKey<K> {
    async fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, RsaError> {
        let (operations, randomness) = (Arc::clone(&self.operations), Arc::clone(&self.randomness));
        let (label, ciphertext) = (label.to_vec(), ciphertext.to_vec());
        blocking(move || operations.decrypt(&mut PortRng::new(&*randomness), &label, &ciphertext)).await
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, RsaError> {
        let (operations, randomness) = (Arc::clone(&self.operations), Arc::clone(&self.randomness));
        let message = message.to_vec();
        blocking(move || operations.sign(&mut PortRng::new(&*randomness), &message)).await
    }
}

/// The last check of a new key: what its public half encrypts, its private half decrypts, in the encodings that are kept.
fn round_trip<K: PrivateOperations>(pair: &KeyPair, rng: &mut PortRng<'_>) -> Result<(), RsaError> {
    const LABEL: &[u8] = b"keystead round trip";
    let probe = SecretBytes::new(LABEL.to_vec());
    let der = pair.private.expose();
    let key = K::prepare(&PrivateNumbers::read_pkcs8(der)?, der)?;
    let ciphertext = public::encrypt(&pair.public, LABEL, &probe, rng)?;
    match key.decrypt(rng, LABEL, &ciphertext) {
        Ok(plaintext) if plaintext.expose() == probe.expose() => Ok(()),
        Ok(_) | Err(RsaError::NotDecrypted) => Err(RsaError::Engine(
            "the key does not decrypt what was encrypted to it".into(),
        )),
        Err(other) => Err(other),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RsaError> + Send + 'static,
) -> Result<T, RsaError> {
    // What a panic said is not passed on: it may hold values.
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| RsaError::Engine("the computation was interrupted".into()))?
}
