//! The example is what every file share has to be.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{EntryKind, FileShare, FileShares, SharePath, WholeFileShare};
use keystead_contract::async_trait;
use keystead_contract::file_share::FileShareFixture;
use keystead_redb_share::{FILES, RedbFiles, RedbShareProvider};
use redb::{Database, ReadableDatabase, ReadableTable};
use tempfile::TempDir;

struct OneDatabase {
    _folder: TempDir,
    database: Arc<Database>,
    made: AtomicU64,
}

impl OneDatabase {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            database: Arc::new(Database::create(folder.path().join("files.redb")).unwrap()),
            _folder: folder,
            made: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl FileShareFixture for OneDatabase {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::new(WholeFileShare::new(RedbFiles {
            database: Arc::clone(&self.database),
            place: "redb:///files.redb".to_owned(),
        }))
    }

    async fn folder(&self) -> SharePath {
        SharePath::new(format!("{}/", self.made.fetch_add(1, Ordering::Relaxed)))
    }

    fn knows_folders(&self) -> bool {
        false
    }

    fn keeps_paths_inside(&self) -> bool {
        true
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        let transaction = self.database.begin_read().unwrap();
        let Ok(files) = transaction.open_table(FILES) else {
            return 0;
        };
        let folder = folder.as_str();
        let keys = files.iter().unwrap().map(|row| row.unwrap().0.value().to_owned());
        keys.filter(|key| key.starts_with(folder)).count()
    }

    fn can_break_writes(&self) -> bool {
        false
    }

    async fn leave_broken_write(&self, _: &SharePath) {}

    async fn others_can_read(&self, _: &SharePath) -> Option<bool> {
        None
    }
}

keystead_contract::file_share_contract!(async { OneDatabase::new() });

#[tokio::test]
async fn a_url_leads_to_the_database() {
    let folder = TempDir::new().unwrap();
    let shares = FileShares::new(vec![Arc::new(RedbShareProvider)]);
    let url = format!("redb://{}/files.redb", folder.path().display());
    let located = shares.locate(&url).await.unwrap();
    assert_eq!(
        located.share.stat(&located.path).await.unwrap(),
        Some(EntryKind::Folder)
    );
    assert!(folder.path().join("files.redb").is_file());
}
