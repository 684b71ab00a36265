use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{Schema, SchemaStatus, Store, StoreError, StoreProvider};

use crate::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};

/// A database, whichever engine its URL names.
pub struct SeaOrmStoreProvider {
    options: SeaOrmOptions,
    schema: SeaOrmSchema,
    opened: Mutex<Vec<SeaOrmStore>>,
}

impl SeaOrmStoreProvider {
    /// The database that the options name. Nothing is opened yet.
    ///
    /// # Errors
    /// When no engine answers for the URL.
    pub fn new(options: SeaOrmOptions) -> Result<Self, StoreError> {
        Ok(Self {
            schema: SeaOrmSchema::new(options.clone())?,
            options,
            opened: Mutex::default(),
        })
    }
}

#[async_trait]
impl Schema for SeaOrmStoreProvider {
    async fn status(&self) -> Result<SchemaStatus, StoreError> {
        self.schema.status().await
    }

    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.schema.migrate().await
    }
}

#[async_trait]
impl StoreProvider for SeaOrmStoreProvider {
    fn place(&self) -> String {
        self.schema.place()
    }

    fn is_embedded(&self) -> bool {
        self.schema.is_embedded()
    }

    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        let store = SeaOrmStore::connect(self.options.clone()).await?;
        if let Ok(mut opened) = self.opened.lock() {
            opened.push(store.clone());
        }
        Ok(Arc::new(store))
    }

    async fn close(&self) -> Result<(), StoreError> {
        let opened = self.opened.lock().map(|mut opened| std::mem::take(&mut *opened));
        for store in opened.unwrap_or_default() {
            store.close().await?;
        }
        Ok(())
    }
}
