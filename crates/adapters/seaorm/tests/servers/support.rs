use std::sync::OnceLock;
use std::time::Duration;

use keystead_application::ports::{Schema, Store, StoreError, StoreErrorKind};
use keystead_contract::samples;
use keystead_domain::{Action, AuditEvent, Keyset};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};
use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};

/// What the engines' servers have in common.
pub(crate) trait Server: Send + Sync {
    fn url_of(&self, database: &str) -> String;
    fn create_database(&self) -> String;
    fn client(&self, database: &str, sql: &str) -> String;
    fn port(&self) -> u16;
    fn kill(&mut self);
    fn restart(&mut self);
    /// Ends all connections to a database, but not the server.
    fn hang_up(&self, database: &str);
}

impl Server for PostgresServer {
    fn url_of(&self, database: &str) -> String {
        self.url_of(database)
    }
    fn create_database(&self) -> String {
        self.create_database()
    }
    fn client(&self, database: &str, sql: &str) -> String {
        self.client(database, sql)
    }
    fn port(&self) -> u16 {
        self.port()
    }
    fn kill(&mut self) {
        self.kill();
    }
    fn restart(&mut self) {
        self.restart();
    }
    fn hang_up(&self, database: &str) {
        let sql = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = ";
        let ended = self.client("postgres", &format!("{sql}'{database}'"));
        assert!(ended.contains('t'), "nobody was connected");
    }
}

impl Server for MariaDbServer {
    fn url_of(&self, database: &str) -> String {
        self.url_of(database)
    }
    fn create_database(&self) -> String {
        self.create_database()
    }
    fn client(&self, database: &str, sql: &str) -> String {
        self.client(database, sql)
    }
    fn port(&self) -> u16 {
        self.port()
    }
    fn kill(&mut self) {
        self.kill();
    }
    fn restart(&mut self) {
        self.restart();
    }
    fn hang_up(&self, database: &str) {
        let who = format!("SELECT id FROM information_schema.processlist WHERE db = '{database}'");
        let ids = self.client("information_schema", &who);
        assert!(!ids.is_empty(), "nobody was connected");
        for id in ids.lines() {
            self.client("mysql", &format!("KILL {id}"));
        }
    }
}

pub(crate) fn postgres() -> Option<&'static PostgresServer> {
    static SERVER: OnceLock<Option<PostgresServer>> = OnceLock::new();
    SERVER
        .get_or_init(|| PostgresServer::start(Settings::default()))
        .as_ref()
}

pub(crate) fn mariadb() -> Option<&'static MariaDbServer> {
    static SERVER: OnceLock<Option<MariaDbServer>> = OnceLock::new();
    SERVER
        .get_or_init(|| MariaDbServer::start(Settings::default()))
        .as_ref()
}

/// The servers that all tests share.
pub(crate) fn servers() -> Vec<&'static dyn Server> {
    let postgres = postgres().map(|server| server as &dyn Server);
    let mariadb = mariadb().map(|server| server as &dyn Server);
    postgres.into_iter().chain(mariadb).collect()
}

/// Servers that one test has for itself.
pub(crate) fn own_servers() -> Vec<Box<dyn Server>> {
    let postgres =
        PostgresServer::start(Settings::default()).map(|server| Box::new(server) as Box<dyn Server>);
    let mariadb = MariaDbServer::start(Settings::default()).map(|server| Box::new(server) as Box<dyn Server>);
    postgres.into_iter().chain(mariadb).collect()
}

pub(crate) fn schema(url: &str) -> SeaOrmSchema {
    SeaOrmSchema::new(SeaOrmOptions::new(url)).unwrap()
}

pub(crate) fn impatient(url: &str) -> SeaOrmOptions {
    SeaOrmOptions {
        busy_timeout: Duration::from_millis(50),
        ..SeaOrmOptions::new(url)
    }
}

/// A store in a new database, and its name.
pub(crate) async fn new_store(server: &dyn Server) -> (SeaOrmStore, String) {
    let database = server.create_database();
    let url = server.url_of(&database);
    schema(&url).migrate().await.unwrap();
    (
        SeaOrmStore::connect(SeaOrmOptions::new(url)).await.unwrap(),
        database,
    )
}

pub(crate) fn event() -> AuditEvent {
    samples::event(Action::KeysetCreate, "somebody").unwrap()
}

pub(crate) fn keyset(n: u32) -> Keyset {
    samples::keyset(n).unwrap()
}

/// Keeps a keyset with its event.
pub(crate) async fn insert(store: &dyn Store, n: u32) -> Result<(), StoreError> {
    let mut work = store.begin().await?;
    work.insert_keyset(&keyset(n), &samples::sealed(n).unwrap())
        .await?;
    work.append_audit(&event()).await?;
    work.commit().await
}

/// Which of the first keysets are there.
pub(crate) async fn kept(store: &dyn Store) -> Vec<u32> {
    let mut snapshot = store.snapshot().await.unwrap();
    let mut kept = Vec::new();
    for n in 0..10 {
        if snapshot.find_keyset(keyset(n).id()).await.unwrap().is_some() {
            kept.push(n);
        }
    }
    kept
}

pub(crate) fn kind_of<T>(result: Result<T, StoreError>) -> Option<StoreErrorKind> {
    result.err().map(|e| e.kind)
}
