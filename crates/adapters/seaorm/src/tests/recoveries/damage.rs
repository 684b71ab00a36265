use keystead_application::ports::{StoreError, StoreErrorKind};

use super::*;

/// A closed database with one of everything.
async fn filled() -> Place {
    let place = Place::new();
    let store = place.store().await;
    keep_request(&store, &recovery(1)).await;
    let mut work = store.begin().await.unwrap();
    work.insert_officer(&officer(1)).await.unwrap();
    work.set_recovery_policy(&RecoveryPolicy::default())
        .await
        .unwrap();
    work.append_audit(&event(2)).await.unwrap();
    work.commit().await.unwrap();
    store.close().await.unwrap();
    place
}

/// Everything that a change of the rows could be noticed by.
async fn read_all(store: &SeaOrmStore) -> Result<(), StoreError> {
    let mut snapshot = store.snapshot().await?;
    assert_eq!(snapshot.list_servers(None, 9).await?, [server(1)]);
    assert_eq!(snapshot.officers().await?, [officer(1)]);
    assert_eq!(snapshot.recovery_policy().await?, Some(RecoveryPolicy::default()));
    assert_eq!(snapshot.list_recoveries(None, 9).await?, [recovery(1)]);
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_is_named_with_its_column() {
    let place = filled().await;
    let server_row = format!("backup server {}", server(1).id);
    let identity_row = format!("identity 2 of {server_row}");
    let officer_row = format!("officer {}", officer(1).id);
    let request_row = format!("recovery request {}", recovery(1).id);
    let approval_row = format!("approval 2 of {request_row}");
    let second = "WHERE position = 2";
    let damages = [
        ("UPDATE backup_servers SET name = ' '", &server_row, "name"),
        ("UPDATE backup_servers SET version = -1", &server_row, "version"),
        (
            "UPDATE backup_servers SET enrolled_at = 9223372036854775807",
            &server_row,
            "enrolled_at",
        ),
        (
            "UPDATE backup_servers SET removed_reason = 'x'",
            &server_row,
            "removed_at",
        ),
        (
            "UPDATE backup_servers SET removed_at = 1, removed_reason = 'a' || char(10)|| 'b'",
            &server_row,
            "removed_reason",
        ),
        ("DELETE FROM server_identities", &server_row, "identities"),
        (
            "DELETE FROM server_identities WHERE position = 1",
            &server_row,
            "identities",
        ),
        (
            "UPDATE server_identities SET retired_at = NULL",
            &server_row,
            "identities",
        ),
        (
            &format!("UPDATE server_identities SET retired_at = 9 {second}"),
            &server_row,
            "identities",
        ),
        (
            &format!("UPDATE server_identities SET signing_key = zeroblob(32) {second}"),
            &identity_row,
            "fingerprint",
        ),
        (
            &format!("UPDATE server_identities SET signing_key = x'00' {second}"),
            &identity_row,
            "signing_key",
        ),
        (
            &format!("UPDATE server_identities SET encryption_key = upper(encryption_key) {second}"),
            &identity_row,
            "encryption_key",
        ),
        ("UPDATE officers SET name = ''", &officer_row, "name"),
        (
            "UPDATE officers SET other_names = other_names || char(10)",
            &officer_row,
            "other_names",
        ),
        (
            "UPDATE officers SET removed_reason = 'x'",
            &officer_row,
            "removed_at",
        ),
        (
            "UPDATE recovery_policy SET approvals = 11",
            &"recovery policy".to_owned(),
            "11 approvals",
        ),
        (
            "UPDATE recovery_policy SET response_lifetime_seconds = -1",
            &"recovery policy".to_owned(),
            "response_lifetime_seconds",
        ),
        ("UPDATE recoveries SET identity = 'zz'", &request_row, "identity"),
        (
            "UPDATE recoveries SET digest = upper(digest)",
            &request_row,
            "digest",
        ),
        ("UPDATE recoveries SET asked_by = ''", &request_row, "asked_by"),
        ("UPDATE recoveries SET reason = ''", &request_row, "reason"),
        (
            "UPDATE recoveries SET response_key = 'age1'",
            &request_row,
            "response_key",
        ),
        ("UPDATE recoveries SET files = 4294967296", &request_row, "files"),
        ("UPDATE recoveries SET state = 'lost'", &request_row, "state"),
        ("UPDATE recoveries SET state = 'denied'", &request_row, "state"),
        (
            "UPDATE recoveries SET state = 'denied', denied_at = 1, denied_by = '', denied_reason = 'x'",
            &request_row,
            "denied_by",
        ),
        (
            "UPDATE recoveries SET state = 'answered', answered_at = 1, answered_until = 2, answered_files = -1",
            &request_row,
            "answered_files",
        ),
        (
            "DELETE FROM recovery_approvals WHERE position = 1",
            &request_row,
            "approvals",
        ),
        (
            &format!("UPDATE recovery_approvals SET officer_id = 'somebody' {second}"),
            &approval_row,
            "officer_id",
        ),
        (
            &format!("UPDATE recovery_approvals SET origins = 'all' {second}"),
            &approval_row,
            "origins",
        ),
        (
            &format!("UPDATE recovery_approvals SET retired_identity = 2 {second}"),
            &approval_row,
            "retired_identity",
        ),
    ];
    for (sql, row, column) in damages {
        let damaged = Place::new();
        std::fs::copy(place.path(), damaged.path()).unwrap();
        damaged.sqlite3(&format!("PRAGMA ignore_check_constraints = ON; {sql}"));
        let store = SeaOrmStore::connect(damaged.options()).await.unwrap();
        let corrupt = read_all(&store).await.unwrap_err();
        assert_eq!(corrupt.kind, StoreErrorKind::Corrupt, "{sql}: {corrupt:?}");
        let said = corrupt.to_string();
        assert!(
            said.contains(&format!("the stored {row} is damaged: ")) && said.contains(column),
            "{sql}: {said}"
        );
    }
    let untouched = SeaOrmStore::connect(place.options()).await.unwrap();
    read_all(&untouched).await.unwrap();
}

#[tokio::test]
async fn a_value_of_another_type_than_its_columns_is_corrupt() {
    let place = filled().await;
    for sql in [
        "UPDATE backup_servers SET enrolled_at = 'yesterday'",
        "UPDATE officers SET added_at = 'yesterday'",
        "UPDATE recoveries SET received_at = 'yesterday'",
        "UPDATE recovery_approvals SET given_at = 'yesterday'",
    ] {
        let damaged = Place::new();
        std::fs::copy(place.path(), damaged.path()).unwrap();
        damaged.sqlite3(sql);
        let store = SeaOrmStore::connect(damaged.options()).await.unwrap();
        let corrupt = match sql.contains("received_at") {
            // Text is greater than every number, so such a row is in no list.
            true => {
                let mut snapshot = store.snapshot().await.unwrap();
                snapshot.find_recovery(recovery(1).id).await.map(|_| ())
            }
            false => read_all(&store).await,
        };
        assert_eq!(corrupt.unwrap_err().kind, StoreErrorKind::Corrupt, "{sql}");
    }
}
