//! What the codes of each engine mean, said by the engine itself.

use keystead_application::ports::StoreErrorKind;
use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};
use sea_orm::ConnectionTrait;

use super::*;
use crate::engine::{Database, Engine};

async fn open(url: String) -> Database {
    Engine::new(&SeaOrmOptions::new(url))
        .unwrap()
        .open(1)
        .await
        .unwrap()
}

/// The kind of failure that a statement and a commit have when the server says so.
async fn kinds(database: &Database, sql: &str) -> (StoreErrorKind, StoreErrorKind) {
    let said = |e| database.failures.of("test", e).kind;
    let statement = database.connection.execute_unprepared(sql).await.map_err(said);
    let said = |e| database.failures.of_commit("test", e).kind;
    let commit = database.connection.execute_unprepared(sql).await.map_err(said);
    (statement.unwrap_err(), commit.unwrap_err())
}

#[tokio::test]
async fn of_postgresql() {
    use StoreErrorKind::*;

    let Some(server) = PostgresServer::start(Settings::default()) else {
        return;
    };
    let database = open(server.url_of("postgres")).await;
    for (code, kind) in [
        ("40001", Undone),
        ("40P01", Undone),
        ("08006", Disconnected),
        ("57P01", Disconnected),
        ("57P02", Disconnected),
        ("57P03", Disconnected),
        ("53300", Disconnected),
        ("25P03", Disconnected),
        ("55P03", Busy),
        ("57014", Busy),
        ("53100", NoSpace),
        ("25006", NoSpace),
        ("28P01", Unavailable),
        ("28000", Unavailable),
        ("3D000", Unavailable),
        ("42501", Unavailable),
        ("XX001", Corrupt),
        ("XX002", Corrupt),
        ("23505", Duplicate),
        ("23503", Conflict),
        ("23514", Corrupt),
        ("42P01", NotMigrated),
        ("42703", NotMigrated),
        ("22012", Unavailable),
    ] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'said' USING ERRCODE = '{code}'; END $$");
        let in_commit = if kind == Disconnected { CommitUnknown } else { kind };
        assert_eq!(kinds(&database, &raise).await, (kind, in_commit), "{code}");
    }
    for (setting, expected) in [
        ("lock_timeout", "10s"),
        ("statement_timeout", "15min"),
        ("idle_in_transaction_session_timeout", "20s"),
        ("client_min_messages", "warning"),
        ("application_name", "keystead"),
        ("transaction_isolation", "read committed"),
    ] {
        assert_eq!(
            ask(&database.connection, &format!("SHOW {setting}")).await,
            expected
        );
    }
    let snapshot = database.begin_reading("test").await.unwrap();
    assert_eq!(
        ask(&snapshot, "SHOW transaction_isolation").await,
        "repeatable read"
    );
    assert_eq!(ask(&snapshot, "SHOW transaction_read_only").await, "on");
}

#[tokio::test]
async fn of_mariadb() {
    use StoreErrorKind::*;

    let Some(server) = MariaDbServer::start(Settings::default()) else {
        return;
    };
    let database = open(server.url_of("mysql")).await;
    for (number, kind) in [
        (1213, Undone),
        (1020, Undone),
        (1053, Disconnected),
        (1927, Disconnected),
        (2006, Disconnected),
        (2013, Disconnected),
        (1040, Disconnected),
        (1203, Disconnected),
        (1205, Busy),
        (3024, Busy),
        (1969, Busy),
        (1021, NoSpace),
        (1114, NoSpace),
        (1290, NoSpace),
        (1792, NoSpace),
        (1836, NoSpace),
        (1045, Unavailable),
        (1698, Unavailable),
        (1044, Unavailable),
        (1049, Unavailable),
        (1142, Unavailable),
        (1194, Corrupt),
        (1195, Corrupt),
        (1062, Duplicate),
        (1452, Conflict),
        (1048, Corrupt),
        (1146, NotMigrated),
        (1054, NotMigrated),
        (1365, Unavailable),
    ] {
        let signal = format!("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'said'");
        let in_commit = if kind == Disconnected { CommitUnknown } else { kind };
        assert_eq!(kinds(&database, &signal).await, (kind, in_commit), "{number}");
    }
    for (variable, expected) in [
        ("innodb_lock_wait_timeout", "10"),
        ("lock_wait_timeout", "10"),
        ("idle_transaction_timeout", "20"),
        ("tx_isolation", "READ-COMMITTED"),
        ("collation_connection", "utf8mb4_bin"),
        ("character_set_client", "utf8mb4"),
    ] {
        let sql = format!("SELECT CONCAT(@@SESSION.{variable})");
        assert_eq!(ask(&database.connection, &sql).await, expected, "{variable}");
    }
    let mode = ask(&database.connection, "SELECT @@SESSION.sql_mode").await;
    assert!(
        mode.contains("STRICT_ALL_TABLES") && mode.contains("NO_ENGINE_SUBSTITUTION"),
        "{mode}"
    );
    let snapshot = database.begin_reading("test").await.unwrap();
    let refused = snapshot
        .execute_unprepared("DELETE FROM help_topic")
        .await
        .unwrap_err();
    assert_eq!(database.failures.of("test", refused).kind, NoSpace);
}

async fn ask(connection: &impl ConnectionTrait, sql: &str) -> String {
    let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
