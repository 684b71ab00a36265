//! Ed25519 signatures (RFC 8032) with ed25519-dalek: the manager's own identity.

use std::sync::Arc;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use keystead_application::ports::{Randomness, RandomnessExt, SigningEngine, SigningError, SigningKeyPair};
use keystead_domain::SecretBytes;

/// Makes and uses Ed25519 keys.
#[derive(Clone)]
pub struct Ed25519SigningEngine {
    randomness: Arc<dyn Randomness>,
}

impl Ed25519SigningEngine {
    /// An engine that draws its keys from this source.
    #[must_use]
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self { randomness }
    }
}

impl SigningEngine for Ed25519SigningEngine {
    fn generate(&self) -> Result<SigningKeyPair, SigningError> {
        let seed = self.randomness.secret::<32>()?;
        let key = SigningKey::from_bytes(&seed);
        Ok(SigningKeyPair {
            public_key: key.verifying_key().to_bytes(),
            private_key: SecretBytes::new(seed.to_vec()),
        })
    }

    fn sign(&self, private_key: &SecretBytes, message: &[u8]) -> Result<[u8; 64], SigningError> {
        let seed: &[u8; 32] = private_key
            .expose()
            .try_into()
            .map_err(|_| SigningError::Malformed)?;
        Ok(SigningKey::from_bytes(seed).sign(message).to_bytes())
    }

    fn verify(
        &self,
        public_key: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), SigningError> {
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| SigningError::BadSignature)?;
        key.verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| SigningError::BadSignature)
    }
}

#[cfg(test)]
mod tests;
