//! All that is peculiar to SQLite.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keystead_application::ports::{StoreError, StoreErrorKind};
use percent_encoding::percent_decode_str;
use rustix::fs::{StatVfsMountFlags, statvfs};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{ConnectOptions, Connection};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, SqlxSqliteConnector, Statement,
    TransactionOptions,
};

use crate::error::{DAMAGED, FULL, Failures, Meaning};

const OPEN: &str = "open the database";

/// What is read first decides the moment that a reading transaction sees.
pub(crate) const READING: TransactionOptions = transaction(SqliteTransactionMode::Deferred);

/// Without IMMEDIATE, two transactions that read before they write fail each other, whatever the time-out.
pub(crate) const WRITING: TransactionOptions = transaction(SqliteTransactionMode::Immediate);

const fn transaction(mode: SqliteTransactionMode) -> TransactionOptions {
    TransactionOptions {
        isolation_level: None,
        access_mode: None,
        sqlite_transaction_mode: Some(mode),
    }
}

/// A database file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteFile(PathBuf);

impl SqliteFile {
    pub(crate) fn from_url(url: &str) -> Result<Self, StoreError> {
        let bad = |why: &str| {
            // Not the URL itself: one that was meant for a server may hold a password.
            let message = format!(
                "the URL of the database {why}; give one like sqlite:///var/lib/keystead/keystead.db"
            );
            StoreError::new(StoreErrorKind::Unavailable, OPEN, message)
        };
        let name = url.strip_prefix("sqlite:").unwrap_or_default();
        let name = name.strip_prefix("//").unwrap_or(name);
        if name.contains(['?', '#']) {
            return Err(bad(
                "has parameters, and this program takes none (%3F and %23 in a file name)",
            ));
        }
        let name = percent_decode_str(name)
            .decode_utf8()
            .map_err(|_| bad("is not UTF-8"))?;
        if name.is_empty() || name == ":memory:" || name.contains('\0') {
            return Err(bad(
                "names no file, and a database that is lost with the process would lose keys",
            ));
        }
        // An absolute path cannot be taken for one of the URLs that SQLite knows itself.
        let path = std::path::absolute(&*name).map_err(|e| bad(&e.to_string()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether nobody can change it, because of how its disk is mounted.
    pub(crate) fn is_frozen(&self) -> bool {
        statvfs(&self.0).is_ok_and(|mounted| mounted.f_flag.contains(StatVfsMountFlags::RDONLY))
    }

    /// Whether there are changes that are not in the file itself yet.
    fn has_changes_beside_it(&self) -> bool {
        let mut log = self.0.clone().into_os_string();
        log.push("-wal");
        fs::metadata(log).is_ok_and(|log| log.len() > 0)
    }

    /// A file of no length is one that somebody began to make; there is nothing in it.
    pub(crate) fn exists(&self) -> Result<bool, StoreError> {
        match fs::metadata(&self.0) {
            Ok(found) if found.is_dir() => Err(self.refused(&io::Error::from(ErrorKind::IsADirectory))),
            Ok(found) => Ok(found.len() > 0),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(self.refused(&e)),
        }
    }

    /// Makes an empty file for its owner alone; SQLite gives the files that it puts beside it the same mode.
    ///
    /// A file that exists is not opened: closing it would take away the locks that SQLite has on it in this process.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.0);
        match created {
            Ok(_) => self.flush_folder().map_err(|e| self.refused(&e)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(self.refused(&e)),
        }
    }

    fn flush_folder(&self) -> io::Result<()> {
        match self.0.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    fn refused(&self, error: &io::Error) -> StoreError {
        let (kind, advice) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (StoreErrorKind::NoSpace, "free some room"),
            ErrorKind::ReadOnlyFilesystem => (StoreErrorKind::NoSpace, "choose a place that can be written"),
            ErrorKind::NotFound => (StoreErrorKind::Unavailable, "make its folder first"),
            ErrorKind::PermissionDenied => (StoreErrorKind::Unavailable, "check who owns it and its folder"),
            _ => (StoreErrorKind::Unavailable, "check the place"),
        };
        let place = self.0.display();
        StoreError::new(kind, OPEN, format!("{place} cannot be used: {error}; {advice}"))
    }
}

/// Opens a file that exists. Nothing is changed by it.
pub(crate) async fn connect(
    file: &SqliteFile,
    busy_timeout: Duration,
    max_connections: u32,
    failures: &Failures,
) -> Result<DatabaseConnection, StoreError> {
    let frozen = file.is_frozen();
    if frozen && file.has_changes_beside_it() {
        return Err(failures.because(
            StoreErrorKind::NoSpace,
            OPEN,
            "is on a read-only disk, and its last changes still have to be written into it; mount the disk for writing, \
             or copy the file together with those beside it to a disk that can be written",
        ));
    }
    let options = SqliteConnectOptions::new()
        // What nobody can change can be looked at without the files that SQLite would put beside it.
        .read_only(frozen)
        .immutable(frozen)
        .filename(file.path())
        .create_if_missing(false)
        .busy_timeout(busy_timeout.min(Duration::from_secs(24 * 60 * 60)))
        .foreign_keys(true)
        // What was acknowledged survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        // What was deleted is overwritten, and nothing goes to temporary files.
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        // A file that somebody prepared cannot make this program run functions, and damage is noticed early.
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(max_connections.max(1))
        .acquire_timeout(busy_timeout)
        // A file does not hang up, so there is nothing to test.
        .test_before_acquire(false)
        // SQLite ends a transaction by itself when the disk is full, and the connection's count of transactions is
        // wrong from then on. Such a connection is thrown away.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(options)
        .await
        .map_err(|e| failures.of_driver(OPEN, e))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// Switches the file to write-ahead logging: readers and a writer do not wait for each other.
///
/// The switch needs the file for itself, and SQLite does not wait for that; so this does. Once made it stays.
pub(crate) async fn use_write_ahead_log(
    connection: &DatabaseConnection,
    busy_timeout: Duration,
    failures: &Failures,
) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(10);
    let switching = async {
        loop {
            match journal_mode(connection, "PRAGMA journal_mode = WAL", failures).await {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(mode) => {
                    return Err(failures.because(
                        StoreErrorKind::Unavailable,
                        OPEN,
                        &format!(
                            "stays in journal mode {mode}: its file system does not allow write-ahead logging; \
                             choose a local one"
                        ),
                    ));
                }
                Err(e) if e.kind == StoreErrorKind::Busy => tokio::time::sleep(PAUSE).await,
                Err(e) => return Err(e),
            }
        }
    };
    if journal_mode(connection, "PRAGMA journal_mode", failures).await? == "wal" {
        return Ok(());
    }
    match tokio::time::timeout(busy_timeout, switching).await {
        Ok(switched) => switched,
        Err(_) => Err(failures.busy(OPEN)),
    }
}

async fn journal_mode(
    connection: &DatabaseConnection,
    sql: &str,
    failures: &Failures,
) -> Result<String, StoreError> {
    let statement = Statement::from_string(DbBackend::Sqlite, sql);
    let row = connection.query_one_raw(statement).await;
    match row.map_err(|e| failures.of(OPEN, e))? {
        Some(row) => row.try_get_by_index(0).map_err(|e| failures.of(OPEN, e)),
        None => Ok(String::new()),
    }
}

/// What a result code (<https://www.sqlite.org/rescode.html>) means for the store.
pub(crate) fn classify(extended_code: i32) -> Option<Meaning> {
    const READ_ONLY: Meaning = (
        StoreErrorKind::NoSpace,
        Some(
            "is read-only for this user; check its permissions and those of its folder, and how it is mounted",
        ),
    );
    const UNREACHABLE: Meaning = (
        StoreErrorKind::Unavailable,
        Some("cannot be opened; check its permissions and those of its folder"),
    );
    let meaning = match extended_code {
        // IOERR_SHMSIZE: the index of the write-ahead log cannot grow.
        4874 => FULL,
        // IOERR_DATA, IOERR_CORRUPTFS.
        8202 | 8458 => DAMAGED,
        // READONLY_DBMOVED.
        1032 => (
            StoreErrorKind::Unavailable,
            Some("was moved or removed while it was in use; put it back and start again"),
        ),
        code => match code & 0xff {
            // BUSY, LOCKED.
            5 | 6 => (StoreErrorKind::Busy, Some(crate::error::BUSY)),
            // READONLY.
            8 => READ_ONLY,
            // IOERR.
            10 => (
                StoreErrorKind::Unavailable,
                Some("cannot be read or written; check the disk"),
            ),
            // CORRUPT.
            11 => DAMAGED,
            // FULL.
            13 => FULL,
            // PERM, CANTOPEN, AUTH.
            3 | 14 | 23 => UNREACHABLE,
            // NOTADB.
            26 => (
                StoreErrorKind::Corrupt,
                Some("is not a database of this program, or is damaged; check the place"),
            ),
            _ => return None,
        },
    };
    Some(meaning)
}
