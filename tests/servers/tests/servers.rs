//! The servers are what the tests that use them rely on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

use std::path::Path;

use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};

const MAKE: &str = "CREATE TABLE kept (what VARCHAR(20)); INSERT INTO kept VALUES ('Büro')";

fn folder_is_gone(folder: &Path) -> bool {
    !folder.exists()
}

#[test]
fn postgresql_keeps_its_data_through_a_crash_and_leaves_nothing_behind() {
    let Some(mut server) = PostgresServer::start(Settings::default()) else {
        return;
    };
    let database = server.create_database();
    assert_ne!(database, server.create_database());
    server.client(&database, MAKE);
    let port = server.port();
    server.kill();
    assert!(server.try_client(&database, "SELECT 1").is_err());
    server.restart();
    assert_eq!(server.port(), port);
    assert_eq!(server.client(&database, "SELECT what, 7 FROM kept"), "Büro|7");
    let folder = server.socket_folder();
    drop(server);
    assert!(folder_is_gone(&folder));
}

#[test]
fn mariadb_keeps_its_data_through_a_crash_and_leaves_nothing_behind() {
    let Some(mut server) = MariaDbServer::start(Settings::default()) else {
        return;
    };
    let database = server.create_database();
    assert_ne!(database, server.create_database());
    server.client(&database, MAKE);
    let port = server.port();
    server.kill();
    assert!(server.try_client(&database, "SELECT 1").is_err());
    server.restart();
    assert_eq!(server.port(), port);
    assert_eq!(server.client(&database, "SELECT what, 7 FROM kept"), "Büro\t7");
    let folder = server.socket().parent().unwrap().to_owned();
    drop(server);
    assert!(folder_is_gone(&folder));
}
