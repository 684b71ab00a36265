use std::sync::Arc;

use keystead_application::ports::{StoreError, StoreErrorKind};
use sea_orm::{DatabaseConnection, DatabaseTransaction, TransactionTrait};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::SeaOrmOptions;
use crate::error::Failures;
use crate::mysql::{self, MySqlDatabase};
use crate::postgres::{self, PostgresDatabase};
use crate::sqlite::{self, SqliteFile};

/// A database and the engine that runs it. Everything that engines do in different ways is decided here.
#[derive(Clone)]
pub(crate) struct Engine {
    kind: Kind,
    busy_timeout: std::time::Duration,
    max_connections: u32,
}

#[derive(Clone)]
enum Kind {
    Sqlite(SqliteFile),
    Postgres(Box<PostgresDatabase>),
    MySql(Box<MySqlDatabase>),
}

/// A database that is open.
pub(crate) struct Database {
    pub(crate) connection: DatabaseConnection,
    pub(crate) failures: Failures,
    engine: Engine,
    turn: Arc<Mutex<()>>,
}

/// Whose turn it is to write, of all in this process. SQLite leaves that to luck; with a server, those who wait would
/// keep connections from those who read.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Engine {
    pub(crate) fn new(options: &SeaOrmOptions) -> Result<Self, StoreError> {
        let kind = match options.url.split_once(':') {
            Some(("sqlite", _)) => Kind::Sqlite(SqliteFile::from_url(&options.url)?),
            Some(("postgres" | "postgresql", _)) => {
                Kind::Postgres(Box::new(PostgresDatabase::from_options(options)?))
            }
            Some(("mysql" | "mariadb", _)) => Kind::MySql(Box::new(MySqlDatabase::from_options(options)?)),
            // Neither the whole URL nor what follows the scheme: it may hold a password.
            scheme => {
                return Err(StoreError::new(
                    StoreErrorKind::Unavailable,
                    "open the database",
                    format!(
                        "this program has no database engine for URLs that begin with \"{}\"; it has sqlite, postgres \
                         (postgresql) and mysql (mariadb); give one like sqlite:///var/lib/keystead/keystead.db or \
                         postgres://keystead@db.example.org/keystead",
                        scheme
                            .map_or("", |(scheme, _)| scheme)
                            .chars()
                            .take_while(char::is_ascii_alphabetic)
                            .take(20)
                            .collect::<String>()
                    ),
                ));
            }
        };
        Ok(Self {
            kind,
            busy_timeout: options.busy_timeout,
            max_connections: options.max_connections,
        })
    }

    /// The name of the engine.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite(_) => "sqlite",
            Kind::Postgres(_) => "postgres",
            Kind::MySql(_) => "mysql",
        }
    }

    /// Where the database is, without credentials.
    pub(crate) fn place(&self) -> String {
        match &self.kind {
            Kind::Sqlite(file) => file.path().display().to_string(),
            Kind::Postgres(database) => database.place().to_owned(),
            Kind::MySql(database) => database.place().to_owned(),
        }
    }

    /// Whether the engine is part of this program.
    pub(crate) fn is_embedded(&self) -> bool {
        match self.kind {
            Kind::Sqlite(_) => true,
            Kind::Postgres(_) | Kind::MySql(_) => false,
        }
    }

    pub(crate) fn failures(&self) -> Failures {
        match self.is_embedded() {
            true => Failures::of_file(self.place()),
            false => Failures::of_server(&self.place()),
        }
    }

    /// Whether there is something to open. Of a server's database only its server knows.
    pub(crate) fn can_be_opened(&self) -> Result<bool, StoreError> {
        match &self.kind {
            Kind::Sqlite(file) => file.exists(),
            Kind::Postgres(_) | Kind::MySql(_) => Ok(true),
        }
    }

    /// Makes an empty database where there is none and this program can make one.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Sqlite(file) => file.create(),
            Kind::Postgres(_) | Kind::MySql(_) => Ok(()),
        }
    }

    /// Opens a database that exists, and changes nothing.
    pub(crate) async fn open(&self, max_connections: u32) -> Result<Database, StoreError> {
        let failures = self.failures();
        let connection = match &self.kind {
            Kind::Sqlite(file) => {
                sqlite::connect(file, self.busy_timeout, max_connections, &failures).await?
            }
            Kind::Postgres(database) => {
                database
                    .connect(self.busy_timeout, max_connections, &failures)
                    .await?
            }
            Kind::MySql(database) => {
                database
                    .connect(self.busy_timeout, max_connections, &failures)
                    .await?
            }
        };
        Ok(Database {
            connection,
            failures,
            engine: self.clone(),
            turn: Arc::default(),
        })
    }

    pub(crate) fn max_connections(&self) -> u32 {
        self.max_connections
    }
}

