//! The local folders are what every file share has to be.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{FileShare, Randomness, RandomnessError, SharePath};
use keystead_contract::file_share::FileShareFixture;
use keystead_local_share::LocalFileShare;
use tempfile::TempDir;

/// Never twice the same; a temporary name needs no more.
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.copy_from_slice(&number[..buffer.len()]);
        Ok(())
    }
}

struct Folders {
    root: TempDir,
    made: AtomicU64,
    share: Arc<LocalFileShare>,
}

impl Folders {
    fn next(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }
}

#[keystead_contract::async_trait]
impl FileShareFixture for Folders {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::clone(&self.share) as _
    }

    async fn folder(&self) -> SharePath {
        let folder = self.root.path().join(self.next().to_string());
        fs::create_dir(&folder).unwrap();
        SharePath::new(folder.to_str().unwrap())
    }

    fn knows_folders(&self) -> bool {
        true
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        fs::read_dir(folder.as_str()).unwrap().count()
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    /// A killed writer's file: its name is there, and the lock went with the process.
    async fn leave_broken_write(&self, folder: &SharePath) {
        let name = format!(".keystead-{:016x}.tmp", self.next());
        fs::write(folder.join(&name).as_str(), "half of a").unwrap();
    }

    async fn others_can_read(&self, path: &SharePath) -> Option<bool> {
        Some(fs::metadata(path.as_str()).unwrap().mode() & 0o077 != 0)
    }
}

keystead_contract::file_share_contract!(async {
    Folders {
        root: TempDir::new().unwrap(),
        made: AtomicU64::new(0),
        share: Arc::new(LocalFileShare::new(Arc::new(Counting(AtomicU64::new(0))))),
    }
});
