//! A share of a real Samba server is what every file share has to be.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that fails fails its test"
)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{FileShare, SharePath};
use keystead_contract::file_share::FileShareFixture;
use keystead_memory::MemoryProcesses;
use keystead_test_servers::SambaServer;

struct Samba {
    server: &'static SambaServer,
    /// The share, and the folder on it that is the top.
    name: &'static str,
    top: &'static str,
    share: Arc<dyn FileShare>,
}

static MADE: AtomicU64 = AtomicU64::new(0);

impl Samba {
    async fn new(server: &'static SambaServer, name: &'static str, top: &'static str) -> Self {
        if !top.is_empty() && !server.root(name).join(top).exists() {
            server.make_folder(name, top);
        }
        let access = support::access(&format!("{}/{top}", server.url(name)));
        Self {
            server,
            name,
            top,
            share: support::connect(&access).await.unwrap(),
        }
    }

    /// Where a path of the share is on this machine.
    fn at(&self, path: &SharePath) -> PathBuf {
        self.server.root(self.name).join(self.top).join(path.as_str())
    }
}

#[keystead_contract::async_trait]
impl FileShareFixture for Samba {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::clone(&self.share)
    }

    async fn folder(&self) -> SharePath {
        let name = format!("Ordner {}", MADE.fetch_add(1, Ordering::Relaxed));
        let path = std::path::Path::new(self.top).join(&name);
        self.server.make_folder(self.name, path.to_str().unwrap());
        SharePath::new(name)
    }

    fn knows_folders(&self) -> bool {
        true
    }

    fn keeps_paths_inside(&self) -> bool {
        true
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        fs::read_dir(self.at(folder)).unwrap().count()
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    /// A killed writer's file, and nobody has it open.
    async fn leave_broken_write(&self, folder: &SharePath) {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!(".keystead-{number:016x}-{}.tmp", MemoryProcesses::ENDED);
        fs::write(self.at(&folder.join(&name)), "half of a").unwrap();
    }

    async fn others_can_read(&self, _path: &SharePath) -> Option<bool> {
        None
    }
}

/// The whole share, and a folder of it.
#[test]
fn a_samba_share_is_a_file_share() -> Result<(), keystead_contract::Failed> {
    proven(SambaServer::SAFE, "")
}

#[test]
fn a_folder_of_a_samba_share_is_a_file_share() -> Result<(), keystead_contract::Failed> {
    proven(SambaServer::SAFE, "büro keys")
}

#[test]
fn a_samba_share_that_demands_encryption_is_a_file_share() -> Result<(), keystead_contract::Failed> {
    proven(SambaServer::ENCRYPTED, "")
}

fn proven(name: &'static str, top: &'static str) -> Result<(), keystead_contract::Failed> {
    let Some(server) = support::server() else {
        return Ok(());
    };
    keystead_contract::block_on(async {
        let fixture: Arc<dyn FileShareFixture> = Arc::new(Samba::new(server, name, top).await);
        keystead_contract::file_share::suite()
            .run(fixture)
            .await
            .into_result()
    })
}
