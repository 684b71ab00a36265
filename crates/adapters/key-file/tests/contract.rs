//! The key file is what every place for a master key has to be.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{MasterKeyProvider, Randomness, RandomnessError};
use keystead_contract::master_key::MasterKeyFixture;
use keystead_key_file::KeyFileMasterKeyProvider;
use tempfile::TempDir;

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

struct Folders {
    root: TempDir,
    made: AtomicU64,
    randomness: Arc<Counting>,
}

#[keystead_contract::async_trait]
impl MasterKeyFixture for Folders {
    async fn provider(&self) -> Arc<dyn MasterKeyProvider> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.root.path().join(format!("{number}.key"));
        Arc::new(KeyFileMasterKeyProvider::new(
            path,
            Arc::clone(&self.randomness) as _,
        ))
    }
}

keystead_contract::master_key_contract!(async {
    Folders {
        root: TempDir::new().unwrap(),
        made: AtomicU64::new(0),
        randomness: Arc::new(Counting(AtomicU64::new(1))),
    }
});
