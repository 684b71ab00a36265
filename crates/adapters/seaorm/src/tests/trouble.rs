use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use keystead_application::ports::StoreErrorKind;
use keystead_domain::Sequence;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::*;
use crate::engine::Engine;
use crate::transaction::SeaOrmTransaction;

/// Another process that has begun to write, until it is dropped.
struct OtherWriter(Child);

impl OtherWriter {
    fn begin(place: &Place) -> Self {
        let mut child = Command::new("sqlite3")
            .arg(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.as_ref().unwrap();
        stdin.write_all(b"BEGIN IMMEDIATE; SELECT 'begun';\n").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "begun\n");
        Self(child)
    }
}

impl Drop for OtherWriter {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_store_that_others_write_to_is_busy_and_still_reads() {
    let place = Place::new();
    place.migrate().await;
    let store = SeaOrmStore::connect(place.impatient()).await.unwrap();
    let other = OtherWriter::begin(&place);
    let busy = store.begin().await.err().unwrap();
    assert_eq!(busy.kind, StoreErrorKind::Busy);
    assert!(
        busy.to_string().contains("keystead.db is used by others"),
        "{busy}"
    );
    assert!(find(&store, &generated(1)).await.is_none());
    drop(other);
    store.begin().await.unwrap();
}

#[tokio::test]
async fn a_unit_of_work_waits_for_the_one_before_it() {
    let place = Place::new();
    place.migrate().await;
    let impatient = SeaOrmStore::connect(place.impatient()).await.unwrap();
    let first = impatient.begin().await.unwrap();
    assert_eq!(impatient.begin().await.err().unwrap().kind, StoreErrorKind::Busy);
    drop(first);
    impatient.begin().await.unwrap();

    let patient = place.store().await;
    let mut first = patient.begin().await.unwrap();
    let second = tokio::spawn({
        let patient = patient.clone();
        async move {
            patient
                .begin()
                .await
                .unwrap()
                .append_audit(&event(2))
                .await
                .unwrap()
        }
    });
    first.append_audit(&event(1)).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), Sequence(2));
}

#[tokio::test]
async fn a_full_disk_keeps_nothing_and_the_store_lives_on() {
    let place = Place::new();
    place.migrate().await;
    let database = Engine::new(&place.options()).unwrap().open(1).await.unwrap();
    let limit = |pages: u32| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        let connection = &database.connection;
        async move {
            connection
                .query_one_raw(Statement::from_string(DbBackend::Sqlite, sql))
                .await
                .unwrap()
        }
    };
    limit(1).await;
    let mut work: Box<dyn UnitOfWork> = Box::new(SeaOrmTransaction::begin_writing(&database).await.unwrap());
    let mut result = Ok(());
    for n in 1..100 {
        result = work.insert_keyset(&generated(n), &sealed(n)).await;
        if result.is_err() {
            break;
        }
    }
    let full = result.unwrap_err();
    assert_eq!(full.kind, StoreErrorKind::NoSpace);
    assert!(
        full.to_string().contains("keystead.db has no room left"),
        "{full}"
    );
    assert!(
        work.append_audit(&event(1)).await.is_err(),
        "nothing stands alone after a failure"
    );
    assert!(work.commit().await.is_err());
    assert_eq!(
        place.sqlite3("SELECT (SELECT count(*) FROM keysets) + (SELECT count(*) FROM audit_events)"),
        "0"
    );

    limit(1_000_000).await;
    let mut work = SeaOrmTransaction::begin_writing(&database).await.unwrap();
    work.insert_keyset(&generated(1), &sealed(1)).await.unwrap();
    work.append_audit(&event(1)).await.unwrap();
    Box::new(work).commit().await.unwrap();
    assert_eq!(place.sqlite3("SELECT count(*) FROM keysets"), "1");
}

#[tokio::test]
async fn a_file_that_is_no_database_or_a_damaged_one_is_corrupt() {
    let place = Place::new();
    fs::write(
        place.path(),
        "not a database, and long enough to be looked at. ".repeat(100),
    )
    .unwrap();
    for kind in [
        place.schema().status().await.unwrap_err().kind,
        place.schema().migrate().await.unwrap_err().kind,
        SeaOrmStore::connect(place.options()).await.err().unwrap().kind,
    ] {
        assert_eq!(kind, StoreErrorKind::Corrupt);
    }

    let place = Place::new();
    let store = place.store().await;
    insert(&store, &(1..=60).map(generated).collect::<Vec<_>>()).await;
    store.close().await.unwrap();
    let mut bytes = fs::read(place.path()).unwrap();
    bytes[4096..].iter_mut().for_each(|b| *b = 0xa5);
    fs::write(place.path(), bytes).unwrap();
    let damaged = match SeaOrmStore::connect(place.options()).await {
        Err(e) => e,
        Ok(store) => store
            .snapshot()
            .await
            .unwrap()
            .list_keysets(None, 9)
            .await
            .unwrap_err(),
    };
    assert_eq!(damaged.kind, StoreErrorKind::Corrupt);
    assert!(
        damaged.to_string().contains("restore the last backup"),
        "{damaged}"
    );
}

