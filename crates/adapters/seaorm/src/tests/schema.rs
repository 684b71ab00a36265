use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use keystead_application::ports::StoreErrorKind;

use super::*;

pub(super) const STEPS: [&str; 4] = [
    "m20261124_000001_keysets",
    "m20261124_000002_chain_and_rotation",
    "m20261124_000003_recoveries",
    "m20261124_000004_records",
];

#[tokio::test]
async fn looking_changes_nothing() {
    let place = Place::new();
    let status = place.schema().status().await.unwrap();
    assert_eq!((status.engine.as_str(), status.exists), ("sqlite", false));
    assert_eq!(status.place, place.path().display().to_string());
    assert_eq!(status.pending, STEPS);
    assert!(status.applied.is_empty() && status.unknown.is_empty());
    assert!(place.names().is_empty(), "the look made a file");

    // A database without our tables: none of them is made by looking.
    place.sqlite3("CREATE TABLE other (id INTEGER)");
    let before = fs::read(place.path()).unwrap();
    let status = place.schema().status().await.unwrap();
    assert!(status.exists && status.pending == STEPS);
    assert_eq!(fs::read(place.path()).unwrap(), before);
    assert_eq!(place.names(), ["keystead.db"]);
}

#[tokio::test]
async fn migrating_makes_the_schema_once() {
    let place = Place::new();
    assert_eq!(place.schema().migrate().await.unwrap(), STEPS);
    assert!(place.schema().migrate().await.unwrap().is_empty());
    let status = place.schema().status().await.unwrap();
    assert!(status.exists && status.applied == STEPS && status.pending.is_empty());
    assert_eq!(place.sqlite3("PRAGMA journal_mode"), "wal");
    assert_eq!(place.names(), ["keystead.db"], "closed in good order");
}

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let place = Place::new();
    let store = place.store().await;
    insert(&store, &[generated(1)]).await;
    assert_eq!(
        place.names(),
        ["keystead.db", "keystead.db-shm", "keystead.db-wal"]
    );
    for name in place.names() {
        let mode = fs::metadata(place.folder.path().join(&name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_store_opens_only_on_the_schema_that_it_knows() {
    let kind =
        |result: Result<SeaOrmStore, keystead_application::ports::StoreError>| result.err().map(|e| e.kind);
    let place = Place::new();
    let missing = SeaOrmStore::connect(place.options()).await;
    assert_eq!(kind(missing), Some(StoreErrorKind::NotMigrated));
    assert!(place.names().is_empty());

    place.sqlite3("CREATE TABLE other (id INTEGER)");
    let foreign = SeaOrmStore::connect(place.options()).await;
    assert_eq!(kind(foreign), Some(StoreErrorKind::NotMigrated));

    place.migrate().await;
    place.sqlite3("INSERT INTO keystead_migrations VALUES ('m29990101_000001_later', 0)");
    let newer = SeaOrmStore::connect(place.options()).await;
    let message = newer.as_ref().err().unwrap().to_string();
    assert!(
        message.contains("m29990101_000001_later") && message.contains("keystead.db"),
        "{message}"
    );
    assert_eq!(kind(newer), Some(StoreErrorKind::Newer));
    assert_eq!(
        place.schema().status().await.unwrap().unknown,
        ["m29990101_000001_later"]
    );
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let place = Place::new();
    place.migrate().await;
    // A newer program that did its first step in another way: this one has work to do and must not do it.
    place.sqlite3(
        "UPDATE keystead_migrations SET version = 'm29990101_000001_later' WHERE version LIKE '%2_chain%'",
    );
    let before = fs::read(place.path()).unwrap();
    let refused = place.schema().migrate().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Newer);
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

/// The processes are this very test: with the variable set it is one of those that start at once.
#[tokio::test]
async fn processes_that_start_at_once_all_succeed() {
    const DATABASE: &str = "KEYSTEAD_TEST_RACE";
    if let Some(path) = std::env::var_os(DATABASE) {
        let options = SeaOrmOptions::for_sqlite_file(path.as_ref()).unwrap();
        SeaOrmSchema::new(options.clone())
            .unwrap()
            .migrate()
            .await
            .unwrap();
        SeaOrmStore::connect(options).await.unwrap();
        return;
    }
    for _ in 0..5 {
        let place = Place::new();
        let processes: Vec<_> = (0..6)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args([
                        "--exact",
                        "tests::schema::processes_that_start_at_once_all_succeed",
                    ])
                    .env(DATABASE, place.path())
                    .stdout(std::process::Stdio::piped())
                    .stderr(std::process::Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        }
        assert_eq!(place.sqlite3("SELECT count(*) FROM keystead_migrations"), "4");
        assert_eq!(place.sqlite3("PRAGMA journal_mode"), "wal");
    }
}

#[tokio::test]
async fn odd_names_and_relative_urls_lead_to_their_file() {
    let place = Place::new();
    for name in ["a b.db", "100%25.db", "what?.db", "#1.db", "ü.db", "file:x.db"] {
        let path = place.folder.path().join(name);
        let options = SeaOrmOptions::for_sqlite_file(&path).unwrap();
        let schema = SeaOrmSchema::new(options).unwrap();
        schema.migrate().await.unwrap();
        assert!(path.is_file(), "{name}");
        assert_eq!(schema.status().await.unwrap().place, path.display().to_string());
    }
    let here = std::env::current_dir().unwrap().join("k.db");
    for url in ["sqlite:k.db", "sqlite://k.db", "sqlite:./k.db"] {
        let schema = SeaOrmSchema::new(SeaOrmOptions::new(url)).unwrap();
        assert_eq!(schema.status().await.unwrap().place, here.display().to_string());
    }
}

#[test]
fn urls_that_name_no_file_are_refused_without_their_secrets() {
    let urls = [
        "",
        "sqlite:",
        "sqlite::memory:",
        "sqlite://k.db?mode=ro",
        "keystead.db",
        "oracle://ada:secret@db/keystead",
        "postgres://ada:sec/secret@db/keystead",
    ];
    for url in urls {
        let refused = SeaOrmSchema::new(SeaOrmOptions::new(url)).err().unwrap();
        assert!(!refused.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn the_tables_cannot_hold_what_the_domain_forbids() {
    let place = Place::new();
    let store = place.store().await;
    insert(&store, &[generated(1), generated(2)]).await;
    let mut work = store.begin().await.unwrap();
    activate(work.as_mut(), generated(1).id(), 5).await;
    work.commit().await.unwrap();
    let (active, other) = (generated(1).id(), generated(2).id());
    let set = |what: &str| format!("UPDATE keysets SET {what} WHERE id = '{other}'");
    let fingerprint = "0".repeat(64);
    let forbidden = [
        // A second Active keyset has no row to be in.
        format!("INSERT INTO active_keyset VALUES (2, '{other}')"),
        format!("INSERT INTO active_keyset VALUES (1, '{other}')"),
        "UPDATE active_keyset SET keyset_id = 'nobody'".into(),
        format!("DELETE FROM keysets WHERE id = '{active}'"),
        // Dates that contradict each other.
        set("deactivated_at = 1"),
        set(&format!("superseded_by = '{fingerprint}'")),
        set("activated_at = 1, deactivated_at = 2"),
        set(&format!("deactivated_at = 2, superseded_by = '{fingerprint}'")),
        set("last_exported_at = 1"),
        set("last_export_to = '/mnt'"),
        // Values out of their range.
        set("bits = 1024"),
        set("bits = 16384"),
        set("version = 0"),
        set("origin = 'found'"),
        set(&format!("exported_as = '{active}'")),
        set("fingerprint = 'abc'"),
        set(&format!(
            "fingerprint = (SELECT fingerprint FROM keysets WHERE id = '{active}')"
        )),
        "INSERT INTO audit_head (id, last_sequence) VALUES (2, 7)".into(),
        "INSERT INTO audit_checkpoints VALUES (0, 'note')".into(),
        "INSERT INTO staged_private_keys VALUES ('nobody', 'k', 'p', 1, x'00')".into(),
        "INSERT INTO keyset_private_keys VALUES ('nobody', 'k', 'p', 1, x'00')".into(),
        "UPDATE audit_events SET sequence = 0".into(),
    ];
    for sql in forbidden {
        let refused = place.try_sqlite3(&sql);
        assert!(
            refused.as_ref().is_err_and(|e| e.contains("constraint failed")),
            "{sql}: {refused:?}"
        );
    }
    // What is allowed still is: the checks are not simply always false.
    place.sqlite3(&set(&format!(
        "activated_at = 1, deactivated_at = 2, superseded_by = '{fingerprint}', last_exported_at = 3, last_export_to = 'x'"
    )));
    assert!(find(&store, &generated(2)).await.is_some());
}

#[tokio::test]
async fn an_existing_file_keeps_its_mode() {
    let place = Place::new();
    fs::write(place.path(), "").unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(
        !place.schema().status().await.unwrap().exists,
        "an empty file is no store"
    );
    place.migrate().await;
    assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o640);
}
