//! The engine is what every signing engine has to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{Randomness, RandomnessError, SigningEngine};
use keystead_contract::signing::SigningFixture;
use keystead_ed25519::Ed25519SigningEngine;

/// Never twice the same; the suite asks for no more.
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer
            .iter_mut()
            .zip(number.iter().cycle())
            .for_each(|(b, n)| *b = *n);
        Ok(())
    }
}

struct Engines(Arc<Counting>);

impl SigningFixture for Engines {
    fn engine(&self) -> Arc<dyn SigningEngine> {
        Arc::new(Ed25519SigningEngine::new(Arc::clone(&self.0) as _))
    }

    fn is_ed25519(&self) -> bool {
        true
    }
}

keystead_contract::signing_contract!(async { Engines(Arc::new(Counting(AtomicU64::new(1)))) });
