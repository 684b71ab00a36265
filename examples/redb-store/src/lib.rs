//! An example for authors of backends: the store port over redb, an embedded database of one file.
//!
//! It is complete and passes the conformance suite (`tests/contract.rs`). It is short, because it decides nothing: the
//! rules are asked before a store is. Read it from the top: this file says when units of work begin, `unit` what they
//! change, `reads` what is seen, `records` what bytes are kept, `recoveries` and `recovery_records` the same for what belongs
//! to recoveries, `documents` for the records of the application, `rows` how redb is asked, `provider` how the program comes by
//! the store.

mod documents;
mod provider;
mod reads;
mod records;
mod recoveries;
mod recovery_records;
mod rows;
mod unit;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork};
use redb::{Database, ReadableDatabase};
use tokio::sync::Mutex;

use self::reads::RedbSnapshot;
use self::rows::{TABLES, failed};
use self::unit::RedbUnitOfWork;

pub use self::provider::RedbStoreProvider;

/// A store in one file. The file is locked: one process has it at a time, and clones of this are its handles.
#[derive(Clone)]
pub struct RedbStore {
    database: Arc<Database>,
    /// redb lets one writer in and blocks the thread of the next one. Waiting here first waits without a thread.
    writers: Arc<Mutex<()>>,
}

impl RedbStore {
    /// Opens the file, and makes it when it is not there.
    ///
    /// # Errors
    /// [`StoreErrorKind::Busy`] when another process has it; otherwise when it cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        const OPERATION: &str = "open store";
        // Private keys are sealed, hints and the audit trail are not: the file is for its owner alone from the beginning.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| StoreError::caused_by(StoreErrorKind::Unavailable, OPERATION, error))?;
        let database = Database::builder().create_file(file).map_err(failed(OPERATION))?;
        // Reading a table that was never written is an error, so all of them are made now.
        let transaction = database.begin_write().map_err(failed(OPERATION))?;
        for table in TABLES {
            transaction.open_table(table).map_err(failed(OPERATION))?;
        }
        transaction.commit().map_err(failed(OPERATION))?;
        Ok(Self {
            database: Arc::new(database),
            writers: Arc::default(),
        })
    }
}

#[async_trait]
impl Store for RedbStore {
    /// Promise: all reads are of one moment. A read transaction of redb sees what was committed when it began, whatever is
    /// written later.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let transaction = self.database.begin_read().map_err(failed("look at the store"))?;
        Ok(Box::new(RedbSnapshot(transaction)))
    }

    /// Promise: units of work come one after the other, and what one reads is what it changes. A database with many writers
    /// locks its audit head here, before anything is read; here the lock is the right to write at all.
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let writing = Arc::clone(&self.writers).lock_owned().await;
        let transaction = self.database.begin_write().map_err(failed("begin"))?;
        Ok(Box::new(RedbUnitOfWork::new(transaction, writing)))
    }
}
