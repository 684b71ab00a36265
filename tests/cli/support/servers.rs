//! Installations on throwaway database servers.

use std::sync::Mutex;

use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};

use super::Machine;

/// A server of either kind. It is stopped when the tests of the process are over.
pub enum Server {
    Postgres(Mutex<PostgresServer>),
    MariaDb(Mutex<MariaDbServer>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    MariaDb,
}

impl Server {
    /// `None` when its programs are not there (see `tools::have`).
    pub fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, Settings::default())
    }

    /// A server from which nothing that was acknowledged is lost.
    pub fn start_durable(engine: Engine) -> Option<Self> {
        Self::start_with(engine, Settings { durable: true })
    }

    fn start_with(engine: Engine, settings: Settings) -> Option<Self> {
        match engine {
            Engine::Postgres => PostgresServer::start(settings).map(|s| Self::Postgres(Mutex::new(s))),
            Engine::MariaDb => MariaDbServer::start(settings).map(|s| Self::MariaDb(Mutex::new(s))),
        }
    }

    /// The URL of a new and empty database.
    pub fn create_database(&self) -> String {
        match self {
            Self::Postgres(server) => {
                let server = server.lock().unwrap();
                server.url_of(&server.create_database())
            }
            Self::MariaDb(server) => {
                let server = server.lock().unwrap();
                server.url_of(&server.create_database())
            }
        }
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.lock().unwrap().port(),
            Self::MariaDb(server) => server.lock().unwrap().port(),
        }
    }

    /// What the engine's own client prints.
    pub fn sql(&self, url: &str, sql: &str) -> String {
        let database = url.rsplit('/').next().unwrap();
        match self {
            Self::Postgres(server) => server.lock().unwrap().client(database, sql),
            Self::MariaDb(server) => server.lock().unwrap().client(database, sql),
        }
    }

    /// As a crash would end it; then it comes back.
    pub fn kill_and_restart(&self) {
        match self {
            Self::Postgres(server) => {
                let mut server = server.lock().unwrap();
                server.kill();
                server.restart();
            }
            Self::MariaDb(server) => {
                let mut server = server.lock().unwrap();
                server.kill();
                server.restart();
            }
        }
    }
}

impl Machine {
    /// A machine whose installation will be in this database, and whose master key is in its home folder.
    pub fn on_database(url: &str) -> Self {
        let mut machine = Self::new();
        machine.set("KEYSTEAD__DATABASE__URL", url);
        let key = machine.at("master.key");
        machine.set("KEYSTEAD__MASTER_KEY__FILE", &key);
        machine
    }
}
