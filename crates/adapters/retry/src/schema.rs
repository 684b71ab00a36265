use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{Randomness, Schema, SchemaStatus, StoreError};

use crate::{RetryOptions, retried};

/// The schema of a store, with patience.
pub struct RetryingSchema {
    inner: Arc<dyn Schema>,
    options: RetryOptions,
    randomness: Arc<dyn Randomness>,
}

impl RetryingSchema {
    /// The same schema, asked again when the store went away.
    #[must_use]
    pub fn new(inner: Arc<dyn Schema>, options: RetryOptions, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            inner,
            options,
            randomness,
        }
    }
}

#[async_trait]
impl Schema for RetryingSchema {
    async fn status(&self) -> Result<SchemaStatus, StoreError> {
        retried(&self.options, &self.randomness, || self.inner.status()).await
    }

    /// A migration that was cut off is gone on with; one that was done is not done twice.
    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        retried(&self.options, &self.randomness, || self.inner.migrate()).await
    }
}
