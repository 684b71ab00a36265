//! The folder does what every folder of a backup server promises.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keystead_application::ports::ServerFolder;
use keystead_contract::async_trait;
use keystead_contract::server_folder::ServerFolderFixture;
use tempfile::TempDir;

struct Folders {
    root: TempDir,
    made: AtomicU32,
}

#[async_trait]
impl ServerFolderFixture for Folders {
    async fn folder(&self) -> [Arc<dyn ServerFolder>; 2] {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.root.path().join(format!("of {number}/server"));
        let folder = |_| -> Arc<dyn ServerFolder> {
            Arc::new(support::folder(&path).with_patience(Duration::from_millis(500)))
        };
        [0, 1].map(folder)
    }
}

keystead_contract::server_folder_contract!(async {
    Folders {
        root: TempDir::new().unwrap(),
        made: AtomicU32::new(0),
    }
});
