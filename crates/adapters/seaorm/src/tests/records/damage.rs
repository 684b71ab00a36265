use super::*;

/// As somebody may do who changes a database by hand.
fn take_the_checks_away(database: &Database) {
    if database.backend != DbBackend::Sqlite {
        for check in ["records_version", "records_key_length"] {
            database.sql(&format!("ALTER TABLE records DROP CONSTRAINT {check}"));
        }
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_is_named_with_its_table_and_column() {
    for database in Database::of_each_engine().await {
        let store = database.store().await;
        let (good, other) = (record(RecordKind::User, "a"), record(RecordKind::Code, "a"));
        put(&store, &[good.clone(), other.clone()]).await.unwrap();
        take_the_checks_away(&database);
        let mut damages = vec![
            ("version = 0", "version: it is 0"),
            ("version = -1", "version: it is -1"),
            ("version = 4294967296", "version: "),
            ("expires_at = 9223372036854775807", "expires_at: "),
            ("record_key = ''", "record_key: "),
            ("document = REPEAT", "document: it has 65537 bytes"),
        ];
        damages.push(match database.backend {
            DbBackend::MySql => ("record_key = x'c3a4'", "record_key: "),
            _ => ("record_key = 'ä'", "record_key: "),
        });
        damages.push(match database.backend {
            DbBackend::Postgres => ("record_key = E'a\\n'", "record_key: "),
            DbBackend::MySql => ("record_key = 'a\\n'", "record_key: "),
            _ => ("record_key = 'a' || char(10)", "record_key: "),
        });
        let repeat = match database.backend {
            DbBackend::Sqlite => "printf('%.*c', 65537, 'x')",
            _ => "repeat('x', 65537)",
        };
        for (damage, what) in damages {
            let damage = damage.replace("REPEAT", repeat);
            let unchecked = match database.backend {
                DbBackend::Sqlite => "PRAGMA ignore_check_constraints = ON; ",
                _ => "",
            };
            database.sql(&format!(
                "{unchecked}UPDATE records SET {damage} WHERE kind = 'user'"
            ));
            let mut snapshot = store.snapshot().await.unwrap();
            let mut said = Vec::new();
            let listed = snapshot.list_records(RecordKind::User, None, 9).await;
            // A key that was made too great, or of nothing, is behind or before every page.
            if !damage.contains("record_key = ''") {
                said.push(listed.unwrap_err());
            }
            if !damage.contains("record_key") {
                said.push(snapshot.find_record(RecordKind::User, "a").await.unwrap_err());
            }
            for corrupt in said {
                assert_eq!(corrupt.kind, StoreErrorKind::Corrupt, "{damage}: {corrupt:?}");
                let said = corrupt.to_string();
                assert!(
                    said.contains("the stored user record ")
                        && said.contains("(table records) is damaged: ")
                        && said.contains(what),
                    "{damage}: {said}"
                );
            }
            // The damage is that of one row.
            let found = snapshot.find_record(RecordKind::Code, "a").await.unwrap();
            assert_eq!(found.as_ref(), Some(&other));
            drop(snapshot);
            database.sql("DELETE FROM records WHERE kind = 'user'");
            put(&store, std::slice::from_ref(&good)).await.unwrap();
        }
        let mut snapshot = store.snapshot().await.unwrap();
        let found = snapshot.find_record(RecordKind::User, "a").await.unwrap();
        assert_eq!(found, Some(good));
    }
}

/// What the columns of a server cannot hold, a file of SQLite can. MariaDB's keys are bytes.
#[tokio::test]
async fn a_value_of_another_type_than_its_columns_is_corrupt() {
    for database in Database::of_each_engine().await {
        let store = database.store().await;
        let damages: &[&str] = match database.backend {
            DbBackend::Sqlite => &[
                "document = CAST(x'61ff' AS TEXT)",
                "document = x'61'",
                "version = 'first'",
                "expires_at = 'tomorrow'",
                "record_key = x'62'",
                "record_key = CAST(x'62ff' AS TEXT)",
            ],
            DbBackend::MySql => &["record_key = x'62ff'"],
            _ => &[],
        };
        for damage in damages {
            database.sql("DELETE FROM records");
            put(&store, &[record(RecordKind::User, "a")]).await.unwrap();
            database.sql(&format!("UPDATE records SET {damage}"));
            let mut snapshot = store.snapshot().await.unwrap();
            let corrupt = snapshot
                .list_records(RecordKind::User, None, 9)
                .await
                .unwrap_err();
            assert_eq!(corrupt.kind, StoreErrorKind::Corrupt, "{damage}: {corrupt:?}");
            let column = damage.split(' ').next().unwrap();
            let said = corrupt.to_string();
            assert!(said.contains("records") && said.contains(column), "{said}");
        }
    }
}
