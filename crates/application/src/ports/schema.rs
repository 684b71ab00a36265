use async_trait::async_trait;

use super::StoreError;

/// The state of a store's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStatus {
    /// What kind of store, such as `sqlite`.
    pub engine: String,
    /// Where it is, without credentials.
    pub place: String,
    /// Whether there is a store at all.
    pub exists: bool,
    /// The migrations that were run, oldest first.
    pub applied: Vec<String>,
    /// The migrations that are still to be run, oldest first.
    pub pending: Vec<String>,
    /// Migrations that this program does not know: a newer program made them.
    pub unknown: Vec<String>,
}

/// Looks at the schema of a store and brings it up to date.
#[async_trait]
pub trait Schema: Send + Sync {
    /// What was run and what is to be run. Changes nothing.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn status(&self) -> Result<SchemaStatus, StoreError>;

    /// Runs what is to be run, and returns the names.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Newer`] when a newer program made the schema.
    async fn migrate(&self) -> Result<Vec<String>, StoreError>;
}
