//! The local folders are what every file share has to be.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
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
    keeps_inside: bool,
}

impl Folders {
    fn anywhere() -> Self {
        Self {
            root: TempDir::new().unwrap(),
            made: AtomicU64::new(0),
            share: Arc::new(LocalFileShare::new(Arc::new(Counting(AtomicU64::new(0))))),
            keeps_inside: false,
        }
    }

    fn within_one() -> Self {
        let root = TempDir::new().unwrap();
        let chance = Arc::new(Counting(AtomicU64::new(0)));
        Self {
            share: Arc::new(LocalFileShare::within(chance, root.path().to_owned())),
            root,
            made: AtomicU64::new(0),
            keeps_inside: true,
        }
    }

    /// Where a path of the share is on this machine.
    fn at(&self, path: &SharePath) -> PathBuf {
        self.root.path().join(path.as_str())
    }

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
        let name = self.next().to_string();
        let folder = self.root.path().join(&name);
        fs::create_dir(&folder).unwrap();
        match self.keeps_inside {
            true => SharePath::new(name),
            false => SharePath::new(folder.to_str().unwrap()),
        }
    }

    fn knows_folders(&self) -> bool {
        true
    }

    fn keeps_paths_inside(&self) -> bool {
        self.keeps_inside
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        fs::read_dir(self.at(folder)).unwrap().count()
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    /// A killed writer's file: its name is there, and the lock went with the process.
    async fn leave_broken_write(&self, folder: &SharePath) {
        let name = format!(".keystead-{:016x}.tmp", self.next());
        fs::write(self.at(&folder.join(&name)), "half of a").unwrap();
    }

    async fn others_can_read(&self, path: &SharePath) -> Option<bool> {
        Some(fs::metadata(self.at(path)).unwrap().mode() & 0o077 != 0)
    }
}

keystead_contract::file_share_contract!(every_folder, async { Folders::anywhere() });
keystead_contract::file_share_contract!(one_folder, async { Folders::within_one() });
