//! RSA engines that break a promise each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{
    EncodedPrivateKey, EncodedPublicKey, KeyPair, LoadedKey, RsaEngine, RsaError,
};
use keystead_contract::rsa_engine::RsaEngineFixture;
use keystead_domain::{GenerateBits, PrivateKey, PublicKey, RsaPublicNumbers, SecretBytes};
use keystead_memory::MemoryRsaEngine;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    IgnoresTheLabel,
    TellsWhy,
    VerifiesAnything,
    ForgetsTheMessage,
    MakesOneSize,
    MakesOneKey,
    EncryptsAlike,
    TakesAnyNumbers,
    AdmitsGarbage,
    LoadsGarbage,
    ReadsGarbage,
    CutsTexts,
    MixesUpNumbers,
    PadsCiphertexts,
}

/// The one key that is made again and again.
type Made = Arc<Mutex<Option<(Vec<u8>, PublicKey)>>>;

#[derive(Clone)]
struct BrokenEngine {
    inner: MemoryRsaEngine,
    fault: Fault,
    made: Made,
    encrypted: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
}

struct BrokenFixture(BrokenEngine);

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        Self(BrokenEngine {
            inner: MemoryRsaEngine::new(),
            fault,
            made: Arc::default(),
            encrypted: Arc::default(),
        })
    }
}

#[async_trait]
impl RsaEngineFixture for BrokenFixture {
    async fn engine(&self) -> Arc<dyn RsaEngine> {
        Arc::new(self.0.clone())
    }
}

caught! { rsa_engine, BrokenFixture;
    an_ignored_label: IgnoresTheLabel => "another_label_does_not_decrypt";
    a_reason_that_is_told: TellsWhy => "a_changed_ciphertext_does_not_decrypt";
    a_signature_that_is_always_right: VerifiesAnything => "a_changed_signature_is_not_verified";
    a_signer_that_does_not_matter: VerifiesAnything => "another_key_does_not_verify";
    a_message_that_does_not_matter: ForgetsTheMessage => "a_changed_message_is_not_verified";
    one_size_of_keys: MakesOneSize => "keys_are_made_in_the_size_asked_for";
    one_key: MakesOneKey => "no_key_is_made_twice";
    one_ciphertext: EncryptsAlike => "encrypting_twice_gives_different_ciphertexts";
    any_numbers: TakesAnyNumbers => "numbers_out_of_bounds_are_refused";
    admitted_garbage: AdmitsGarbage => "garbage_is_not_admitted";
    loaded_garbage: LoadsGarbage => "garbage_is_not_loaded";
    garbage_as_a_public_key: ReadsGarbage => "garbage_is_no_public_key";
    cut_texts: CutsTexts => "what_was_encrypted_is_decrypted";
    long_texts: CutsTexts => "a_text_that_is_too_long_is_refused";
    mixed_up_numbers: MixesUpNumbers => "a_public_key_comes_back_from_its_numbers";
    padded_ciphertexts: PadsCiphertexts => "a_ciphertext_of_another_length_does_not_decrypt";
}

impl BrokenEngine {
    fn label<'a>(&self, label: &'a [u8]) -> &'a [u8] {
        if self.fault == Fault::IgnoresTheLabel {
            b""
        } else {
            label
        }
    }

    async fn some_key(&self) -> Result<KeyPair, RsaError> {
        self.inner.generate(GenerateBits::B2048).await
    }
}

#[async_trait]
impl RsaEngine for BrokenEngine {
    async fn generate(&self, bits: GenerateBits) -> Result<KeyPair, RsaError> {
        match self.fault {
            Fault::MakesOneSize => self.some_key().await,
            Fault::MakesOneKey if bits == GenerateBits::B2048 => {
                let pair = self.some_key().await?;
                let mut made = self.made.lock().unwrap();
                let (private, public) = made
                    .get_or_insert_with(|| (pair.private.expose().to_vec(), pair.public.clone()))
                    .clone();
                let private = PrivateKey::from_pkcs8_der(SecretBytes::new(private));
                Ok(KeyPair { private, public })
            }
            _ => self.inner.generate(bits).await,
        }
    }

