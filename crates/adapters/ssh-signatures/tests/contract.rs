//! The adapter does what all SSH signatures promise.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use ed25519_dalek::SigningKey;
use keystead_application::ports::{SigningKeyPair, SshSignatures};
use keystead_contract::ssh_signatures::SshSignaturesFixture;
use keystead_domain::SecretBytes;
use keystead_ssh_signatures::OpenSshSignatures;

struct Keys(AtomicU8);

impl SshSignaturesFixture for Keys {
    fn signatures(&self) -> Arc<dyn SshSignatures> {
        Arc::new(OpenSshSignatures)
    }

    fn key_pair(&self) -> SigningKeyPair {
        let seed = [self.0.fetch_add(1, Ordering::Relaxed); 32];
        SigningKeyPair {
            private_key: SecretBytes::new(seed.to_vec()),
            public_key: SigningKey::from_bytes(&seed).verifying_key().to_bytes(),
        }
    }

    fn is_ed25519(&self) -> bool {
        true
    }
}

keystead_contract::ssh_signatures_contract!(async { Keys(AtomicU8::new(1)) });
