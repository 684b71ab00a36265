use std::process::{Command, Stdio};

use keystead_application::ports::{Schema, StoreErrorKind};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};

use crate::support::*;

const STEPS: [&str; 2] = ["m20261124_000001_keysets", "m20261124_000002_chain_and_rotation"];

const TABLES: &str =
    "SELECT count(*) FROM information_schema.tables WHERE table_schema IN ('public', DATABASE())";

fn tables(server: &dyn Server, database: &str) -> String {
    match server.url_of("").starts_with("postgres") {
        true => server.client(database, &TABLES.replace("DATABASE()", "current_schema()")),
        false => server.client(database, TABLES),
    }
}

#[tokio::test]
async fn looking_changes_nothing_and_migrating_makes_the_schema_once() {
    for server in servers() {
        let database = server.create_database();
        let url = server.url_of(&database);
        let schema = schema(&url);
        assert!(!schema.is_embedded());
        assert_eq!(schema.place(), format!("127.0.0.1:{}/{database}", server.port()));
        let status = schema.status().await.unwrap();
        assert!(!status.exists && status.applied.is_empty() && status.unknown.is_empty());
        assert_eq!(status.pending, STEPS);
        assert_eq!(status.place, schema.place());
        let refused = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await;
        assert_eq!(kind_of(refused), Some(StoreErrorKind::NotMigrated));
        assert_eq!(tables(server, &database), "0");

        assert_eq!(schema.migrate().await.unwrap(), STEPS);
        assert!(schema.migrate().await.unwrap().is_empty());
        let status = schema.status().await.unwrap();
        assert!(status.exists && status.applied == STEPS && status.pending.is_empty());
        SeaOrmStore::connect(SeaOrmOptions::new(&url)).await.unwrap();
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_not_touched() {
    for server in servers() {
        let (_, database) = new_store(server).await;
        let url = server.url_of(&database);
        // A newer program that did its second step in another way: this one has work to do and must not do it.
        let later = "UPDATE keystead_migrations SET version = 'm29990101_000001_later' WHERE version LIKE '%2_chain%'";
        server.client(&database, later);
        server.client(&database, "DROP TABLE audit_checkpoints");
        let before = tables(server, &database);
        let refused = schema(&url).migrate().await;
        assert_eq!(kind_of(refused), Some(StoreErrorKind::Newer));
        let refused = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await;
        let said = refused.as_ref().err().unwrap().to_string();
        assert!(said.contains("m29990101_000001_later"), "{said}");
        assert_eq!(kind_of(refused), Some(StoreErrorKind::Newer));
        assert_eq!(
            schema(&url).status().await.unwrap().unknown,
            ["m29990101_000001_later"]
        );
        assert_eq!(tables(server, &database), before);
    }
}

/// The processes are this very test: with the variable set it is one of those that start at once.
#[tokio::test]
async fn processes_that_migrate_at_once_all_succeed() {
    const DATABASE: &str = "KEYSTEAD_TEST_RACE";
    if let Ok(url) = std::env::var(DATABASE) {
        let options = SeaOrmOptions::new(url);
        SeaOrmSchema::new(options.clone())
            .unwrap()
            .migrate()
            .await
            .unwrap();
        insert(&SeaOrmStore::connect(options).await.unwrap(), std::process::id())
            .await
            .unwrap();
        return;
    }
    for server in servers() {
        let database = server.create_database();
        let processes: Vec<_> = (0..6)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "schema::processes_that_migrate_at_once_all_succeed"])
                    .env(DATABASE, server.url_of(&database))
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        }
        let count = |table: &str| server.client(&database, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(
            (count("keystead_migrations"), count("keysets")),
            ("2".into(), "6".into())
        );
    }
}

/// MariaDB commits at each change of the schema, so that a program that is killed leaves a part of a step behind.
#[tokio::test]
async fn a_step_that_was_cut_off_is_refused_and_then_completed() {
    let Some(server) = mariadb() else { return };
    let definition = |database: &str| {
        let tables = server.client(database, "SHOW TABLES");
        let definitions = tables
            .lines()
            .map(|table| server.client(database, &format!("SHOW CREATE TABLE {table}")));
        definitions.collect::<Vec<_>>()
    };
    let (_, whole) = new_store(server).await;
    let no_second = "DELETE FROM keystead_migrations WHERE version LIKE '%2_chain%'";
    let cuts: [&[&str]; 8] = [
        // All was done but to write it down.
        &[no_second],
        &[no_second, "UPDATE audit_head SET chain = NULL"],
        &[no_second, "ALTER TABLE audit_head DROP COLUMN chain"],
        &[
            no_second,
            "ALTER TABLE audit_head DROP COLUMN chain",
            "ALTER TABLE audit_events DROP COLUMN chain",
            "DROP INDEX staged_private_keys_master_key ON staged_private_keys",
        ],
        &[
            no_second,
            "ALTER TABLE audit_head DROP COLUMN chain",
            "ALTER TABLE audit_events DROP COLUMN chain",
            "DROP INDEX keyset_private_keys_master_key ON keyset_private_keys",
            "DROP TABLE staged_private_keys",
        ],
        // The first step, behind which the second one was not begun.
        &["DELETE FROM keystead_migrations", "DELETE FROM audit_head"],
        &[
            "DELETE FROM keystead_migrations",
            "DELETE FROM active_keyset",
            "DROP INDEX keysets_created_at ON keysets",
        ],
        &[
            "DROP TABLE keystead_migrations, audit_checkpoints, staged_private_keys, audit_events, audit_head, \
             active_keyset, keyset_private_keys",
        ],
    ];
    for cut in cuts {
        let (store, database) = new_store(server).await;
        store.close().await.unwrap();
        cut.iter().for_each(|sql| drop(server.client(&database, sql)));
        let url = server.url_of(&database);
        let refused = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await;
        assert_eq!(kind_of(refused), Some(StoreErrorKind::NotMigrated), "{cut:?}");
        assert!(!schema(&url).migrate().await.unwrap().is_empty());
        assert_eq!(definition(&database), definition(&whole), "{cut:?}");
        let store = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await.unwrap();
        insert(&store, 1).await.unwrap();
    }
}
