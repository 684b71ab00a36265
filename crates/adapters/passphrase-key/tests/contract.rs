//! The passphrase-protected file is what every place for a master key has to be.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::MasterKeyProvider;
use keystead_contract::master_key::MasterKeyFixture;
use support::{Person, provider};
use tempfile::TempDir;

struct Folders {
    root: TempDir,
    made: AtomicU64,
}

#[keystead_contract::async_trait]
impl MasterKeyFixture for Folders {
    async fn provider(&self) -> Arc<dyn MasterKeyProvider> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.root.path().join(format!("{number}.key"));
        Arc::new(provider(&path, &Person::who_says(&["open sesame"])))
    }
}

keystead_contract::master_key_contract!(async {
    Folders {
        root: TempDir::new().unwrap(),
        made: AtomicU64::new(0),
    }
});
