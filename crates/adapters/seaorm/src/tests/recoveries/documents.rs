use keystead_application::ports::{RecoveryDocument, StoreErrorKind};

use super::*;

/// Bytes of which no two parts are alike.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

async fn keep(store: &SeaOrmStore, which: RecoveryDocument, bytes: &[u8]) {
    let mut work = store.begin().await.unwrap();
    work.keep_recovery_document(recovery(1).id, which, bytes)
        .await
        .unwrap();
    work.append_audit(&event(2)).await.unwrap();
    work.commit().await.unwrap();
}

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn documents_of_any_length_are_kept_in_parts() {
    for length in [0, 1, MIB - 1, MIB, MIB + 1, 8 * MIB, 11 * MIB + 5] {
        let place = Place::new();
        let store = place.store().await;
        keep_request(&store, &recovery(1)).await;
        let mut snapshot = store.snapshot().await.unwrap();
        for which in RecoveryDocument::ALL {
            let found = snapshot.recovery_document(recovery(1).id, which).await.unwrap();
            assert_eq!(found, None);
        }
        drop(snapshot);
        let expected = bytes(length);
        keep(&store, RecoveryDocument::Response, &expected).await;
        let mut snapshot = store.snapshot().await.unwrap();
        let mut find = async |which| snapshot.recovery_document(recovery(1).id, which).await.unwrap();
        assert!(
            find(RecoveryDocument::Response).await == Some(expected),
            "{length}"
        );
        assert_eq!(find(RecoveryDocument::Request).await, None);
        assert_eq!(
            place.sqlite3(
                "SELECT count(*), max(length(bytes)) <= 1048576, sum(length(bytes)) FROM recovery_documents"
            ),
            format!("{}|1|{length}", length.div_ceil(MIB).max(1))
        );
    }
}

#[tokio::test]
async fn a_missing_part_of_a_document_is_told() {
    let place = Place::new();
    let store = place.store().await;
    keep_request(&store, &recovery(1)).await;
    keep(&store, RecoveryDocument::Request, &bytes(10 * MIB + 1)).await;
    store.close().await.unwrap();
    for (sql, what) in [
        (
            "DELETE FROM recovery_documents WHERE part = 1",
            "number 1 is missing",
        ),
        (
            "DELETE FROM recovery_documents WHERE part = 8",
            "number 8 is missing",
        ),
        (
            "DELETE FROM recovery_documents WHERE part = 9",
            "number 9 is missing",
        ),
        (
            "DELETE FROM recovery_documents WHERE part = 11",
            "number 11 of 11 is missing",
        ),
        (
            "DELETE FROM recovery_documents WHERE part > 1",
            "number 2 of 11 is missing",
        ),
        (
            "UPDATE recovery_documents SET parts = 12 WHERE part = 4",
            "do not agree",
        ),
        ("UPDATE recovery_documents SET parts = 10", "more than the 10"),
    ] {
        let damaged = Place::new();
        std::fs::copy(place.path(), damaged.path()).unwrap();
        damaged.sqlite3(&format!("PRAGMA ignore_check_constraints = ON; {sql}"));
        let store = SeaOrmStore::connect(damaged.options()).await.unwrap();
        let mut snapshot = store.snapshot().await.unwrap();
        let read = snapshot.recovery_document(recovery(1).id, RecoveryDocument::Request);
        let corrupt = read.await.unwrap_err();
        assert_eq!(corrupt.kind, StoreErrorKind::Corrupt, "{sql}");
        let said = corrupt.to_string();
        let row = format!(
            "the stored request of recovery request {} is damaged",
            recovery(1).id
        );
        assert!(said.contains(&row) && said.contains(what), "{sql}: {said}");
    }
}
