mod encoding;
mod loaded;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{
    EncodedPrivateKey, EncodedPublicKey, KeyPair, LoadedKey, RsaEngine, RsaError,
};
use keystead_domain::{Fingerprint, GenerateBits, PrivateKey, PublicKey, RsaPublicNumbers, SecretBytes};

use self::encoding::{decode_public, encode_private, encode_public, private_handle};
use self::loaded::MemoryLoadedKey;
use crate::token::{lock, token};

/// An engine with fake keys that cost nothing: numbers of the right size without any arithmetic behind them, and tokens
/// for ciphertexts and signatures. It admits only keys that it made. Clones know the same keys, so two installations
/// that exchange keysets in a test share one engine.
#[derive(Clone, Default)]
pub struct MemoryRsaEngine {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    /// The public key of each private one.
    public_of: HashMap<Vec<u8>, PublicKey>,
    /// What each ciphertext stands for.
    encrypted: HashMap<Vec<u8>, Encrypted>,
    /// What each signature was made for.
    signed: HashMap<Vec<u8>, (Fingerprint, Vec<u8>)>,
}

struct Encrypted {
    key: Fingerprint,
    label: Vec<u8>,
    plaintext: SecretBytes,
}

impl MemoryRsaEngine {
    /// An engine that has made no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The key behind encoded private bytes, if this engine made it.
    fn public_of(&self, private: &[u8]) -> Result<PublicKey, RsaError> {
        let handle = private_handle(private)?;
        let tables = lock(&self.tables);
        tables
            .public_of
            .get(handle)
            .cloned()
            .ok_or_else(|| RsaError::Malformed {
                what: "private key",
                why: "this engine did not make it".to_owned(),
            })
    }
}

#[async_trait]
impl RsaEngine for MemoryRsaEngine {
    async fn generate(&self, bits: GenerateBits) -> Result<KeyPair, RsaError> {
        let mut modulus = token(usize::from(bits.get()) / 8);
        modulus[0] |= 0x80;
        if let Some(last) = modulus.last_mut() {
            *last |= 1;
        }
        let public = self.public_from_numbers(&RsaPublicNumbers::new(&modulus, &[1, 0, 1]))?;
        let handle = token(32);
        let private = PrivateKey::from_pkcs8_der(SecretBytes::new(encode_private(&handle)));
        lock(&self.tables).public_of.insert(handle, public.clone());
        Ok(KeyPair { private, public })
    }

    async fn admit(&self, key: EncodedPrivateKey) -> Result<KeyPair, RsaError> {
        match key {
            EncodedPrivateKey::Pkcs8(bytes) => {
                let public = self.public_of(bytes.expose())?;
                let private = PrivateKey::from_pkcs8_der(bytes);
                Ok(KeyPair { private, public })
            }
            EncodedPrivateKey::Pkcs1(_) => Err(RsaError::NotAccepted(
                "the engine in memory makes no PKCS#1 keys".to_owned(),
            )),
        }
    }

    async fn load(&self, key: &PrivateKey) -> Result<Box<dyn LoadedKey>, RsaError> {
        let public = self.public_of(key.expose())?;
        Ok(Box::new(MemoryLoadedKey::new(Arc::clone(&self.tables), &public)))
    }

    fn read_public(&self, key: &EncodedPublicKey) -> Result<PublicKey, RsaError> {
        match key {
            EncodedPublicKey::Spki(bytes) => Ok(PublicKey::new(bytes.clone(), &decode_public(bytes)?)?),
            EncodedPublicKey::Pkcs1(_) => Err(RsaError::NotAccepted(
                "the engine in memory makes no PKCS#1 keys".to_owned(),
            )),
        }
    }

    fn public_from_numbers(&self, numbers: &RsaPublicNumbers) -> Result<PublicKey, RsaError> {
        Ok(PublicKey::new(encode_public(numbers), numbers)?)
    }

    fn numbers(&self, key: &PublicKey) -> Result<RsaPublicNumbers, RsaError> {
        decode_public(key.spki_der())
    }

    fn encrypt(&self, key: &PublicKey, label: &[u8], plaintext: &SecretBytes) -> Result<Vec<u8>, RsaError> {
        // As long and as short as RSA-OAEP with SHA-256 (RFC 8017, section 7.1.1).
        let modulus_bytes = usize::from(key.bits().get()).div_ceil(8);
        if plaintext.expose().len() > modulus_bytes - 2 * 32 - 2 {
            return Err(RsaError::NotAccepted(
                "the text is too long for the key".to_owned(),
            ));
        }
        let ciphertext = token(modulus_bytes);
        let encrypted = Encrypted {
            key: key.fingerprint(),
            label: label.to_vec(),
            plaintext: SecretBytes::new(plaintext.expose().to_vec()),
        };
        lock(&self.tables).encrypted.insert(ciphertext.clone(), encrypted);
        Ok(ciphertext)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), RsaError> {
        match lock(&self.tables).signed.get(signature) {
            Some((signer, signed)) if *signer == key.fingerprint() && signed == message => Ok(()),
            Some(_) | None => Err(RsaError::BadSignature),
        }
    }
}
