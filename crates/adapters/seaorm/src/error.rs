use std::io;
use std::sync::Arc;

use keystead_application::ports::{StoreError, StoreErrorKind};
use sea_orm::sqlx::error::{Error as DriverError, ErrorKind as Constraint};
use sea_orm::{
    ConnAcquireErr, DbErr, RuntimeErr, SqlxError, SqlxMySqlError, SqlxPostgresError, SqlxSqliteError,
};

use crate::{mysql, postgres, sqlite};

/// What an error of a database means, and what is to be done about it where that is known.
pub(crate) type Meaning = (StoreErrorKind, Option<&'static str>);

/// What to say when others hold the database for too long.
pub(crate) const BUSY: &str = "is used by others for longer than the time-out; try again, or see who uses it";

pub(crate) const NOT_MIGRATED: &str =
    "does not have the schema that this program works with; migrate it, or make the installation first";

pub(crate) const FULL: Meaning = (StoreErrorKind::NoSpace, Some("has no room left; free some"));

pub(crate) const READ_ONLY: Meaning = (
    StoreErrorKind::NoSpace,
    Some(
        "can only be read at the moment: it is a replica, or it was made read-only; use the server that is written to",
    ),
);

pub(crate) const DAMAGED: Meaning = (
    StoreErrorKind::Corrupt,
    Some("is damaged; keep a copy of it and restore the last backup"),
);

pub(crate) const NO_LOGIN: Meaning = (
    StoreErrorKind::Unavailable,
    Some(
        "does not let this user in; check the user name and the password, and whether this machine may connect",
    ),
);

pub(crate) const NO_RIGHT: Meaning = (
    StoreErrorKind::Unavailable,
    Some("does not allow this user to do that; grant the user all rights on the database"),
);

const NO_CONNECTION: &str =
    "cannot be reached; check that the server runs, its address, and the network between";

const NO_FILE: &str = "cannot be reached: a file that this needs is missing or must not be read; check the socket, or the \
                       certificates that the URL names";

const TLS_NEEDED: &str =
    "takes this kind of password over TLS only; turn TLS on in the URL (ssl-mode), or use its socket";

const NO_TRUST: &str = "cannot be reached over TLS; check the server's certificate, that it is for this host name, and \
                        the authority that the URL names (sslrootcert for PostgreSQL, ssl-ca for MariaDB and MySQL)";

/// Turns what the database says into errors of the port. It decides by codes, never by texts.
#[derive(Clone)]
pub(crate) struct Failures {
    place: Arc<str>,
    remote: bool,
}

impl Failures {
    /// The failures of a database in a file.
    pub(crate) fn of_file(place: String) -> Self {
        let (place, remote) = (place.into(), false);
        Self { place, remote }
    }

    /// The failures of a database behind a connection.
    pub(crate) fn of_server(place: &str) -> Self {
        let (place, remote) = (place.into(), true);
        Self { place, remote }
    }

    /// A failure of an operation.
    pub(crate) fn of(&self, operation: &'static str, error: DbErr) -> StoreError {
        let (kind, advice) = self.classify(&error);
        self.error(kind, operation, advice, error)
    }

    /// A failure of a commit. When it is not the database itself that refuses it, nobody knows what became of it.
    pub(crate) fn of_commit(&self, operation: &'static str, error: DbErr) -> StoreError {
        let (mut kind, mut advice) = self.classify(&error);
        if kind == StoreErrorKind::Disconnected || (self.remote && !is_answer(&error)) {
            kind = StoreErrorKind::CommitUnknown;
        }
        if kind == StoreErrorKind::CommitUnknown {
            advice = Some(
                "gave no answer to the last step: all of the changes were made, or none of them; look before doing it \
                 again",
            );
        }
        self.error(kind, operation, advice, error)
    }

    /// A failure below SeaORM.
    pub(crate) fn of_driver(&self, operation: &'static str, error: SqlxError) -> StoreError {
        self.of(operation, DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
    }

    /// A time-out.
    pub(crate) fn busy(&self, operation: &'static str) -> StoreError {
        self.because(StoreErrorKind::Busy, operation, BUSY)
    }

    /// A failure that this program found out. The sentence begins with the place.
    pub(crate) fn because(&self, kind: StoreErrorKind, operation: &'static str, what: &str) -> StoreError {
        StoreError::new(kind, operation, format!("{} {what}", self.place))
    }

    fn error(
        &self,
        kind: StoreErrorKind,
        operation: &'static str,
        advice: Option<&str>,
        error: DbErr,
    ) -> StoreError {
        let mut failure = StoreError::caused_by(kind, operation, error);
        if let Some(advice) = advice {
            failure.message = format!("{} {advice}", self.place);
        } else if kind == StoreErrorKind::Disconnected {
            failure.message = format!("{} {NO_CONNECTION}", self.place);
        }
        failure
    }

    fn classify(&self, error: &DbErr) -> Meaning {
        match error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => self.no_connection_in_time(),
            DbErr::ConnectionAcquire(_) if self.remote => (StoreErrorKind::Disconnected, None),
            DbErr::Conn(RuntimeErr::SqlxError(e))
            | DbErr::Exec(RuntimeErr::SqlxError(e))
            | DbErr::Query(RuntimeErr::SqlxError(e)) => self.classify_driver(e),
            // A value of another type than the column has.
            DbErr::Type(_) | DbErr::TryIntoErr { .. } | DbErr::Json(_) => (StoreErrorKind::Corrupt, None),
            _ => (StoreErrorKind::Unavailable, None),
        }
    }

    fn classify_driver(&self, error: &DriverError) -> Meaning {
        match error {
            DriverError::Database(error) => match error.kind() {
                Constraint::UniqueViolation => (StoreErrorKind::Duplicate, None),
                Constraint::ForeignKeyViolation => (StoreErrorKind::Conflict, None),
                Constraint::NotNullViolation | Constraint::CheckViolation => (StoreErrorKind::Corrupt, None),
                _ => by_code(error.as_ref()).unwrap_or((StoreErrorKind::Unavailable, None)),
            },
            DriverError::PoolTimedOut => self.no_connection_in_time(),
            DriverError::ColumnDecode { .. } | DriverError::Decode(_) | DriverError::ColumnNotFound(_) => {
                (StoreErrorKind::Corrupt, None)
            }
            DriverError::Configuration(_) if self.remote => (StoreErrorKind::Unavailable, Some(TLS_NEEDED)),
            DriverError::Tls(_) => (StoreErrorKind::Unavailable, Some(NO_TRUST)),
            DriverError::Io(e) if self.remote => match e.kind() {
                // What TLS makes of a certificate that it does not accept.
                io::ErrorKind::InvalidData => (StoreErrorKind::Unavailable, Some(NO_TRUST)),
                io::ErrorKind::PermissionDenied => (StoreErrorKind::Unavailable, Some(NO_FILE)),
                // A socket is missing when its server does not run. On the way to a host there are no files but ours.
                io::ErrorKind::NotFound if !self.place.starts_with('/') => {
                    (StoreErrorKind::Unavailable, Some(NO_FILE))
                }
                _ => (StoreErrorKind::Disconnected, None),
            },
            // A server that is killed in the middle of an answer.
            DriverError::Protocol(_)
            | DriverError::WorkerCrashed
            | DriverError::BeginFailed
            | DriverError::PoolClosed
                if self.remote =>
            {
                (StoreErrorKind::Disconnected, None)
            }
            _ => (StoreErrorKind::Unavailable, None),
        }
    }

    /// A file is there at once, so others have all connections to it. A server may also be down.
    fn no_connection_in_time(&self) -> Meaning {
        match self.remote {
            true => (StoreErrorKind::Disconnected, None),
            false => (StoreErrorKind::Busy, Some(BUSY)),
        }
    }
}

/// Whether it is what the database itself said.
fn is_answer(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(e))
    | DbErr::Exec(RuntimeErr::SqlxError(e))
    | DbErr::Query(RuntimeErr::SqlxError(e))) = error
    else {
        return false;
    };
    matches!(**e, DriverError::Database(_))
}

fn by_code(error: &(dyn sqlx::error::DatabaseError + 'static)) -> Option<Meaning> {
    if error.try_downcast_ref::<SqlxSqliteError>().is_some() {
        sqlite::classify(error.code()?.parse().ok()?)
    } else if let Some(error) = error.try_downcast_ref::<SqlxPostgresError>() {
        postgres::classify(error.code())
    } else if let Some(error) = error.try_downcast_ref::<SqlxMySqlError>() {
        mysql::classify(error.number())
    } else {
        None
    }
}
