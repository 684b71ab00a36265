//! Records, as far as not every store can be asked for it: what the table holds and refuses on each engine, said by the
//! engine's own client, and what is said of rows that somebody changed.

mod damage;
mod forbidden;

use keystead_application::ports::{Record, RecordKind, StoreError, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};
use sea_orm::DbBackend;

use super::*;

/// Runs SQL, and gives what is printed or why it is refused.
type Client = Box<dyn Fn(&str) -> Result<String, String>>;

/// A migrated database of an engine, and the engine's own client.
struct Database {
    backend: DbBackend,
    options: SeaOrmOptions,
    client: Client,
}

impl Database {
    async fn of_each_engine() -> Vec<Self> {
        let place = Place::new();
        let mut databases = vec![Self {
            backend: DbBackend::Sqlite,
            options: place.options(),
            client: Box::new(move |sql| place.try_sqlite3(sql)),
        }];
        if let Some(server) = PostgresServer::start(Settings::default()) {
            let database = server.create_database();
            databases.push(Self {
                backend: DbBackend::Postgres,
                options: SeaOrmOptions::new(server.url_of(&database)),
                client: Box::new(move |sql| server.try_client(&database, sql)),
            });
        }
        if let Some(server) = MariaDbServer::start(Settings::default()) {
            let database = server.create_database();
            databases.push(Self {
                backend: DbBackend::MySql,
                options: SeaOrmOptions::new(server.url_of(&database)),
                client: Box::new(move |sql| server.try_client(&database, sql)),
            });
        }
        for database in &databases {
            let schema = SeaOrmSchema::new(database.options.clone()).unwrap();
            schema.migrate().await.unwrap();
        }
        databases
    }

    async fn store(&self) -> SeaOrmStore {
        SeaOrmStore::connect(self.options.clone()).await.unwrap()
    }

    fn sql(&self, sql: &str) -> String {
        (self.client)(sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }
}

fn record(kind: RecordKind, key: &str) -> Record {
    Record {
        kind,
        key: key.to_owned(),
        version: Version(1),
        expires_at: Some(at(-5)),
        document: format!("{{\"Büro\": \"{key} 🔑\"}}\r\n"),
    }
}

/// Puts new records.
async fn put(store: &SeaOrmStore, records: &[Record]) -> Result<(), StoreError> {
    let mut work = store.begin().await?;
    for record in records {
        work.put_record(record, None).await?;
    }
    work.append_audit(&event(1)).await?;
    work.commit().await
}

#[tokio::test]
async fn a_record_is_kept_in_columns_that_people_can_read() {
    for database in Database::of_each_engine().await {
        let store = database.store().await;
        let first = record(RecordKind::User, "ada lovelace");
        put(&store, std::slice::from_ref(&first)).await.unwrap();
        let second = Record {
            version: Version(7),
            expires_at: None,
            document: "{\"name\":\"Ада 'die Erste'\"}".to_owned(),
            ..first.clone()
        };
        let columns = |columns: &str| {
            let rows = database.sql(&format!("SELECT {columns} FROM records"));
            rows.replace('\t', "|")
        };
        assert_eq!(
            columns("kind, record_key, version, expires_at"),
            "user|ada lovelace|1|-5"
        );
        let mut work = store.begin().await.unwrap();
        work.put_record(&second, Some(Version(1))).await.unwrap();
        work.append_audit(&event(2)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(
            columns("kind, record_key, version, expires_at IS NULL, document"),
            format!(
                "user|ada lovelace|7|{}|{}",
                match database.backend {
                    DbBackend::Postgres => "t",
                    _ => "1",
                },
                second.document
            )
        );
    }
}

/// More than are deleted with one statement.
#[tokio::test]
async fn a_long_sweep_takes_all_that_it_may() {
    const MANY: u32 = 1_203;
    for database in Database::of_each_engine().await {
        let store = database.store().await;
        let many: Vec<Record> = (0..MANY)
            .map(|n| Record {
                expires_at: Some(at(i64::from(n % 7))),
                ..record(RecordKind::Session, &format!("{n:04}"))
            })
            .collect();
        put(&store, &many).await.unwrap();
        for (before, limit, expected) in [
            // Of the first moment there are 172, of each of the others but the last one as many.
            (at(3), 500, 500),
            (at(3), 1, 1),
            (at(3), u32::MAX, 172 * 3 - 501),
            (at(3), u32::MAX, 0),
            (at(100), 500, 500),
            (at(100), 0, 0),
            (at(100), 1_000, u64::from(MANY) - 172 * 3 - 500),
        ] {
            let mut work = store.begin().await.unwrap();
            let swept = work.sweep_records(RecordKind::Session, before, limit).await;
            assert_eq!(swept.unwrap(), expected, "{before}, {limit}");
            work.commit().await.unwrap();
        }
        assert_eq!(database.sql("SELECT count(*) FROM records"), "0");
    }
}

#[tokio::test]
async fn a_later_programs_kind_is_left_alone() {
    for database in Database::of_each_engine().await {
        let store = database.store().await;
        let session = record(RecordKind::Session, "a");
        put(&store, std::slice::from_ref(&session)).await.unwrap();
        database.sql("INSERT INTO records VALUES ('later', 'a', 1, -9, 'x')");
        let mut work = store.begin().await.unwrap();
        for kind in RecordKind::ALL {
            let expected: &[Record] = match kind {
                RecordKind::Session => std::slice::from_ref(&session),
                _ => &[],
            };
            assert_eq!(work.list_records(kind, None, 9).await.unwrap(), expected);
            let swept = work.sweep_records(kind, at(0), 9).await.unwrap();
            assert_eq!(swept, expected.len() as u64);
        }
        work.commit().await.unwrap();
        assert_eq!(database.sql("SELECT kind FROM records"), "later");
    }
}
