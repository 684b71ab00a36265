//! A key file, protected by a passphrase or not, is what every place for a master key has to be.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::MasterKeyProvider;
use keystead_contract::master_key::MasterKeyFixture;
use keystead_key_file::KeyFileMasterKeyProvider;
use support::{Counting, Person, provider};
use tempfile::TempDir;

/// Each file is a place of its own.
struct Files {
    folder: TempDir,
    made: AtomicU64,
    open: fn(PathBuf) -> Arc<dyn MasterKeyProvider>,
}

impl Files {
    fn with(open: fn(PathBuf) -> Arc<dyn MasterKeyProvider>) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            made: AtomicU64::new(0),
            open,
        }
    }
}

#[keystead_contract::async_trait]
impl MasterKeyFixture for Files {
    async fn provider(&self) -> Arc<dyn MasterKeyProvider> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        (self.open)(self.folder.path().join(format!("{number}.key")))
    }
}

mod key_file {
    use super::*;

    keystead_contract::master_key_contract!(async {
        Files::with(|path| Arc::new(KeyFileMasterKeyProvider::new(path, Arc::new(Counting::new()))))
    });
}

mod passphrase {
    use super::*;

    keystead_contract::master_key_contract!(async {
        Files::with(|path| Arc::new(provider(&path, &Person::who_says(&["open sesame"]))))
    });
}
