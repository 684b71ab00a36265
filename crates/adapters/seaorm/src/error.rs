use std::sync::Arc;

use keystead_application::ports::{StoreError, StoreErrorKind};
use sea_orm::sqlx::error::{Error as DriverError, ErrorKind as Constraint};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlxError, SqlxSqliteError};

use crate::sqlite;

/// What to say when others hold the database for too long.
pub(crate) const BUSY: &str = "is used by others for longer than the time-out; try again, or see who uses it";

/// Turns what the database says into errors of the port. It decides by codes, never by texts.
#[derive(Clone)]
pub(crate) struct Failures {
    place: Arc<str>,
}

impl Failures {
    pub(crate) fn new(place: String) -> Self {
        Self { place: place.into() }
    }

    /// A failure of an operation.
    pub(crate) fn of(&self, operation: &'static str, error: DbErr) -> StoreError {
        let (kind, advice) = classify(&error);
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
        }
        failure
    }
}

fn classify(error: &DbErr) -> (StoreErrorKind, Option<&'static str>) {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => (StoreErrorKind::Busy, Some(BUSY)),
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => classify_driver(e),
        // A value of another type than the column has.
        DbErr::Type(_) | DbErr::TryIntoErr { .. } | DbErr::Json(_) => (StoreErrorKind::Corrupt, None),
        _ => (StoreErrorKind::Unavailable, None),
    }
}

fn classify_driver(error: &DriverError) -> (StoreErrorKind, Option<&'static str>) {
    match error {
        DriverError::Database(error) => {
            let kind = match error.kind() {
                Constraint::UniqueViolation => Some(StoreErrorKind::Duplicate),
                Constraint::ForeignKeyViolation => Some(StoreErrorKind::Conflict),
                Constraint::NotNullViolation | Constraint::CheckViolation => Some(StoreErrorKind::Corrupt),
                _ => None,
            };
            if let Some(kind) = kind {
                return (kind, None);
            }
            error
                .try_downcast_ref::<SqlxSqliteError>()
                .and_then(|_| error.code()?.parse().ok())
                .and_then(sqlite::classify)
                .map_or((StoreErrorKind::Unavailable, None), |(kind, advice)| {
                    (kind, Some(advice))
                })
        }
        DriverError::PoolTimedOut => (StoreErrorKind::Busy, Some(BUSY)),
        DriverError::ColumnDecode { .. } | DriverError::Decode(_) | DriverError::ColumnNotFound(_) => {
            (StoreErrorKind::Corrupt, None)
        }
        _ => (StoreErrorKind::Unavailable, None),
    }
}
