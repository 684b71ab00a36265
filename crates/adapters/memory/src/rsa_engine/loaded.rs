use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{LoadedKey, RsaError};
use keystead_domain::{Fingerprint, PublicKey, SecretBytes};

use super::Tables;
use crate::token::{lock, token};

/// The right to look up what was encrypted to a key.
pub(super) struct MemoryLoadedKey {
    tables: Arc<Mutex<Tables>>,
    key: Fingerprint,
    modulus_bytes: usize,
}

impl MemoryLoadedKey {
    pub(super) fn new(tables: Arc<Mutex<Tables>>, public: &PublicKey) -> Self {
        Self {
            tables,
            key: public.fingerprint(),
            modulus_bytes: usize::from(public.bits().get()).div_ceil(8),
        }
    }
}

#[async_trait]
impl LoadedKey for MemoryLoadedKey {
    async fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, RsaError> {
        match lock(&self.tables).encrypted.get(ciphertext) {
            Some(found) if found.key == self.key && found.label == label => {
                Ok(SecretBytes::new(found.plaintext.expose().to_vec()))
            }
            Some(_) | None => Err(RsaError::NotDecrypted),
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, RsaError> {
        let signature = token(self.modulus_bytes);
        let signed = (self.key, message.to_vec());
        lock(&self.tables).signed.insert(signature.clone(), signed);
        Ok(signature)
    }
}
