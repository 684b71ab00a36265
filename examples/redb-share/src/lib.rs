//! A complete file share that is neither a folder nor a server: one table of a [redb](https://docs.rs/redb) database, with
//! a row for each file. It is an example for authors of shares, and short because a transaction gives what other
//! technologies need temporary files for: a file appears whole, or not at all.
//!
//! A location is the URL of the database file, and in the configuration `url = "redb:///srv/escrow.redb"`.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    FileShare, Replace, ShareAccess, ShareCapabilities, ShareError, ShareErrorKind, ShareProvider,
    WholeFileShare, WholeFiles,
};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use zeroize::Zeroizing;

/// The files by their keys.
pub const FILES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("files");

/// Reaches databases by `redb:` URLs.
pub struct RedbShareProvider;

#[async_trait]
impl ShareProvider for RedbShareProvider {
    fn schemes(&self) -> &[&'static str] {
        &["redb"]
    }

    /// The whole path of a URL says which share it is: the database file.
    fn names_of_share(&self) -> usize {
        usize::MAX
    }

    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        let names = access.address.names.iter();
        let file = names.fold(PathBuf::from("/"), |path, name| path.join(name));
        let place = access.address.to_string();
        match Database::create(file) {
            Ok(database) => Ok(Arc::new(WholeFileShare::new(RedbFiles {
                database: Arc::new(database),
                place,
            }))),
            Err(e) => Err(ShareError::new(
                ShareErrorKind::Unavailable,
                "open",
                place,
                e.to_string(),
            )),
        }
    }
}

/// The files in one database.
pub struct RedbFiles {
    /// The database.
    pub database: Arc<Database>,
    /// How its messages call it.
    pub place: String,
}

#[async_trait]
impl WholeFiles for RedbFiles {
    type Error = redb::Error;

    /// Promise: say what is true. Whoever can read the database can read every file in it.
    fn capabilities(&self) -> ShareCapabilities {
        ShareCapabilities {
            owner_only: false,
            ..ShareCapabilities::ALL
        }
    }

    fn place(&self, key: &str) -> String {
        format!("{}/{key}", self.place)
    }

    async fn find(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, redb::Error> {
        match self.database.begin_read()?.open_table(FILES) {
            Ok(files) => Ok(files.get(key)?.map(|row| Zeroizing::new(row.value().to_vec()))),
            // Nothing was ever written.
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Promise: the file appears in one step, and one that came meanwhile is not replaced: there is one writing transaction
    /// at a time, and it looks again.
    async fn put(&self, key: &str, bytes: &[u8], replace: Replace) -> Result<bool, redb::Error> {
        let transaction = self.database.begin_write()?;
        if replace == Replace::Never && transaction.open_table(FILES)?.get(key)?.is_some() {
            return Ok(false);
        }
        transaction.open_table(FILES)?.insert(key, bytes)?;
        transaction.commit()?;
        Ok(true)
    }

    async fn remove(&self, key: &str) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(FILES)?.remove(key)?;
        Ok(transaction.commit()?)
    }
}
