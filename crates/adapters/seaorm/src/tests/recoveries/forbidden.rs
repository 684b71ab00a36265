use super::*;

#[tokio::test]
async fn the_tables_cannot_hold_impossible_states() {
    let place = Place::new();
    let store = place.store().await;
    keep_request(&store, &recovery(1)).await;
    let mut work = store.begin().await.unwrap();
    work.insert_server(&server(2)).await.unwrap();
    work.insert_officer(&officer(1)).await.unwrap();
    work.set_recovery_policy(&RecoveryPolicy::default())
        .await
        .unwrap();
    work.keep_recovery_document(
        recovery(1).id,
        keystead_application::ports::RecoveryDocument::Request,
        b"x",
    )
    .await
    .unwrap();
    work.append_audit(&event(2)).await.unwrap();
    work.commit().await.unwrap();

    let request = recovery(1).id;
    let (one, two) = (server(1).id, server(2).id);
    let set = |what: &str| format!("UPDATE recoveries SET {what}");
    let document = |values: &str| format!("INSERT INTO recovery_documents VALUES ({values})");
    let forbidden = [
        // States and their columns that contradict each other.
        set("state = 'lost'"),
        set("state = 'denied'"),
        set("state = 'answered'"),
        set("denied_at = 1"),
        set("answered_files = 1"),
        set("state = 'denied', denied_at = 1, denied_by = 'x'"),
        set("state = 'answered', answered_at = 1, answered_files = 1"),
        set("state = 'denied', denied_at = 1, denied_by = 'x', denied_reason = 'y', answered_at = 1"),
        set("state = 'answered', denied_at = 1, denied_by = 'x', denied_reason = 'y'"),
        // Values that are none.
        set("version = 0"),
        set("files = -1"),
        set("digest = 'x'"),
        set("identity = 'x'"),
        set("response_key = 'age1'"),
        set("id = 'x'"),
        set("asked_by = NULL"),
        "UPDATE backup_servers SET version = 0".into(),
        "UPDATE backup_servers SET removed_reason = 'x'".into(),
        "UPDATE officers SET version = 0".into(),
        "UPDATE officers SET removed_reason = 'x'".into(),
        "UPDATE server_identities SET position = 0 WHERE position = 1".into(),
        "UPDATE server_identities SET signing_key = x'00'".into(),
        "UPDATE server_identities SET encryption_key = 'age1'".into(),
        "UPDATE recovery_approvals SET retired_identity = 2".into(),
        "UPDATE recovery_policy SET approvals = 0".into(),
        "UPDATE recovery_policy SET requests_per_day = 0".into(),
        "UPDATE recovery_policy SET response_lifetime_seconds = 0".into(),
        // Twice what there is once.
        "INSERT INTO recovery_policy VALUES (2, 1, 3600, 1)".into(),
        "INSERT INTO recovery_policy VALUES (1, 1, 3600, 1)".into(),
        format!(
            "UPDATE server_identities SET fingerprint = (SELECT fingerprint FROM server_identities WHERE server_id = \
             '{one}' AND position = 1) WHERE server_id = '{two}' AND position = 1"
        ),
        "UPDATE recovery_approvals SET position = 1".into(),
        document(&format!("'{request}', 'request', 1, 1, x'00'")),
        // What belongs to nothing.
        set(&format!("server_id = '{request}'")),
        format!("DELETE FROM backup_servers WHERE id = '{one}'"),
        format!("DELETE FROM backup_servers WHERE id = '{two}'"),
        "DELETE FROM recoveries".into(),
        document(&format!("'{one}', 'request', 1, 1, x'00'")),
        "UPDATE recovery_approvals SET recovery_id = 'x' WHERE position = 1".into(),
        // Parts that cannot be.
        document(&format!("'{request}', 'letter', 1, 1, x'00'")),
        document(&format!("'{request}', 'response', 0, 1, x'00'")),
        document(&format!("'{request}', 'response', 2, 1, x'00'")),
        document(&format!("'{request}', 'response', 1, 1, zeroblob(1048577)")),
    ];
    for sql in forbidden {
        let refused = place.try_sqlite3(&sql);
        assert!(
            refused.as_ref().is_err_and(|e| e.contains("constraint failed")),
            "{sql}: {refused:?}"
        );
    }
    // What is allowed still is: the checks are not simply always false.
    for (allowed, state) in [
        (
            "state = 'denied', denied_at = 8, denied_by = 'Grace', denied_reason = 'nobody knows why'",
            denied(),
        ),
        (
            "state = 'answered', denied_at = NULL, denied_by = NULL, denied_reason = NULL, answered_at = 8, \
             answered_until = 9, answered_files = 4999",
            answered(),
        ),
    ] {
        place.sqlite3(&set(allowed));
        let found = store.snapshot().await.unwrap().find_recovery(request).await;
        assert_eq!(found.unwrap().unwrap().state, state);
    }
    // An officer who allows more approves a second time. That this counts once is the domain's rule.
    place.sqlite3("UPDATE recovery_approvals SET officer_id = (SELECT officer_id FROM recovery_approvals WHERE position = 1)");
    place.sqlite3(&document(&format!(
        "'{request}', 'response', 1, 1, zeroblob(1048576)"
    )));
    place.sqlite3(&format!(
        "UPDATE backup_servers SET removed_at = 1, removed_reason = 'x' WHERE id = '{two}'"
    ));
    let removed = store.snapshot().await.unwrap().find_server(two).await.unwrap();
    assert!(removed.unwrap().removed.is_some());
}
