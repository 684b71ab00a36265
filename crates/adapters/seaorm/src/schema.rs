use async_trait::async_trait;
use keystead_application::ports::{Schema, SchemaStatus, StoreError, StoreErrorKind};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTrait, SchemaManager};

use crate::SeaOrmOptions;
use crate::engine::{Database, Engine};
use crate::error::{Failures, NOT_MIGRATED};
use crate::migration::{Migrator, Progress};

const STATUS: &str = "look at the schema";
const MIGRATE: &str = "migrate the schema";

/// The schema of a database.
#[derive(Clone)]
pub struct SeaOrmSchema {
    engine: Engine,
}

impl SeaOrmSchema {
    /// The schema of the database that the options name. Nothing is opened yet.
    ///
    /// # Errors
    /// When no engine answers for the URL.
    pub fn new(options: SeaOrmOptions) -> Result<Self, StoreError> {
        Ok(Self {
            engine: Engine::new(&options)?,
        })
    }

    /// Whether the engine is part of this program, so that the database is this program's alone and can be migrated
    /// whenever it is opened. That of a server is migrated when somebody says so.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.engine.is_embedded()
    }

    /// Where the database is, without credentials.
    #[must_use]
    pub fn place(&self) -> String {
        self.engine.place()
    }
}

#[async_trait]
impl Schema for SeaOrmSchema {
    async fn status(&self) -> Result<SchemaStatus, StoreError> {
        let can_be_opened = self.engine.can_be_opened()?;
        let progress = if can_be_opened {
            let database = self.engine.open(1).await?;
            let progress = progress(&database.connection, &database.failures, STATUS).await;
            database.close().await?;
            progress?
        } else {
            Progress::none()
        };
        let Progress {
            begun,
            applied,
            pending,
            unknown,
        } = progress;
        Ok(SchemaStatus {
            engine: self.engine.name().into(),
            place: self.engine.place(),
            // A file is a store as soon as it is there. In a server's database the tables make one.
            exists: can_be_opened && (begun || self.engine.is_embedded()),
            applied,
            pending,
            unknown,
        })
    }

    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.engine.create()?;
        let database = self.engine.open(1).await?;
        let migrated = migrate(&database).await;
        database.close().await?;
        migrated
    }
}

async fn migrate(database: &Database) -> Result<Vec<String>, StoreError> {
    // Looked at before anything is touched, and again when nobody else can change it any more.
    let found = progress(&database.connection, &database.failures, MIGRATE).await?;
    if refuse_newer(&found, &database.failures)?.is_empty() {
        return Ok(Vec::new());
    }
    database.prepare().await?;
    let (transaction, _turn) = database.begin_writing(MIGRATE).await?;
    database.lock_migrations(&transaction, MIGRATE).await?;
    let ran = migrate_within(&transaction, &database.failures).await?;
    database.unlock_migrations(&transaction, MIGRATE).await?;
    let committed = transaction.commit().await;
    committed.map_err(|e| database.failures.of_commit(MIGRATE, e))?;
    Ok(ran)
}

async fn migrate_within(
    transaction: &DatabaseTransaction,
    failures: &Failures,
) -> Result<Vec<String>, StoreError> {
    let found = progress(transaction, failures, MIGRATE).await?;
    let pending = refuse_newer(&found, failures)?.to_vec();
    if !pending.is_empty() {
        let migrated = Migrator::up(transaction, None).await;
        migrated.map_err(|e| failures.of(MIGRATE, e))?;
    }
    Ok(pending)
}

/// Refuses a schema that is not the one that this program works with.
pub(crate) async fn check(database: &Database, operation: &'static str) -> Result<(), StoreError> {
    let found = progress(&database.connection, &database.failures, operation).await?;
    if refuse_newer(&found, &database.failures)?.is_empty() {
        Ok(())
    } else {
        Err(not_migrated(&database.failures, operation))
    }
}

/// What to say of a database that is not there, or not yet what it should be.
pub(crate) fn not_migrated(failures: &Failures, operation: &'static str) -> StoreError {
    failures.because(StoreErrorKind::NotMigrated, operation, NOT_MIGRATED)
}

fn refuse_newer<'a>(found: &'a Progress, failures: &Failures) -> Result<&'a [String], StoreError> {
    if found.unknown.is_empty() {
        Ok(&found.pending)
    } else {
        Err(failures.because(
            StoreErrorKind::Newer,
            MIGRATE,
            &format!(
                "was changed by a newer version of this program ({}); use that version or a later one",
                found.unknown.join(", ")
            ),
        ))
    }
}

async fn progress<'c, C>(
    connection: &'c C,
    failures: &Failures,
    operation: &'static str,
) -> Result<Progress, StoreError>
where
    C: ConnectionTrait,
    &'c C: IntoSchemaManagerConnection<'c>,
{
    let manager = SchemaManager::new(connection);
    let read = Progress::read(&manager, connection).await;
    read.map_err(|e| failures.of(operation, e))
}