#[tokio::test]
async fn rows_that_cannot_be_are_corrupt() {
    let place = Place::new();
    let store = place.store().await;
    insert(&store, &[generated(1)]).await;
    let id = generated(1).id();
    let damages = [
        "hint = ''",
        "hint = 'a' || char(10) || 'b'",
        "spki = x'00'",
        "recipient_tag = 'zzzzzzzz'",
        "recipient_tag = '+0000001'",
        "activated_at = 5",
        "created_at = 9223372036854775807",
        "created_at = 'yesterday'",
        "version = 4294967296",
    ];
    for damage in damages {
        place.sqlite3("CREATE TABLE kept AS SELECT * FROM keysets");
        place.sqlite3(&format!("UPDATE keysets SET {damage}"));
        let mut snapshot = store.snapshot().await.unwrap();
        assert_eq!(
            snapshot.find_keyset(id).await.unwrap_err().kind,
            StoreErrorKind::Corrupt,
            "{damage}"
        );
        // A list tells of it and goes on; only a value of another type than its column's ends it.
        match snapshot.list_keysets(None, 9).await {
            Ok(page) => {
                assert!(page.keysets.is_empty(), "{damage}");
                assert_eq!(page.damaged[0].id, id.to_string(), "{damage}");
            }
            Err(error) => assert_eq!(error.kind, StoreErrorKind::Corrupt, "{damage}"),
        }
        drop(snapshot);
        place.sqlite3("INSERT OR REPLACE INTO keysets SELECT * FROM kept; DROP TABLE kept");
    }
    assert_eq!(find(&store, &generated(1)).await, Some(generated(1)));

    // REPLACE took the private key along, as a deletion does; a keyset without one is damaged.
    let mut snapshot = store.snapshot().await.unwrap();
    let missing = snapshot.sealed_private_key(id).await.err().unwrap();
    assert_eq!(missing.kind, StoreErrorKind::Corrupt);
    drop(snapshot);

    drop(store);
    place.sqlite3("DELETE FROM audit_head");
    let store = place.store().await;
    assert_eq!(store.begin().await.err().unwrap().kind, StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn a_place_that_cannot_be_used_is_told_with_its_name() {
    let place = Place::new();
    let path = place.folder.path().join("gone/keystead.db");
    let schema = SeaOrmSchema::new(SeaOrmOptions::for_sqlite_file(&path).unwrap()).unwrap();
    assert!(!schema.status().await.unwrap().exists);
    let refused = schema.migrate().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable);
    assert!(refused.to_string().contains("make its folder first"), "{refused}");

    fs::create_dir(place.path()).unwrap();
    let folder = place.schema().migrate().await.unwrap_err();
    assert_eq!(folder.kind, StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn every_connection_is_set_up_for_safety() {
    let place = Place::new();
    place.migrate().await;
    let database = Engine::new(&place.options()).unwrap().open(4).await.unwrap();
    // Two open at the same time are two connections.
    let first = database.begin_reading("test").await.unwrap();
    let second = database.begin_reading("test").await.unwrap();
    for connection in [&first, &second] {
        for (pragma, expected) in [
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("secure_delete", 1),
            ("temp_store", 2),
            ("trusted_schema", 0),
            ("busy_timeout", 10_000),
        ] {
            let statement = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {pragma}"));
            let row = connection.query_one_raw(statement).await.unwrap().unwrap();
            assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), expected, "{pragma}");
        }
    }
}

#[tokio::test]
async fn damaged_events_are_shown_as_they_are() {
    let place = Place::new();
    let store = place.store().await;
    let mut work = store.begin().await.unwrap();
    for n in 1..=3 {
        work.append_audit(&event(n)).await.unwrap();
    }
    work.commit().await.unwrap();
    let damages = [
        ("action = 'keyset.create'", true, true),
        ("subject = 'nobody'", true, true),
        ("at = 'yesterday'", true, true),
        ("outcome = x'00'", true, true),
        ("chain = NULL", false, false),
        ("chain = 'zz'", false, false),
        ("chain = x'00'", false, false),
        // What the bytes say is looked at by those who read them.
        ("canonical = x'7b7d'", false, true),
    ];
    for (damage, told, chained) in damages {
        place.sqlite3("CREATE TABLE kept AS SELECT * FROM audit_events");
        place.sqlite3(&format!("UPDATE audit_events SET {damage} WHERE sequence = 2"));
        let rows = store.snapshot().await.unwrap().audit_rows(None, 9).await.unwrap();
        assert_eq!(rows.len(), 3, "{damage}");
        assert_eq!(rows[1].damage.is_some(), told, "{damage}");
        assert_eq!(rows[1].chain.is_some(), chained, "{damage}");
        assert!(rows[0].damage.is_none() && rows[2].damage.is_none(), "{damage}");
        place.sqlite3("INSERT OR REPLACE INTO audit_events SELECT * FROM kept; DROP TABLE kept");
    }
    let beyond = Some(Sequence(u64::MAX));
    assert!(
        store
            .snapshot()
            .await
            .unwrap()
            .audit_rows(beyond, 9)
            .await
            .unwrap()
            .is_empty()
    );

    place.sqlite3("UPDATE audit_head SET chain = 'zz'");
    assert_eq!(store.begin().await.err().unwrap().kind, StoreErrorKind::Corrupt);
}
