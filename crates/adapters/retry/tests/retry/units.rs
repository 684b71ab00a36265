use keystead_application::ports::{Store, StoreErrorKind};
use keystead_contract::samples;
use keystead_domain::Action;

use crate::faults::Fault;
use crate::steps::{KINDS, activate, activated, active, create, created, note, prepared, retrying};

/// Whether a unit of work with this fault at this call is done in the end.
fn is_done(kind: StoreErrorKind, at_commit: bool) -> bool {
    kind.is_retryable() || (at_commit && kind == StoreErrorKind::CommitUnknown)
}

#[tokio::test(start_paused = true)]
async fn a_creation_with_any_fault_at_any_call_happens_once_or_not_at_all() {
    const COMMIT: u32 = 4;
    for kind in KINDS {
        for call in 0..=COMMIT {
            let store = prepared().await;
            store.at_call(call, Fault::Fails(kind));
            let result = create(&retrying(&store), 3).await;
            let what = format!("{kind:?} at call {call}: {result:?}");
            assert!(store.calls() > call, "{what}");
            if is_done(kind, call == COMMIT) {
                assert!(result.is_ok(), "{what}");
                assert_eq!(created(&store.memory, 3).await, (1, true), "{what}");
            } else {
                assert_eq!(result.unwrap_err().kind, kind, "{what}");
                assert_eq!(created(&store.memory, 3).await, (0, false), "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_activation_with_any_fault_at_any_call_happens_once_or_not_at_all() {
    const COMMIT: u32 = 7;
    for kind in KINDS {
        for call in 0..=COMMIT {
            let store = prepared().await;
            store.at_call(call, Fault::Fails(kind));
            let result = activate(&retrying(&store), samples::keyset_id(2)).await;
            let what = format!("{kind:?} at call {call}: {result:?}");
            assert!(store.calls() > call, "{what}");
            if is_done(kind, call == COMMIT) {
                assert!(result.is_ok(), "{what}");
                assert_eq!(activated(&store.memory, 2).await, (1, true), "{what}");
            } else {
                assert_eq!(result.unwrap_err().kind, kind, "{what}");
                assert_eq!(activated(&store.memory, 2).await, (0, false), "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn faults_while_it_is_done_again_are_retried_too() {
    let store = prepared().await;
    store.at_call(7, Fault::Fails(StoreErrorKind::Disconnected));
    // The new beginning, a repeated read, a repeated write, and the second commit.
    for call in [8, 10, 15, 23] {
        store.and_at_call(call, Fault::Fails(StoreErrorKind::Undone));
    }
    activate(&retrying(&store), samples::keyset_id(2)).await.unwrap();
    assert!(store.calls() > 24, "{}", store.calls());
    assert_eq!(activated(&store.memory, 2).await, (1, true));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_was_read_is_a_conflict() {
    for call in 2..=7 {
        for kind in [
            StoreErrorKind::Undone,
            StoreErrorKind::Disconnected,
            StoreErrorKind::CommitUnknown,
        ] {
            if kind == StoreErrorKind::CommitUnknown && call < 7 {
                continue;
            }
            let store = prepared().await;
            store.at_call(call, Fault::Fails(kind));
            store.and_somebody(|memory| async move {
                create(&memory, 9).await.unwrap();
                activate(&memory, samples::keyset_id(9)).await.unwrap();
            });
            let error = activate(&retrying(&store), samples::keyset_id(2))
                .await
                .unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Conflict, "call {call}: {error}");
            assert!(error.to_string().contains("somebody else changed it"), "{error}");
            assert_eq!(activated(&store.memory, 2).await, (0, false));
            assert_eq!(activated(&store.memory, 9).await, (1, true));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_when_repeated_is_a_conflict() {
    let store = prepared().await;
    let keyset = samples::keyset(3).unwrap();
    store.at_call(2, Fault::Fails(StoreErrorKind::Disconnected));
    store.and_somebody(|memory| async move { create(&memory, 3).await.unwrap() });
    let store_with_patience = retrying(&store);
    let mut unit = store_with_patience.begin().await.unwrap();
    unit.insert_keyset(&keyset, &samples::sealed(3).unwrap())
        .await
        .unwrap();
    let event = samples::event(Action::KeysetCreate, keyset.id()).unwrap();
    let error = unit.append_audit(&event).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Conflict, "{error}");
    assert!(unit.commit().await.is_err());
    assert_eq!(created(&store.memory, 3).await, (1, true), "only somebody else's");
}

/// The place of an event may change until the commit: others do not stand in the way.
#[tokio::test(start_paused = true)]
async fn an_event_of_somebody_else_in_between_does_no_harm() {
    for call in 0..=4 {
        let store = prepared().await;
        store.at_call(call, Fault::Fails(StoreErrorKind::Disconnected));
        store.and_somebody(note);
        create(&retrying(&store), 3).await.unwrap();
        assert_eq!(created(&store.memory, 3).await, (1, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_goes_on_after_a_fault_and_does_not_mix_two_moments() {
    let store = prepared().await;
    store.at_call(2, Fault::Fails(StoreErrorKind::Disconnected));
    store.and_somebody(note);
    let mut snapshot = retrying(&store).snapshot().await.unwrap();
    assert_eq!(active(snapshot.as_mut()).await, Some(samples::keyset_id(1)));
    // What was read so far is still so; only the audit trail, which was not read yet, has gone on.
    assert_eq!(snapshot.audit_head().await.unwrap().sequence.0, 4);

    store.at_call(3, Fault::Fails(StoreErrorKind::Disconnected));
    store.and_somebody(note);
    let mut snapshot = retrying(&store).snapshot().await.unwrap();
    assert_eq!(snapshot.audit_head().await.unwrap().sequence.0, 4);
    assert_eq!(active(snapshot.as_mut()).await, Some(samples::keyset_id(1)));
    let error = snapshot.audit_rows(None, 100).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Conflict, "{error}");
}