    async fn admit(&self, key: EncodedPrivateKey) -> Result<KeyPair, RsaError> {
        match self.inner.admit(key).await {
            Err(_) if self.fault == Fault::AdmitsGarbage => self.some_key().await,
            result => result,
        }
    }

    async fn load(&self, key: &PrivateKey) -> Result<Box<dyn LoadedKey>, RsaError> {
        let inner = match self.inner.load(key).await {
            Err(_) if self.fault == Fault::LoadsGarbage => {
                self.inner.load(&self.some_key().await?.private).await?
            }
            result => result?,
        };
        Ok(Box::new(BrokenKey {
            inner,
            engine: self.clone(),
        }))
    }

    fn read_public(&self, key: &EncodedPublicKey) -> Result<PublicKey, RsaError> {
        match self.inner.read_public(key) {
            Err(_) if self.fault == Fault::ReadsGarbage => self
                .inner
                .public_from_numbers(&keystead_contract::samples::public_numbers(1)),
            result => result,
        }
    }

    fn public_from_numbers(&self, numbers: &RsaPublicNumbers) -> Result<PublicKey, RsaError> {
        match self.inner.public_from_numbers(numbers) {
            Err(_) if self.fault == Fault::TakesAnyNumbers => self
                .inner
                .public_from_numbers(&keystead_contract::samples::public_numbers(1)),
            result => result,
        }
    }

    fn numbers(&self, key: &PublicKey) -> Result<RsaPublicNumbers, RsaError> {
        let mut numbers = self.inner.numbers(key)?;
        if self.fault == Fault::MixesUpNumbers {
            numbers.modulus.reverse();
            numbers.modulus[0] |= 0x80;
        }
        Ok(numbers)
    }

    fn encrypt(&self, key: &PublicKey, label: &[u8], plaintext: &SecretBytes) -> Result<Vec<u8>, RsaError> {
        let label = self.label(label);
        match self.fault {
            Fault::CutsTexts => {
                let cut = &plaintext.expose()[..plaintext.expose().len().min(189)];
                self.inner.encrypt(key, label, &SecretBytes::new(cut.to_vec()))
            }
            Fault::EncryptsAlike => {
                let same = [key.spki_der(), label, plaintext.expose()].concat();
                let made = self.inner.encrypt(key, label, plaintext)?;
                Ok(self.encrypted.lock().unwrap().entry(same).or_insert(made).clone())
            }
            _ => self.inner.encrypt(key, label, plaintext),
        }
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), RsaError> {
        match self.fault {
            Fault::VerifiesAnything => Ok(()),
            Fault::ForgetsTheMessage => self.inner.verify(key, b"", signature),
            _ => self.inner.verify(key, message, signature),
        }
    }
}

struct BrokenKey {
    inner: Box<dyn LoadedKey>,
    engine: BrokenEngine,
}

#[async_trait]
impl LoadedKey for BrokenKey {
    async fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, RsaError> {
        let label = self.engine.label(label);
        match self.engine.fault {
            Fault::TellsWhy => {
                let told = |_| RsaError::Engine("the padding is wrong".to_owned());
                self.inner.decrypt(label, ciphertext).await.map_err(told)
            }
            // As with numbers that are compared and not byte strings: a zero in front changes nothing.
            Fault::PadsCiphertexts => {
                let bare = ciphertext.strip_prefix(&[0]).filter(|bare| bare.len() == 256);
                self.inner.decrypt(label, bare.unwrap_or(ciphertext)).await
            }
            _ => self.inner.decrypt(label, ciphertext).await,
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, RsaError> {
        match self.engine.fault {
            Fault::ForgetsTheMessage => self.inner.sign(b"").await,
            _ => self.inner.sign(message).await,
        }
    }
}
