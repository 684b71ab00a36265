//! The store is what every store has to be, on each engine.

#![allow(clippy::unwrap_used, reason = "a fixture that fails fails its test")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keystead_application::ports::{Schema, Store};
use keystead_contract::Failed;
use keystead_contract::store::{FreshStore, StoreFixture, suite};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};
use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};
use tempfile::TempDir;

async fn connect(options: SeaOrmOptions) -> Arc<dyn Store> {
    SeaOrmSchema::new(options.clone())
        .unwrap()
        .migrate()
        .await
        .unwrap();
    Arc::new(SeaOrmStore::connect(options).await.unwrap())
}

struct SqliteFiles {
    folder: TempDir,
    made: AtomicU32,
}

impl SqliteFiles {
    async fn connect(path: &Path) -> Arc<dyn Store> {
        connect(SeaOrmOptions::for_sqlite_file(path).unwrap()).await
    }
}

#[keystead_contract::async_trait]
impl StoreFixture for SqliteFiles {
    async fn store(&self) -> FreshStore {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{number}.db"));
        FreshStore {
            store: Self::connect(&path).await,
            place: path.to_str().unwrap().to_owned(),
        }
    }

    fn can_reopen(&self) -> bool {
        true
    }

    async fn reopen(&self, place: &str) -> Arc<dyn Store> {
        Self::connect(Path::new(place)).await
    }
}

/// Databases of a server; the place is the URL.
struct Databases {
    create: Box<dyn Fn() -> String + Send + Sync>,
}

#[keystead_contract::async_trait]
impl StoreFixture for Databases {
    async fn store(&self) -> FreshStore {
        let place = (self.create)();
        FreshStore {
            store: connect(SeaOrmOptions::new(&place)).await,
            place,
        }
    }

    fn can_reopen(&self) -> bool {
        true
    }

    async fn reopen(&self, place: &str) -> Arc<dyn Store> {
        connect(SeaOrmOptions::new(place)).await
    }
}

keystead_contract::store_contract!(sqlite, async {
    SqliteFiles {
        folder: TempDir::new().unwrap(),
        made: AtomicU32::new(0),
    }
});

/// The same on a server, unless there is none.
fn on_a_server(create: impl Fn() -> String + Send + Sync + 'static) -> Result<(), Failed> {
    let fixture: Arc<dyn StoreFixture> = Arc::new(Databases {
        create: Box::new(create),
    });
    keystead_contract::block_on(async { suite().run(fixture).await.into_result() })
}

#[test]
fn postgresql() -> Result<(), Failed> {
    match PostgresServer::start(Settings::default()) {
        Some(server) => on_a_server(move || server.url_of(&server.create_database())),
        None => Ok(()),
    }
}

#[test]
fn mariadb() -> Result<(), Failed> {
    match MariaDbServer::start(Settings::default()) {
        Some(server) => on_a_server(move || server.url_of(&server.create_database())),
        None => Ok(()),
    }
}
