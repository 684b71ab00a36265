mod reads;
mod state;
mod unit;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{Schema, SchemaStatus, Snapshot, Store, StoreError, UnitOfWork};

use self::reads::MemorySnapshot;
use self::state::State;
use self::unit::MemoryUnitOfWork;
use crate::token::lock;

/// A store in memory, migrated from the beginning. Clones are handles to the same data.
///
/// A unit of work holds the one write lock and changes a copy; committing puts the copy in the place of what was there.
/// A snapshot holds on to what was committed when it was taken.
#[derive(Clone, Default)]
pub struct MemoryStore {
    committed: Arc<Mutex<Arc<State>>>,
    writers: Arc<tokio::sync::Mutex<()>>,
}

impl MemoryStore {
    /// A new and empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn committed(&self) -> Arc<State> {
        Arc::clone(&lock(&self.committed))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(MemorySnapshot::new(self.committed())))
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let writing = Arc::clone(&self.writers).lock_owned().await;
        let state = State::clone(&self.committed());
        Ok(Box::new(MemoryUnitOfWork::new(
            state,
            Arc::clone(&self.committed),
            writing,
        )))
    }
}

#[async_trait]
impl Schema for MemoryStore {
    async fn status(&self) -> Result<SchemaStatus, StoreError> {
        Ok(SchemaStatus {
            engine: "memory".to_owned(),
            place: "this process".to_owned(),
            exists: true,
            applied: Vec::new(),
            pending: Vec::new(),
            unknown: Vec::new(),
        })
    }

    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
