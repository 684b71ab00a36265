use super::*;

#[tokio::test]
async fn the_table_cannot_hold_impossible_records() {
    for database in Database::of_each_engine().await {
        let store = database.store().await;
        let kept = [record(RecordKind::User, "a"), record(RecordKind::User, "b")];
        put(&store, &kept).await.unwrap();
        let set = |what: &str| format!("UPDATE records SET {what} WHERE record_key = 'a'");
        let insert = |values: &str| format!("INSERT INTO records VALUES ({values})");
        let too_long = "k".repeat(129);
        let forbidden = [
            // Values that are none.
            set("version = 0"),
            set("version = -1"),
            set("record_key = ''"),
            set(&format!("record_key = '{too_long}'")),
            set("kind = NULL"),
            set("record_key = NULL"),
            set("version = NULL"),
            set("document = NULL"),
            insert("'user', '', 1, NULL, 'x'"),
            insert("'user', 'c', 0, NULL, 'x'"),
            // Twice what there is once.
            set("record_key = 'b'"),
            insert("'user', 'a', 1, NULL, 'x'"),
        ];
        for sql in forbidden {
            let refused = (database.client)(&sql);
            let words = [
                "constraint",
                "CONSTRAINT",
                "too long",
                "cannot be null",
                "Duplicate entry",
            ];
            assert!(
                refused
                    .as_ref()
                    .is_err_and(|e| words.iter().any(|word| e.contains(word))),
                "{:?}: {sql}: {refused:?}",
                database.backend
            );
        }
        let mut snapshot = store.snapshot().await.unwrap();
        let found = snapshot.list_records(RecordKind::User, None, 9).await.unwrap();
        assert_eq!(found, kept);
        drop(snapshot);

        // What is allowed still is: the checks are not simply always false.
        let longest = "k".repeat(128);
        for values in [
            "'user', 'A', 1, NULL, ''",
            "'user', 'a ', 1, 9223372036854775807, 'x'",
            "'session', 'a', 4294967295, -1, 'x'",
            &format!("'user', '{longest}', 1, NULL, 'x'"),
        ] {
            database.sql(&insert(values));
        }
        assert_eq!(database.sql("SELECT count(*) FROM records"), "6");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_is_not_kept() {
    for database in Database::of_each_engine().await {
        let store = database.store().await;
        let good = record(RecordKind::Token, "a");
        put(&store, std::slice::from_ref(&good)).await.unwrap();
        let too_long = "x".repeat(keystead_application::ports::MAX_RECORD_DOCUMENT + 1);
        for (impossible, column) in [
            (record(RecordKind::Token, ""), "record_key"),
            (record(RecordKind::Token, "ü"), "record_key"),
            (record(RecordKind::Token, "a\n"), "record_key"),
            (record(RecordKind::Token, "a\0"), "record_key"),
            (record(RecordKind::Token, &"k".repeat(129)), "record_key"),
            (
                Record {
                    version: Version(0),
                    ..good.clone()
                },
                "version",
            ),
            (
                Record {
                    document: too_long,
                    ..good.clone()
                },
                "document",
            ),
        ] {
            for expected in [None, Some(Version(1))] {
                let mut work = store.begin().await.unwrap();
                let refused = work.put_record(&impossible, expected).await.unwrap_err();
                assert_eq!(refused.kind, StoreErrorKind::Corrupt, "{refused:?}");
                let said = refused.to_string();
                assert!(
                    said.contains("token record cannot be kept") && said.contains(column),
                    "{said}"
                );
                drop(work);
            }
            // Nobody has such a key, and asking for it is no mistake.
            if column == "record_key" {
                let mut work = store.begin().await.unwrap();
                let found = work.find_record(RecordKind::Token, &impossible.key).await;
                assert_eq!(found.unwrap(), None);
                let gone = work.delete_record(RecordKind::Token, &impossible.key, Version(1));
                assert_eq!(gone.await.unwrap_err().kind, StoreErrorKind::Conflict);
            }
        }
        let mut snapshot = store.snapshot().await.unwrap();
        let found = snapshot.list_records(RecordKind::Token, None, 9).await.unwrap();
        assert_eq!(found, [good]);
    }
}
