//! Servers that do not want us, or not now.

use keystead_application::ports::{Schema, Store, StoreErrorKind};
use keystead_seaorm::{SeaOrmOptions, SeaOrmStore};
use keystead_test_servers::PASSWORD;

use crate::support::*;

#[tokio::test]
async fn bad_credentials_and_missing_databases_are_told_with_advice_and_without_secrets() {
    for server in servers() {
        let (_, database) = new_store(server).await;
        let url = server.url_of(&database);
        let wrong = url.replace(PASSWORD, "wrong-secret");
        for (url, advice) in [
            (wrong.clone(), "check the user name and the password"),
            (
                url.replace("keystead:", "nobody:"),
                "check the user name and the password",
            ),
            (server.url_of("nowhere"), "does not exist"),
        ] {
            let refused = SeaOrmStore::connect(SeaOrmOptions::new(&url))
                .await
                .err()
                .unwrap();
            let said = format!("{refused} {refused:?}");
            assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{said}");
            assert!(said.contains(advice) && said.contains("127.0.0.1:"), "{said}");
            assert!(!said.contains("secret") && !said.contains(PASSWORD), "{said}");
        }
        // One that is given apart goes before the URL's.
        let mut options = SeaOrmOptions::new(wrong);
        options.password = Some(PASSWORD.to_owned().into());
        SeaOrmStore::connect(options).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_without_rights_is_told_so() {
    for server in servers() {
        let database = server.create_database();
        let url = server
            .url_of(&database)
            .replace("keystead:", &format!("guest_{database}:"));
        match url.starts_with("postgres") {
            true => server.client(&database, &format!("CREATE ROLE guest_{database} LOGIN PASSWORD '{PASSWORD}'")),
            false => server.client(
                &database,
                &format!(
                    "CREATE USER guest_{database} IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON {database}.* TO \
                     guest_{database}"
                ),
            ),
        };
        let refused = schema(&url).migrate().await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{refused:?}");
        assert!(
            refused.to_string().contains("grant the user all rights"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_database_that_can_only_be_read_is_told_as_such_and_still_read() {
    for server in servers() {
        let (store, database) = new_store(server).await;
        insert(&store, 1).await.unwrap();
        let mut url = server.url_of(&database);
        if url.starts_with("postgres") {
            server.client(
                &database,
                &format!("ALTER DATABASE {database} SET default_transaction_read_only = on"),
            );
        } else {
            // The other tests' user may write all the same.
            server.client(
                &database,
                &format!(
                    "CREATE USER plain IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON {database}.* TO plain; \
                     SET GLOBAL read_only = 1"
                ),
            );
            url = url.replace("keystead:", "plain:");
        }
        let store = SeaOrmStore::connect(SeaOrmOptions::new(&url)).await.unwrap();
        let refused = insert(&store, 2).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::NoSpace, "{refused:?}");
        assert!(refused.to_string().contains("can only be read"), "{refused}");
        assert_eq!(kept(&store).await, [1]);
    }
}

#[tokio::test]
async fn a_lock_that_others_hold_for_too_long_is_busy() {
    for server in servers() {
        let (patient, database) = new_store(server).await;
        let store = SeaOrmStore::connect(impatient(&server.url_of(&database)))
            .await
            .unwrap();
        let other = patient.begin().await.unwrap();
        let refused = store.begin().await.err().unwrap();
        assert_eq!(refused.kind, StoreErrorKind::Busy, "{refused:?}");
        assert!(refused.to_string().contains("is used by others"), "{refused}");
        // Whoever only reads does not wait.
        assert!(kept(&store).await.is_empty());
        drop(other);
        insert(&store, 1).await.unwrap();
    }
}