impl Database {
    /// Brings the database itself, not its schema, into the form in which this program uses it.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        match self.engine.kind {
            Kind::Sqlite(ref file) if file.is_frozen() => Ok(()),
            Kind::Sqlite(_) => {
                sqlite::use_write_ahead_log(&self.connection, self.engine.busy_timeout, &self.failures).await
            }
            Kind::Postgres(_) | Kind::MySql(_) => Ok(()),
        }
    }

    /// Begins a transaction that only reads.
    pub(crate) async fn begin_reading(
        &self,
        operation: &'static str,
    ) -> Result<DatabaseTransaction, StoreError> {
        let options = match self.engine.kind {
            Kind::Sqlite(_) => sqlite::READING,
            Kind::Postgres(_) => postgres::READING,
            Kind::MySql(_) => mysql::READING,
        };
        let begun = self.connection.begin_with_options(options).await;
        begun.map_err(|e| self.failures.of(operation, e))
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin_writing(
        &self,
        operation: &'static str,
    ) -> Result<(DatabaseTransaction, Turn), StoreError> {
        let turn = self.turn(operation).await?;
        let options = match self.engine.kind {
            Kind::Sqlite(_) => sqlite::WRITING,
            Kind::Postgres(_) => postgres::WRITING,
            Kind::MySql(_) => mysql::WRITING,
        };
        let begun = self.connection.begin_with_options(options).await;
        Ok((begun.map_err(|e| self.failures.of(operation, e))?, turn))
    }

    /// Makes others who migrate wait, in this process and elsewhere. The transaction comes from
    /// [`Database::begin_writing`].
    pub(crate) async fn lock_migrations(
        &self,
        transaction: &DatabaseTransaction,
        operation: &'static str,
    ) -> Result<(), StoreError> {
        let locked = match self.engine.kind {
            // Its writing transactions come one after the other.
            Kind::Sqlite(_) => Ok(true),
            Kind::Postgres(_) => postgres::lock_migrations(transaction).await.map(|()| true),
            Kind::MySql(_) => mysql::lock_migrations(transaction, self.engine.busy_timeout).await,
        };
        match locked {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.failures.busy(operation)),
            Err(e) => Err(self.failures.of(operation, e)),
        }
    }

    /// Lets the next one migrate, where the end of the transaction does not.
    pub(crate) async fn unlock_migrations(
        &self,
        transaction: &DatabaseTransaction,
        operation: &'static str,
    ) -> Result<(), StoreError> {
        let unlocked = match self.engine.kind {
            Kind::Sqlite(_) | Kind::Postgres(_) => Ok(()),
            Kind::MySql(_) => mysql::unlock_migrations(transaction).await,
        };
        unlocked.map_err(|e| self.failures.of(operation, e))
    }

    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        let closed = self.connection.close_by_ref().await;
        closed.map_err(|e| self.failures.of("close the database", e))
    }

    async fn turn(&self, operation: &'static str) -> Result<Turn, StoreError> {
        let waiting = Arc::clone(&self.turn).lock_owned();
        match tokio::time::timeout(self.engine.busy_timeout, waiting).await {
            Ok(turn) => Ok(turn),
            Err(_) => Err(self.failures.busy(operation)),
        }
    }
}
