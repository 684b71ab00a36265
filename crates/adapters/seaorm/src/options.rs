use std::path::Path;
use std::time::Duration;

use keystead_application::ports::{StoreError, StoreErrorKind};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use zeroize::Zeroizing;

/// Where the database is, and how it is used.
#[derive(Clone)]
pub struct SeaOrmOptions {
    /// The URL, such as `sqlite:///var/lib/keystead/keystead.db` or `postgres://keystead@db.example.org/keystead`. A name
    /// in it may be percent-encoded.
    pub url: String,
    /// The password, where it does not stand in the URL. It goes before one that does.
    pub password: Option<Zeroizing<String>>,
    /// How long to wait for others who use the database.
    pub busy_timeout: Duration,
    /// How many connections are opened at most.
    pub max_connections: u32,
}

impl SeaOrmOptions {
    /// The database at a URL, with a time-out of ten seconds and at most eight connections.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            busy_timeout: Duration::from_secs(10),
            max_connections: 8,
        }
    }

    /// The SQLite database in a file, as [`SeaOrmOptions::new`] would open it.
    ///
    /// # Errors
    /// When the path is not UTF-8: SQLite takes no other.
    pub fn for_sqlite_file(path: &Path) -> Result<Self, StoreError> {
        const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
        match path.to_str() {
            Some(path) => Ok(Self::new(format!(
                "sqlite://{}",
                utf8_percent_encode(path, ENCODED)
            ))),
            None => Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "open the database",
                format!("the path {} is not UTF-8; choose another", path.display()),
            )),
        }
    }
}
