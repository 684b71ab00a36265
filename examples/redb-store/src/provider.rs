use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{Schema, SchemaStatus, Store, StoreError, StoreErrorKind, StoreProvider};

use crate::RedbStore;

/// The file of a store, for the wiring. There is one form of it so far, so nothing is ever migrated; a later form would be
/// named in a table of its own, and refused by programs that do not know it.
pub struct RedbStoreProvider {
    path: PathBuf,
}

impl RedbStoreProvider {
    /// The store in this file. Nothing is opened yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl Schema for RedbStoreProvider {
    async fn status(&self) -> Result<SchemaStatus, StoreError> {
        Ok(SchemaStatus {
            engine: "redb".to_owned(),
            place: self.place(),
            exists: self.path.exists(),
            applied: Vec::new(),
            pending: Vec::new(),
            unknown: Vec::new(),
        })
    }

    /// `init` asks for this before it opens: here the file is made.
    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        RedbStore::open(&self.path).map(|_| Vec::new())
    }
}

#[async_trait]
impl StoreProvider for RedbStoreProvider {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn is_embedded(&self) -> bool {
        true
    }

    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        if !self.path.exists() {
            let message = format!("there is no store at {}", self.place());
            return Err(StoreError::new(
                StoreErrorKind::NotMigrated,
                "open store",
                message,
            ));
        }
        Ok(Arc::new(RedbStore::open(&self.path)?))
    }

    /// redb closes its file when the last handle is dropped.
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
