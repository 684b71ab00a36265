//! All that is peculiar to PostgreSQL.

use std::time::Duration;

use keystead_application::ports::{StoreError, StoreErrorKind};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqlxPostgresConnector, Statement, TransactionOptions,
};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::SeaOrmOptions;
use crate::error::{DAMAGED, FULL, Failures, Meaning, NO_LOGIN, NO_RIGHT, READ_ONLY};
use crate::server::{self, Parameters};

const EXAMPLE: &str = "postgres://keystead@db.example.org/keystead";

const TLS_MODE: [&str; 2] = ["sslmode", "ssl-mode"];

const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// All reads of one moment. Its first read decides which.
pub(crate) const READING: TransactionOptions = TransactionOptions {
    isolation_level: Some(IsolationLevel::RepeatableRead),
    access_mode: Some(AccessMode::ReadOnly),
    sqlite_transaction_mode: None,
};

/// READ COMMITTED, which every session is set to.
pub(crate) const WRITING: TransactionOptions = TransactionOptions {
    isolation_level: None,
    access_mode: None,
    sqlite_transaction_mode: None,
};

/// A database of a server.
#[derive(Clone)]
pub(crate) struct PostgresDatabase {
    options: PgConnectOptions,
    place: String,
}

impl PostgresDatabase {
    pub(crate) fn from_options(given: &SeaOrmOptions) -> Result<Self, StoreError> {
        let parameters = Parameters::of(&given.url, PARAMETERS, EXAMPLE)?;
        let mut options: PgConnectOptions = given.url.parse().map_err(|_| server::unreadable(EXAMPLE))?;
        if let Some(password) = &given.password {
            options = options.password(password);
        }
        let host = server::bare(options.get_host()).to_owned();
        options = options.host(&host);
        let socket = match options.get_socket() {
            Some(socket) => Some(socket.display().to_string()),
            None => host.starts_with('/').then(|| host.clone()),
        };
        if !parameters.name_one_of(&TLS_MODE) {
            options = options.ssl_mode(match socket.is_some() || server::is_loopback(&host) {
                true => PgSslMode::Prefer,
                false => PgSslMode::VerifyFull,
            });
        }
        let database = options.get_database().ok_or_else(|| server::nameless(EXAMPLE))?;
        let place = server::place(&socket.unwrap_or(host), options.get_port(), database);
        Ok(Self { options, place })
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Opens it. Nothing is changed by it.
    pub(crate) async fn connect(
        &self,
        busy_timeout: Duration,
        max_connections: u32,
        failures: &Failures,
    ) -> Result<DatabaseConnection, StoreError> {
        let millis = |time: Duration| time.as_millis().clamp(1, i32::MAX as u128).to_string();
        let options = self
            .options
            .clone()
            .application_name("keystead")
            .options([
                ("default_transaction_isolation", "read committed"),
                ("lock_timeout", &millis(busy_timeout)),
                ("statement_timeout", &millis(server::LONGEST_STATEMENT)),
                ("idle_in_transaction_session_timeout", &millis(server::ABANDONED)),
                ("client_min_messages", "warning"),
                // A machine that lost its power holds the lock of all writers; its server notices so.
                ("tcp_keepalives_idle", "30"),
                ("tcp_keepalives_interval", "10"),
                ("tcp_keepalives_count", "3"),
            ])
            .disable_statement_logging();
        let pool = server::pool_options(busy_timeout, max_connections).connect_lazy_with(options.clone());
        server::first_connection(&pool, &options, failures).await?;
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }
}

/// Makes others who migrate wait until this transaction ends.
pub(crate) async fn lock_migrations(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    // "keystead", in the numbers that these locks have for names. They count per database.
    const LOCK: &str = "SELECT pg_advisory_xact_lock(7738725071487066468)";
    // How long a migration takes depends on what is there.
    for sql in ["SET LOCAL statement_timeout = 0", LOCK] {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        transaction.execute_raw(statement).await?;
    }
    Ok(())
}

/// What a code (<https://www.postgresql.org/docs/current/errcodes-appendix.html>) means for the store.
pub(crate) fn classify(code: &str) -> Option<Meaning> {
    use StoreErrorKind as Kind;

    let meaning = match code {
        // serialization_failure, deadlock_detected.
        "40001" | "40P01" => (Kind::Undone, None),
        // too_many_connections; idle transactions and sessions that the server ended; it stops, crashed, or starts.
        "53300" | "25P03" | "25P04" | "57P01" | "57P02" | "57P03" | "57P05" => (Kind::Disconnected, None),
        // statement_completion_unknown: only a commit says so.
        "40003" => (Kind::CommitUnknown, None),
        // lock_not_available, query_canceled.
        "55P03" | "57014" => (Kind::Busy, Some(crate::error::BUSY)),
        // disk_full.
        "53100" => FULL,
        // read_only_sql_transaction.
        "25006" => READ_ONLY,
        // invalid_catalog_name, database_dropped.
        "3D000" | "57P04" => (
            Kind::Unavailable,
            Some("does not exist; make the database, or check its name"),
        ),
        // insufficient_privilege.
        "42501" => NO_RIGHT,
        // data_corrupted, index_corrupted.
        "XX001" | "XX002" => DAMAGED,
        // undefined_table, undefined_column, invalid_schema_name.
        "42P01" | "42703" | "3F000" => (Kind::NotMigrated, Some(crate::error::NOT_MIGRATED)),
        code => match code.get(..2)? {
            // connection_exception.
            "08" => (Kind::Disconnected, None),
            // invalid_authorization_specification.
            "28" => NO_LOGIN,
            _ => return None,
        },
    };
    Some(meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(url: &str) -> PostgresDatabase {
        PostgresDatabase::from_options(&SeaOrmOptions::new(url)).unwrap()
    }

    #[test]
    fn a_server_on_the_network_has_to_prove_who_it_is_unless_told_otherwise() {
        for (url, mode, place) in [
            ("postgres://ada:secret@db/k", PgSslMode::VerifyFull, "db:5432/k"),
            (
                "postgresql://ada@10.1.2.3:99/k",
                PgSslMode::VerifyFull,
                "10.1.2.3:99/k",
            ),
            ("postgres://db/k?sslmode=prefer", PgSslMode::Prefer, "db:5432/k"),
            (
                "postgres://db/k?ssl-mode=disable",
                PgSslMode::Disable,
                "db:5432/k",
            ),
            ("postgres://127.0.0.1/k", PgSslMode::Prefer, "127.0.0.1:5432/k"),
            ("postgres://[::1]:7/k", PgSslMode::Prefer, "[::1]:7/k"),
            (
                "postgres://[fd00::1]/k",
                PgSslMode::VerifyFull,
                "[fd00::1]:5432/k",
            ),
            (
                "postgres://localhost/k?sslmode=verify-full",
                PgSslMode::VerifyFull,
                "localhost:5432/k",
            ),
            ("postgres:///k?host=/run/pg", PgSslMode::Prefer, "/run/pg:5432/k"),
            ("postgres://%2Frun%2Fpg/k", PgSslMode::Prefer, "/run/pg:5432/k"),
        ] {
            let database = database(url);
            assert_eq!(database.options.get_ssl_mode() as u8, mode as u8, "{url}");
            assert_eq!(database.place(), place, "{url}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_its_secrets() {
        for url in [
            "postgres://ada:secret@db:port/k",
            "postgres://ada:secret@db/",
            "postgres://ada:secret@db/k?sslmode=secret",
            "postgres://ada:sec%ffret@db/k",
        ] {
            let refused = PostgresDatabase::from_options(&SeaOrmOptions::new(url))
                .err()
                .unwrap();
            let said = format!("{refused} {refused:?}");
            assert!(!said.contains("secret") && said.contains(EXAMPLE), "{said}");
        }
    }
}
