//! An S3 server of other people, as every file share has to be.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that fails fails its test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{FileShare, SharePath};
use keystead_contract::file_share::FileShareFixture;
use keystead_memory::MemoryProcesses;
use keystead_test_servers::{S3Server, S3Settings, have};
use support::{access, connect};

struct Server {
    server: S3Server,
    share: Arc<dyn FileShare>,
    made: AtomicU64,
}

impl Server {
    async fn new() -> Option<Self> {
        if !have(&["s3cmd"]) {
            return None;
        }
        let server = S3Server::start(S3Settings::default())?;
        let url = format!("{}/top%20of%20it", server.url());
        let share = connect(&access(&url, &server.endpoint())).await.unwrap();
        Some(Self {
            server,
            share,
            made: AtomicU64::new(0),
        })
    }
}

#[keystead_contract::async_trait]
impl FileShareFixture for Server {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::clone(&self.share)
    }

    async fn folder(&self) -> SharePath {
        SharePath::new(format!("folder {}", self.made.fetch_add(1, Ordering::Relaxed)))
    }

    fn knows_folders(&self) -> bool {
        false
    }

    fn keeps_paths_inside(&self) -> bool {
        true
    }

    /// Objects, and the uploads that were begun: they are paid for too.
    async fn files_in(&self, folder: &SharePath) -> usize {
        let url = format!("{}/top of it/{folder}/", self.server.url());
        let objects = self.server.s3cmd(&["ls", "--recursive", &url]);
        let uploads = self.server.s3cmd(&["multipart", &self.server.url()]);
        let uploads = uploads
            .lines()
            .filter(|line| line.contains(&format!("{folder}/")));
        objects.lines().count() + uploads.count()
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    /// What is left of a process that was killed while it found out what the server promises.
    async fn leave_broken_write(&self, folder: &SharePath) {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!(".keystead-{number:016x}-{}.tmp", MemoryProcesses::ENDED);
        let left = self.server.scratch("left");
        std::fs::write(&left, "trial").unwrap();
        let url = format!("{}/top of it/{folder}/{name}", self.server.url());
        self.server.s3cmd(&["put", left.to_str().unwrap(), &url]);
    }

    async fn others_can_read(&self, _path: &SharePath) -> Option<bool> {
        None
    }
}

#[test]
fn moto_is_a_file_share() -> Result<(), keystead_contract::Failed> {
    keystead_contract::block_on(async {
        let Some(server) = Server::new().await else {
            return Ok(());
        };
        let suite = keystead_contract::file_share::suite();
        suite.run(Arc::new(server)).await.into_result()
    })
}
