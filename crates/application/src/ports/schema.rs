use std::sync::Arc;

use async_trait::async_trait;

use super::{Store, StoreError};

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

/// A place where a store is kept, which is not opened yet.
#[async_trait]
pub trait StoreProvider: Schema {
    /// Where the place is, for people, without credentials.
    fn place(&self) -> String;

    /// Whether the store is run by this program itself, in a file of its own. Then its schema is brought up to date
    /// whenever it is opened. That of a server, which other machines use too, is changed only when a person says so, and
    /// what the server undid or was away for is done again.
    fn is_embedded(&self) -> bool;

    /// Opens the store. It makes and migrates nothing.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::NotMigrated`] when there is none or its schema is behind,
    /// [`super::StoreErrorKind::Newer`] when a newer program made the schema; otherwise when it cannot be opened.
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError>;

    /// Closes in good order what was opened. A process that ends without this loses nothing.
    ///
    /// # Errors
    /// When the store does not let go.
    async fn close(&self) -> Result<(), StoreError>;
}
