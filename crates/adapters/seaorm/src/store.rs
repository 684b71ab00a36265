use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{Snapshot, Store, StoreError, UnitOfWork};

use crate::SeaOrmOptions;
use crate::engine::{Database, Engine};
use crate::schema::{check, not_migrated};
use crate::transaction::SeaOrmTransaction;

const OPEN: &str = "open the store";

/// The store in a database.
#[derive(Clone)]
pub struct SeaOrmStore {
    database: Arc<Database>,
}

impl SeaOrmStore {
    /// Opens the store. It makes and migrates nothing.
    ///
    /// # Errors
    /// [`NotMigrated`](keystead_application::ports::StoreErrorKind::NotMigrated) when there is no database or its schema
    /// is behind, [`Newer`](keystead_application::ports::StoreErrorKind::Newer) when a newer program made the schema;
    /// otherwise when it cannot be opened.
    pub async fn connect(options: SeaOrmOptions) -> Result<Self, StoreError> {
        let engine = Engine::new(&options)?;
        if !engine.can_be_opened()? {
            return Err(not_migrated(&engine.failures(), OPEN));
        }
        let database = engine.open(engine.max_connections()).await?;
        check(&database, OPEN).await?;
        database.prepare().await?;
        Ok(Self {
            database: Arc::new(database),
        })
    }

    /// Closes the store in good order: nothing is left to be recovered, and SQLite keeps no file beside the database.
    /// A process that ends without this loses nothing.
    ///
    /// # Errors
    /// When the database does not let go.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.database.close().await
    }
}

#[async_trait]
impl Store for SeaOrmStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(SeaOrmTransaction::begin_reading(&self.database).await?))
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        Ok(Box::new(SeaOrmTransaction::begin_writing(&self.database).await?))
    }
}
