use std::process::{Command, Stdio};

use keystead_application::ports::{RecordKind, Schema, Store, StoreErrorKind};
use keystead_domain::{Register, Sequence, SignedNote, register_digest};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};

use crate::support::*;

const STEPS: [&str; 4] = [
    "m20261124_000001_keysets",
    "m20261124_000002_chain_and_rotation",
    "m20261124_000003_recoveries",
    "m20261124_000004_records",
];

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
            ("4".into(), "6".into())
        );
    }
}

/// As a program without the fourth step left it.
const NO_FOURTH: &[&str] = &[
    "DROP TABLE records",
    "DELETE FROM keystead_migrations WHERE version LIKE '%4_records%'",
];

/// As a program without the third step left that.
const NO_THIRD: &[&str] = &[
    "DROP TABLE recovery_documents",
    "DROP TABLE recovery_approvals",
    "DROP TABLE recoveries",
    "DROP TABLE recovery_policy",
    "DROP TABLE recovery_register",
    "DROP TABLE officers",
    "DROP TABLE server_identities",
    "DROP TABLE backup_servers",
    "DELETE FROM keystead_migrations WHERE version LIKE '%3_recoveries%'",
];

/// As a program without the second step left that.
const NO_SECOND: &[&str] = &[
    "DROP TABLE audit_checkpoints",
    "DROP TABLE staged_private_keys",
    "ALTER TABLE audit_events DROP COLUMN chain",
    "ALTER TABLE audit_head DROP COLUMN chain",
    "DELETE FROM keystead_migrations WHERE version LIKE '%2_chain%'",
];

#[tokio::test]
async fn what_an_older_schema_holds_is_still_there_after_its_steps() {
    for server in servers() {
        for older in [
            NO_FOURTH.to_vec(),
            [NO_FOURTH, NO_THIRD].concat(),
            [NO_FOURTH, NO_THIRD, NO_SECOND].concat(),
        ] {
            let (store, database) = new_store(server).await;
            insert(&store, 1).await.unwrap();
            insert(&store, 2).await.unwrap();
            store.close().await.unwrap();
            older.iter().for_each(|sql| drop(server.client(&database, sql)));
            if older.ends_with(NO_SECOND) {
                let index = match server.url_of("").starts_with("postgres") {
                    true => "DROP INDEX keyset_private_keys_master_key",
                    false => "DROP INDEX keyset_private_keys_master_key ON keyset_private_keys",
                };
                server.client(&database, index);
            }
            let url = server.url_of(&database);
            let refused = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await;
            assert_eq!(kind_of(refused), Some(StoreErrorKind::NotMigrated));
            schema(&url).migrate().await.unwrap();
            let store = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await.unwrap();
            assert_eq!(kept(&store).await, [1, 2]);
            insert(&store, 3).await.unwrap();
            let mut work = store.begin().await.unwrap();
            assert!(work.list_servers(None, 9).await.unwrap().is_empty());
            let sessions = work.list_records(RecordKind::Session, None, 9).await;
            assert!(sessions.unwrap().is_empty());
            assert_eq!(work.audit_head().await.unwrap().sequence, Sequence(3));
        }
    }
}

/// What a released version of the schema left on a server, as the server's own program dumped it.
struct Released {
    postgres: &'static str,
    mariadb: &'static str,
    steps: usize,
    events: u64,
    servers: usize,
    officers: usize,
    requests: usize,
}

const RELEASED: [Released; 2] = [
    Released {
        postgres: include_str!("../../../../../tests/fixtures/databases/schema-2.postgres.sql"),
        mariadb: include_str!("../../../../../tests/fixtures/databases/schema-2.mariadb.sql"),
        steps: 2,
        events: 12,
        servers: 0,
        officers: 0,
        requests: 0,
    },
    Released {
        postgres: include_str!("../../../../../tests/fixtures/databases/schema-3.postgres.sql"),
        mariadb: include_str!("../../../../../tests/fixtures/databases/schema-3.mariadb.sql"),
        steps: 3,
        events: 30,
        servers: 2,
        officers: 3,
        requests: 3,
    },
];

