use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keystead_application::ports::{SigningEngine, SigningError, SigningKeyPair};
use keystead_domain::SecretBytes;

use crate::token::{lock, token, token_array};

/// Hands out tokens for signatures. It is no Ed25519, and only knows keys that it made. Clones know the same keys.
#[derive(Clone, Default)]
pub struct MemorySigningEngine {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    public_of: HashMap<Vec<u8>, [u8; 32]>,
    signature_of: HashMap<([u8; 32], Vec<u8>), [u8; 64]>,
}

impl MemorySigningEngine {
    /// An engine that has made no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The public half of a key that it made.
    pub(crate) fn public_key_of(&self, private_key: &SecretBytes) -> Option<[u8; 32]> {
        lock(&self.tables).public_of.get(private_key.expose()).copied()
    }
}

impl SigningEngine for MemorySigningEngine {
    fn generate(&self) -> Result<SigningKeyPair, SigningError> {
        let (private_key, public_key) = (token(32), token_array());
        lock(&self.tables)
            .public_of
            .insert(private_key.clone(), public_key);
        Ok(SigningKeyPair {
            private_key: SecretBytes::new(private_key),
            public_key,
        })
    }

    fn sign(&self, private_key: &SecretBytes, message: &[u8]) -> Result<[u8; 64], SigningError> {
        let mut tables = lock(&self.tables);
        let public_key = *tables
            .public_of
            .get(private_key.expose())
            .ok_or(SigningError::Malformed)?;
        let place = tables.signature_of.entry((public_key, message.to_vec()));
        Ok(*place.or_insert_with(token_array))
    }

    fn verify(
        &self,
        public_key: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), SigningError> {
        let tables = lock(&self.tables);
        match tables.signature_of.get(&(*public_key, message.to_vec())) {
            Some(made) if made == signature => Ok(()),
            Some(_) | None => Err(SigningError::BadSignature),
        }
    }
}
