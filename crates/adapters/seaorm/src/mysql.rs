//! All that is peculiar to MariaDB and MySQL.

use std::time::Duration;

use keystead_application::ports::{StoreError, StoreErrorKind};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqlxMySqlConnector, Statement, TransactionOptions,
};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, MySql};

use crate::SeaOrmOptions;
use crate::error::{DAMAGED, FULL, Failures, Meaning, NO_LOGIN, NO_RIGHT, READ_ONLY};
use crate::server::{self, Parameters};

const EXAMPLE: &str = "mysql://keystead@db.example.org/keystead";

const TLS_MODE: [&str; 2] = ["sslmode", "ssl-mode"];

const PARAMETERS: &[&str] = &[
    "sslmode", "ssl-mode", "sslca", "ssl-ca", "sslcert", "ssl-cert", "sslkey", "ssl-key", "socket",
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
pub(crate) struct MySqlDatabase {
    options: MySqlConnectOptions,
    place: String,
}

impl MySqlDatabase {
    pub(crate) fn from_options(given: &SeaOrmOptions) -> Result<Self, StoreError> {
        let parameters = Parameters::of(&given.url, PARAMETERS, EXAMPLE)?;
        let mut options: MySqlConnectOptions = given.url.parse().map_err(|_| server::unreadable(EXAMPLE))?;
        if let Some(password) = &given.password {
            options = options.password(password);
        }
        let host = server::bare(options.get_host()).to_owned();
        options = options.host(&host);
        let socket = options.get_socket().map(|socket| socket.display().to_string());
        if !parameters.name_one_of(&TLS_MODE) {
            options = options.ssl_mode(match socket.is_some() || server::is_loopback(&host) {
                true => MySqlSslMode::Preferred,
                false => MySqlSslMode::VerifyIdentity,
            });
        }
        let database = options.get_database().ok_or_else(|| server::nameless(EXAMPLE))?;
        let place = match socket {
            Some(socket) => format!("{socket}/{database}"),
            None => server::place(&host, options.get_port(), database),
        };
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
        let options = self
            .options
            .clone()
            .charset("utf8mb4")
            .collation("utf8mb4_bin")
            // The whole mode is set below.
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .disable_statement_logging();
        let set_up = set_up(busy_timeout);
        let pool = server::pool_options::<MySql>(busy_timeout, max_connections)
            .after_connect(move |connection, _| {
                let set_up = set_up.clone();
                Box::pin(async move {
                    for sql in set_up {
                        connection.execute(AssertSqlSafe(sql)).await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone());
        server::first_connection(&pool, &options, failures).await?;
        Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
    }
}

/// What each session is set to.
fn set_up(busy_timeout: Duration) -> [String; 2] {
    // Whole seconds; no time at all would not be a time-out to a deadlock's victim either.
    let seconds = busy_timeout.as_millis().div_ceil(1000).clamp(1, 1_000_000);
    let abandoned = server::ABANDONED.as_secs();
    let longest = server::LONGEST_STATEMENT.as_secs();
    [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
        // What does not fit is refused, not cut to fit. What is in the comment is for MariaDB alone.
        format!(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,\
             NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION', \
             innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds} \
             /*M!100300 , idle_transaction_timeout = {abandoned}, max_statement_time = {longest} */"
        ),
    ]
}

/// Makes others who migrate wait until [`unlock_migrations`], or until this connection ends. Gives whether they did.
///
/// Not the transaction holds the lock: these engines commit at each change of the schema.
pub(crate) async fn lock_migrations(
    transaction: &DatabaseTransaction,
    busy_timeout: Duration,
) -> Result<bool, DbErr> {
    let sql = format!("SELECT GET_LOCK({MIGRATION_LOCK}, ?)");
    let seconds = i64::try_from(busy_timeout.as_secs().max(1)).unwrap_or(i64::MAX);
    let statement = Statement::from_sql_and_values(DbBackend::MySql, sql, [seconds.into()]);
    let row = transaction.query_one_raw(statement).await?;
    let got = row
        .map(|row| row.try_get_by_index::<Option<i64>>(0))
        .transpose()?;
    // How long a migration takes depends on what is there.
    let unlimited = "SET SESSION innodb_lock_wait_timeout = 1000000 /*M!100300 , max_statement_time = 0 */";
    transaction.execute_unprepared(unlimited).await?;
    Ok(got.flatten() == Some(1))
}

pub(crate) async fn unlock_migrations(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    let sql = format!("DO RELEASE_LOCK({MIGRATION_LOCK})");
    transaction.execute_unprepared(&sql).await.map(|_| ())
}

/// These locks are of the whole server, and their names have 64 characters at most.
const MIGRATION_LOCK: &str = "CONCAT('keystead-migrate-', MD5(DATABASE()))";

/// What an error number (<https://mariadb.com/kb/en/mariadb-error-code-reference/>) means for the store.
pub(crate) fn classify(number: u16) -> Option<Meaning> {
    use StoreErrorKind as Kind;

    let meaning = match number {
        // LOCK_DEADLOCK, CHECKREAD (the row changed since it was read), XA_RBDEADLOCK, QUERY_INTERRUPTED.
        1213 | 1020 | 1614 | 1317 => (Kind::Undone, None),
        // Too many connections; the server stops, is not ready, or ended this connection; the network did.
        1040 | 1203 | 1226 | 1047 | 1053 | 1079 | 1152 | 1158..=1161 | 1184 | 1927 | 2006 | 2013 | 4031 => {
            (Kind::Disconnected, None)
        }
        // ERROR_DURING_COMMIT.
        1180 => (Kind::CommitUnknown, None),
        // LOCK_WAIT_TIMEOUT, QUERY_TIMEOUT, STATEMENT_TIMEOUT.
        1205 | 3024 | 1969 => (Kind::Busy, Some(crate::error::BUSY)),
        // DISK_FULL, RECORD_FILE_FULL.
        1021 | 1114 => FULL,
        // OPTION_PREVENTS_STATEMENT, READ_ONLY_MODE, CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, CANT_UPDATE_WITH_READLOCK.
        1290 | 1836 | 1792 | 1223 => READ_ONLY,
        // ACCESS_DENIED, its two variants without a password, HOST_NOT_PRIVILEGED, HOST_IS_BLOCKED, a password that ran
        // out.
        1045 | 1698 | 1873 | 1130 | 1129 | 1820 | 1862 => NO_LOGIN,
        1049 => (
            Kind::Unavailable,
            Some("does not exist; make the database, or check its name"),
        ),
        // DBACCESS_DENIED, TABLEACCESS_DENIED, COLUMNACCESS_DENIED, SPECIFIC_ACCESS_DENIED.
        1044 | 1142 | 1143 | 1227 => NO_RIGHT,
        // CRASHED_ON_USAGE, CRASHED_ON_REPAIR, INDEX_CORRUPT, TABLE_CORRUPT.
        1194 | 1195 | 1712 | 1877 => DAMAGED,
        // NO_SUCH_TABLE, BAD_FIELD.
        1146 | 1054 => (Kind::NotMigrated, Some(crate::error::NOT_MIGRATED)),
        // NET_PACKET_TOO_LARGE.
        1153 => (
            Kind::Unavailable,
            Some("takes no packets of this size; raise its max_allowed_packet"),
        ),
        _ => return None,
    };
    Some(meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_the_network_has_to_prove_who_it_is_unless_told_otherwise() {
        for (url, mode, place) in [
            (
                "mysql://ada:secret@db/k",
                MySqlSslMode::VerifyIdentity,
                "db:3306/k",
            ),
            (
                "mariadb://ada@10.1.2.3:99/k",
                MySqlSslMode::VerifyIdentity,
                "10.1.2.3:99/k",
            ),
            (
                "mysql://db/k?ssl-mode=PREFERRED",
                MySqlSslMode::Preferred,
                "db:3306/k",
            ),
            (
                "mysql://db/k?sslmode=disabled",
                MySqlSslMode::Disabled,
                "db:3306/k",
            ),
            ("mysql://127.0.0.1/k", MySqlSslMode::Preferred, "127.0.0.1:3306/k"),
            ("mysql://[::1]:7/k", MySqlSslMode::Preferred, "[::1]:7/k"),
            (
                "mysql://localhost/k?socket=/run/sock",
                MySqlSslMode::Preferred,
                "/run/sock/k",
            ),
        ] {
            let database = MySqlDatabase::from_options(&SeaOrmOptions::new(url)).unwrap();
            assert_eq!(database.options.get_ssl_mode() as u8, mode as u8, "{url}");
            assert_eq!(database.place(), place, "{url}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_its_secrets() {
        for url in [
            "mysql://ada:secret@db:port/k",
            "mysql://ada:secret@db/",
            "mysql://ada:secret@db/k?ssl-mode=secret",
            "mariadb://ada:sec%ffret@db/k",
        ] {
            let refused = MySqlDatabase::from_options(&SeaOrmOptions::new(url))
                .err()
                .unwrap();
            let said = format!("{refused} {refused:?}");
            assert!(!said.contains("secret") && said.contains(EXAMPLE), "{said}");
        }
    }
}