#[tokio::test]
async fn released_databases_are_migrated_with_all_that_they_hold() {
    for server in servers() {
        for released in RELEASED {
            let database = server.create_database();
            let dump = match server.url_of("").starts_with("postgres") {
                true => released.postgres,
                false => released.mariadb,
            };
            server.client(&database, dump);
            let url = server.url_of(&database);
            assert_eq!(schema(&url).migrate().await.unwrap(), STEPS[released.steps..]);
            let store = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await.unwrap();
            let mut snapshot = store.snapshot().await.unwrap();
            assert_eq!(snapshot.list_keysets(None, 9).await.unwrap().keysets.len(), 2);
            let head = snapshot.audit_head().await.unwrap();
            assert_eq!(head.sequence, Sequence(released.events));
            let requests = snapshot.list_recoveries(None, 9).await.unwrap();
            assert_eq!(requests.len(), released.requests);
            let servers = snapshot.list_servers(None, 9).await.unwrap();
            let officers = snapshot.officers().await.unwrap();
            assert_eq!(
                (servers.len(), officers.len()),
                (released.servers, released.officers)
            );
            // All of them are what the manager signed, to the last byte.
            let policy = snapshot.recovery_policy().await.unwrap();
            let digest = register_digest(&servers, &officers, policy.as_ref());
            if let Some(note) = snapshot.recovery_register().await.unwrap() {
                let note: SignedNote = note.parse().unwrap();
                assert_eq!(note.text().parse::<Register>().unwrap().digest, digest);
            } else {
                assert_eq!(released.servers, 0);
            }
            for kind in RecordKind::ALL {
                assert!(snapshot.list_records(kind, None, 9).await.unwrap().is_empty());
            }
            drop(snapshot);
            insert(&store, 3).await.unwrap();
        }
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
    let chain = [
        "ALTER TABLE audit_head DROP COLUMN chain",
        "ALTER TABLE audit_events DROP COLUMN chain",
    ];
    let second = [
        NO_FOURTH,
        NO_THIRD,
        &["DELETE FROM keystead_migrations WHERE version LIKE '%2_chain%'"],
    ]
    .concat();
    let first = [NO_FOURTH, NO_THIRD, &["DELETE FROM keystead_migrations"]].concat();
    let third = [
        NO_FOURTH,
        &["DELETE FROM keystead_migrations WHERE version LIKE '%3_recoveries%'"],
    ]
    .concat();
    let fourth = "DELETE FROM keystead_migrations WHERE version LIKE '%4_records%'";
    let cuts: [Vec<&str>; 15] = [
        // All was done but to write it down.
        second.clone(),
        [&second[..], &["UPDATE audit_head SET chain = NULL"]].concat(),
        [&second[..], &chain[..1]].concat(),
        [
            &second[..],
            &chain,
            &["DROP INDEX staged_private_keys_master_key ON staged_private_keys"],
        ]
        .concat(),
        [
            &second[..],
            &chain,
            &[
                "DROP INDEX keyset_private_keys_master_key ON keyset_private_keys",
                "DROP TABLE staged_private_keys",
            ],
        ]
        .concat(),
        // The first step, behind which the second one was not begun.
        [&first[..], &["DELETE FROM audit_head"]].concat(),
        [
            &first[..],
            &["DELETE FROM active_keyset", "DROP INDEX keysets_created_at ON keysets"],
        ]
        .concat(),
        [
            &first[..],
            &["DROP TABLE keystead_migrations, audit_checkpoints, staged_private_keys, audit_events, audit_head, \
               active_keyset, keyset_private_keys"],
        ]
        .concat(),
        // The third step: at its end, between its indexes, between its tables, and before it.
        third.clone(),
        [
            &third[..],
            &[
            // With the index that the server makes for the key by itself, until there is one that serves it.
            "ALTER TABLE recoveries DROP FOREIGN KEY recoveries_server, DROP INDEX recoveries_server_received_at",
            "ALTER TABLE recoveries ADD CONSTRAINT recoveries_server FOREIGN KEY (server_id) REFERENCES \
             backup_servers (id) ON DELETE RESTRICT",
        ],
        ].concat(),
        [&third[..], &["DROP TABLE recovery_documents, recovery_approvals"]].concat(),
        [NO_FOURTH, NO_THIRD].concat(),
        // The fourth step, in the same way.
        vec![fourth],
        vec![fourth, "DROP INDEX records_expires_at ON records"],
        NO_FOURTH.to_vec(),
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
