use std::sync::Arc;

use keystead_application::ports::{StoreError, StoreErrorKind};
use sea_orm::{DatabaseConnection, DatabaseTransaction, TransactionTrait};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::SeaOrmOptions;
use crate::error::Failures;
use crate::sqlite::{self, SqliteFile};

/// A database and the engine that runs it. Everything that engines do in different ways is decided here.
#[derive(Clone)]
pub(crate) struct Engine {
    kind: Kind,
    options: SeaOrmOptions,
}

#[derive(Clone)]
enum Kind {
    Sqlite(SqliteFile),
}

/// A database that is open.
pub(crate) struct Database {
    pub(crate) connection: DatabaseConnection,
    pub(crate) failures: Failures,
    engine: Engine,
    turn: Option<Arc<Mutex<()>>>,
}

/// Whose turn it is to write, where the engine leaves that to luck.
pub(crate) type Turn = Option<OwnedMutexGuard<()>>;

impl Engine {
    pub(crate) fn new(options: SeaOrmOptions) -> Result<Self, StoreError> {
        let kind = match options.url.split_once(':') {
            Some(("sqlite", _)) => Kind::Sqlite(SqliteFile::from_url(&options.url)?),
            // Neither the whole URL nor what follows the scheme: it may hold a password.
            scheme => {
                return Err(StoreError::new(
                    StoreErrorKind::Unavailable,
                    "open the database",
                    format!(
                        "this program has no database engine for URLs that begin with \"{}\"; \
                         give one like sqlite:///var/lib/keystead/keystead.db",
                        scheme.map_or("", |(scheme, _)| scheme)
                    ),
                ));
            }
        };
        Ok(Self { kind, options })
    }

    /// The name of the engine.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite(_) => "sqlite",
        }
    }

    /// Where the database is, without credentials.
    pub(crate) fn place(&self) -> String {
        match &self.kind {
            Kind::Sqlite(file) => file.path().display().to_string(),
        }
    }

    /// Whether there is a database.
    pub(crate) fn exists(&self) -> Result<bool, StoreError> {
        match &self.kind {
            Kind::Sqlite(file) => file.exists(),
        }
    }

    /// Makes an empty database where there is none.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Sqlite(file) => file.create(),
        }
    }

    /// Opens a database that exists, and changes nothing.
    pub(crate) async fn open(&self, max_connections: u32) -> Result<Database, StoreError> {
        let failures = Failures::new(self.place());
        let connection = match &self.kind {
            Kind::Sqlite(file) => {
                sqlite::connect(file, self.options.busy_timeout, max_connections, &failures).await?
            }
        };
        Ok(Database {
            connection,
            failures,
            engine: self.clone(),
            turn: match self.kind {
                Kind::Sqlite(_) => Some(Arc::default()),
            },
        })
    }

    pub(crate) fn max_connections(&self) -> u32 {
        self.options.max_connections
    }
}

impl Database {
    /// Brings the database itself, not its schema, into the form in which this program uses it.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        match self.engine.kind {
            Kind::Sqlite(_) => {
                sqlite::use_write_ahead_log(
                    &self.connection,
                    self.engine.options.busy_timeout,
                    &self.failures,
                )
                .await
            }
        }
    }

    /// Begins a transaction that only reads.
    pub(crate) async fn begin_reading(
        &self,
        operation: &'static str,
    ) -> Result<DatabaseTransaction, StoreError> {
        let options = match self.engine.kind {
            Kind::Sqlite(_) => sqlite::READING,
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
        };
        let begun = self.connection.begin_with_options(options).await;
        Ok((begun.map_err(|e| self.failures.of(operation, e))?, turn))
    }

    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        let closed = self.connection.close_by_ref().await;
        closed.map_err(|e| self.failures.of("close the database", e))
    }

    async fn turn(&self, operation: &'static str) -> Result<Turn, StoreError> {
        let Some(turn) = &self.turn else { return Ok(None) };
        let waiting = Arc::clone(turn).lock_owned();
        match tokio::time::timeout(self.engine.options.busy_timeout, waiting).await {
            Ok(turn) => Ok(Some(turn)),
            Err(_) => Err(self.failures.busy(operation)),
        }
    }
}
