//! What every file share has to be: on OpenSSH, and on a server with few of its extensions.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{FileShare, ShareCapabilities, SharePath, ShareProvider};
use keystead_contract::file_share::{FileShareFixture, suite};
use keystead_memory::MemoryProcesses;
use keystead_test_servers::{PASSWORD, RcloneSftpServer, SshServer};

use crate::support::{Shared, access_to, access_to_rclone, provider};

struct Fixture {
    share: Shared,
    root: PathBuf,
    make_folder: Box<dyn Fn(&str) + Send + Sync>,
    made: AtomicU64,
}

#[keystead_contract::async_trait]
impl FileShareFixture for Fixture {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::clone(&self.share)
    }

    async fn folder(&self) -> SharePath {
        let name = self.made.fetch_add(1, Ordering::Relaxed).to_string();
        (self.make_folder)(&name);
        SharePath::new(name)
    }

    fn knows_folders(&self) -> bool {
        true
    }

    fn keeps_paths_inside(&self) -> bool {
        true
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        fs::read_dir(self.root.join(folder.as_str())).unwrap().count()
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    /// What a process wrote that has ended.
    async fn leave_broken_write(&self, folder: &SharePath) {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!(".keystead-{number:016x}-{}.tmp", MemoryProcesses::ENDED);
        fs::write(self.root.join(folder.as_str()).join(name), "half of a").unwrap();
    }

    async fn others_can_read(&self, path: &SharePath) -> Option<bool> {
        let found = fs::metadata(self.root.join(path.as_str())).unwrap();
        Some(found.mode() & 0o077 != 0)
    }
}

#[test]
fn openssh_is_a_file_share() {
    let Some(server) = SshServer::start() else { return };
    keystead_contract::block_on(async {
        let share = provider()
            .connect(&access_to(&server, &server.root()))
            .await
            .unwrap();
        assert_eq!(share.capabilities().missing().collect::<Vec<_>>(), [""; 0]);
        let root = server.root();
        let fixture: Arc<dyn FileShareFixture> = Arc::new(Fixture {
            share,
            root,
            make_folder: Box::new(move |name| drop(server.make_folder(name))),
            made: AtomicU64::new(0),
        });
        suite().run(fixture).await.into_result().unwrap();
    });
}

#[test]
fn rclone_is_a_file_share_that_promises_less() {
    let Some(server) = RcloneSftpServer::start() else {
        return;
    };
    keystead_contract::block_on(async {
        let share = provider()
            .connect(&access_to_rclone(&server, PASSWORD))
            .await
            .unwrap();
        assert_eq!(share.capabilities(), ShareCapabilities::NONE);
        let root = server.root();
        let fixture: Arc<dyn FileShareFixture> = Arc::new(Fixture {
            share,
            root,
            make_folder: Box::new(move |name| drop(server.make_folder(name))),
            made: AtomicU64::new(0),
        });
        suite().run(fixture).await.into_result().unwrap();
    });
}

#[test]
fn openssh_without_its_extensions_is_a_file_share_that_promises_less() {
    let without = "hardlink,posix-rename,fsync,statvfs,limits";
    let Some(server) = SshServer::start_without(without) else {
        return;
    };
    keystead_contract::block_on(async {
        let access = access_to(&server, &server.root());
        let share = provider().connect(&access).await.unwrap();
        assert_eq!(share.capabilities(), ShareCapabilities::NONE);
        let root = server.root();
        let fixture: Arc<dyn FileShareFixture> = Arc::new(Fixture {
            share,
            root,
            make_folder: Box::new(move |name| drop(server.make_folder(name))),
            made: AtomicU64::new(0),
        });
        suite().run(fixture).await.into_result().unwrap();
    });
}
