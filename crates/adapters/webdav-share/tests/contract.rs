//! Two WebDAV servers of other people, as every file share has to be.

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
use keystead_test_servers::{WebDavServer, WebDavSettings, WebDavSoftware};
use support::share_at;

struct Server {
    server: WebDavServer,
    share: Arc<dyn FileShare>,
    made: AtomicU64,
}

impl Server {
    async fn of(software: WebDavSoftware) -> Option<Self> {
        let server = WebDavServer::start(WebDavSettings {
            software,
            ..WebDavSettings::default()
        })?;
        server.make_folder("top of it");
        let share = share_at(&format!("{}/top%20of%20it", server.url())).await;
        Some(Self {
            server,
            share,
            made: AtomicU64::new(0),
        })
    }

    fn next(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    fn at(&self, path: &SharePath) -> PathBuf {
        self.server.root().join("top of it").join(path.as_str())
    }
}

#[keystead_contract::async_trait]
impl FileShareFixture for Server {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::clone(&self.share)
    }

    async fn folder(&self) -> SharePath {
        let name = format!("folder {}", self.next());
        self.server.make_folder(&format!("top of it/{name}"));
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

    async fn leave_broken_write(&self, folder: &SharePath) {
        let name = format!(".keystead-{:016x}-{}.tmp", self.next(), MemoryProcesses::ENDED);
        fs::write(self.at(&folder.join(&name)), "half of a").unwrap();
    }

    async fn others_can_read(&self, _path: &SharePath) -> Option<bool> {
        None
    }
}

async fn report_of(software: WebDavSoftware) -> Option<keystead_contract::Report> {
    let server = Server::of(software).await?;
    let suite = keystead_contract::file_share::suite();
    Some(suite.run(Arc::new(server)).await)
}

#[test]
fn rclone_is_a_file_share() -> Result<(), keystead_contract::Failed> {
    let report = keystead_contract::block_on(report_of(WebDavSoftware::Rclone));
    report.map_or(Ok(()), keystead_contract::Report::into_result)
}

/// Version 4.4 decodes the `Destination` of a MOVE before it takes it apart, so that a name ends at a `;` or `?` in it.
/// The writer notices.
#[test]
fn wsgidav_is_a_file_share_but_for_names_that_it_cuts() {
    let Some(report) = keystead_contract::block_on(report_of(WebDavSoftware::WsgiDav)) else {
        return;
    };
    let broken: Vec<(&str, String)> = report
        .violated()
        .map(|(case, what)| (case, what.to_string()))
        .collect();
    let [(case, what)] = broken.as_slice() else {
        panic!("{report}")
    };
    assert_eq!(*case, "names_beyond_ascii_work", "{report}");
    assert!(what.contains("no file of this name"), "{report}");
}
