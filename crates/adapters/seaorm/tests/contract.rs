//! The store is what every store has to be.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keystead_application::ports::{Schema, Store};
use keystead_contract::store::{FreshStore, StoreFixture};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};
use tempfile::TempDir;

struct SqliteFiles {
    folder: TempDir,
    made: AtomicU32,
}

async fn connect(path: &Path) -> Arc<dyn Store> {
    let options = SeaOrmOptions::for_sqlite_file(path).unwrap();
    SeaOrmSchema::new(options.clone())
        .unwrap()
        .migrate()
        .await
        .unwrap();
    Arc::new(SeaOrmStore::connect(options).await.unwrap())
}

#[keystead_contract::async_trait]
impl StoreFixture for SqliteFiles {
    async fn store(&self) -> FreshStore {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{number}.db"));
        FreshStore {
            store: connect(&path).await,
            place: path.to_str().unwrap().to_owned(),
        }
    }

    fn can_reopen(&self) -> bool {
        true
    }

    async fn reopen(&self, place: &str) -> Arc<dyn Store> {
        connect(Path::new(place)).await
    }
}

keystead_contract::store_contract!(async {
    SqliteFiles {
        folder: TempDir::new().unwrap(),
        made: AtomicU32::new(0),
    }
});
