use std::sync::{Arc, Mutex};

use keystead_application::ports::{Randomness, RandomnessError};

use crate::token::{lock, spread};

/// Bytes that look random and are the same in every run with the same seed: a counter, spread over all bits. Whoever
/// knows one value knows all that follow, so it is for tests alone. Clones go on with the same counter.
#[derive(Debug, Clone)]
pub struct MemoryRandomness {
    counter: Arc<Mutex<u64>>,
}

impl MemoryRandomness {
    /// The source with this seed.
    #[must_use]
    pub fn seeded(seed: u32) -> Self {
        Self {
            counter: Arc::new(Mutex::new(u64::from(seed) << 32)),
        }
    }
}

impl Default for MemoryRandomness {
    fn default() -> Self {
        Self::seeded(1)
    }
}

impl Randomness for MemoryRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let mut counter = lock(&self.counter);
        *counter = spread(*counter, buffer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keystead_application::ports::RandomnessExt;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let draw = |seed| MemoryRandomness::seeded(seed).bytes::<20>().unwrap();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
