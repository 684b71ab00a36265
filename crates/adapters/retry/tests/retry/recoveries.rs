//! What belongs to recoveries is done again like everything else.

use std::sync::Arc;

use keystead_application::ports::{RecoveryDocument, Store, StoreError, StoreErrorKind};
use keystead_contract::samples;
use keystead_domain::{Action, Officer, Permission, Recovery, RecoveryPolicy, Removal};
use keystead_memory::{MemoryRandomness, MemoryStore};
use keystead_retry::{RetryOptions, RetryingStore, TimeLimits, TimedStore};
use tokio::time::{Duration, Instant};

use crate::faults::{Fault, FaultyStore};
use crate::steps::{KINDS, retrying, trail, with_options};

const DOCUMENT: usize = 100_000;
/// Begin, eight reads, eight changes, the event, and the commit.
const COMMIT: u32 = 18;

/// A store with a server, an officer, and a request with its bytes.
async fn prepared() -> FaultyStore {
    let memory = MemoryStore::new();
    let server = samples::server(1).unwrap();
    let request = samples::recovery(1, &server).unwrap();
    let mut unit = memory.begin().await.unwrap();
    unit.insert_server(&server).await.unwrap();
    unit.insert_officer(&samples::officer(1).unwrap()).await.unwrap();
    unit.insert_recovery(&request).await.unwrap();
    unit.keep_recovery_document(request.id, RecoveryDocument::Request, &document(1))
        .await
        .unwrap();
    let event = samples::event(Action::RecoveryReceive, request.id).unwrap();
    unit.append_audit(&event).await.unwrap();
    unit.commit().await.unwrap();
    FaultyStore::new(memory)
}

fn document(n: u32) -> Vec<u8> {
    samples::bytes(n, DOCUMENT)
}

fn approved_by(n: u32, request: &Recovery) -> Recovery {
    let officer = samples::officer(n).unwrap();
    request.approved(samples::approval(n, &officer, Permission::default()).unwrap())
}

fn taken_off() -> Officer {
    samples::officer(1).unwrap().taken_off(Removal {
        at: samples::at(9).unwrap(),
        reason: None,
    })
}

/// Every read, and every change.
async fn answer(store: &dyn Store) -> Result<(), StoreError> {
    let mut unit = store.begin().await?;
    let server = unit.find_server(samples::server_id(1)).await?.unwrap();
    let identity = server.current_identity().unwrap().fingerprint();
    assert!(unit.find_server_by_identity(&identity).await?.is_some());
    assert_eq!(unit.list_servers(None, 9).await?.len(), 1);
    let officer = unit.officers().await?.remove(0);
    assert_eq!(unit.recovery_policy().await?, None);
    let request = unit.list_recoveries(None, 9).await?.remove(0);
    assert_eq!(unit.count_recoveries(server.id, request.received_at).await?, 1);
    let bytes = unit
        .recovery_document(request.id, RecoveryDocument::Request)
        .await?;
    assert_eq!(bytes, Some(document(1)));

    let removed = server.removed(samples::at(9).unwrap(), None);
    unit.save_server(&removed, server.version).await?;
    unit.insert_server(&samples::server(2).unwrap()).await?;
    unit.save_officer(&taken_off(), officer.version).await?;
    unit.insert_officer(&samples::officer(2).unwrap()).await?;
    unit.set_recovery_policy(&RecoveryPolicy::default()).await?;
    unit.save_recovery(&approved_by(1, &request), request.version)
        .await?;
    unit.insert_recovery(&samples::recovery(2, &server).unwrap())
        .await?;
    unit.keep_recovery_document(request.id, RecoveryDocument::Response, &document(2))
        .await?;
    unit.append_audit(&samples::event(Action::RecoveryRespond, request.id).unwrap())
        .await?;
    unit.commit().await
}

/// Whether all of it happened, once; otherwise nothing did.
async fn is_answered(store: &FaultyStore) -> bool {
    let events = trail(&store.memory).await;
    let mut snapshot = store.memory.snapshot().await.unwrap();
    let id = samples::request_id(1);
    let response = snapshot.recovery_document(id, RecoveryDocument::Response);
    let happened = [
        response.await.unwrap() == Some(document(2)),
        snapshot.recovery_policy().await.unwrap().is_some(),
        snapshot.list_servers(None, 9).await.unwrap().len() == 2,
        snapshot.officers().await.unwrap() == [taken_off(), samples::officer(2).unwrap()],
        snapshot.list_recoveries(None, 9).await.unwrap().len() == 2,
        snapshot.find_recovery(id).await.unwrap().unwrap().approvals.len() == 1,
        events.len() == 2,
    ];
    assert!(happened.iter().all(|part| *part == happened[0]), "{happened:?}");
    happened[0]
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_any_fault_at_any_call_happens_once_or_not_at_all() {
    for kind in KINDS {
        for call in 0..=COMMIT {
            let store = prepared().await;
            store.at_call(call, Fault::Fails(kind));
            let result = answer(&retrying(&store)).await;
            let what = format!("{kind:?} at call {call}: {result:?}");
            assert!(store.calls() > call, "{what}");
            let looked_up = call == COMMIT && kind == StoreErrorKind::CommitUnknown;
            let done = kind.is_retryable() || looked_up;
            assert_eq!(
                result.as_ref().map_err(|error| error.kind),
                if done { Ok(&()) } else { Err(kind) }
            );
            assert_eq!(is_answered(&store).await, done, "{what}");
        }
    }
}

/// A document counts with its length: one that is too large to be remembered is not done again.
#[tokio::test(start_paused = true)]
async fn a_document_that_is_not_remembered_is_not_done_again() {
    // The two documents, and less than half of one for everything else.
    for (most_remembered, done) in [(2 * DOCUMENT + DOCUMENT / 2, true), (2 * DOCUMENT, false)] {
        let options = RetryOptions {
            most_remembered,
            ..RetryOptions::default()
        };
        let store = prepared().await;
        store.at_call(COMMIT, Fault::Fails(StoreErrorKind::Disconnected));
        let result = answer(&with_options(&store, options)).await;
        assert_eq!(result.is_ok(), done, "{result:?}");
        assert_eq!(is_answered(&store).await, done);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_somebody_else_gave_meanwhile_is_a_conflict() {
    for call in 6..=COMMIT {
        let store = prepared().await;
        store.at_call(call, Fault::Fails(StoreErrorKind::Undone));
        store.and_somebody(|memory| async move {
            let mut unit = memory.begin().await.unwrap();
            let id = samples::request_id(1);
            let request = unit.find_recovery(id).await.unwrap().unwrap();
            unit.save_recovery(&approved_by(2, &request), request.version)
                .await
                .unwrap();
            let event = samples::event(Action::RecoveryApprove, id).unwrap();
            unit.append_audit(&event).await.unwrap();
            unit.commit().await.unwrap();
        });
        let result = answer(&retrying(&store)).await;
        // Until the request is read, nothing rests on what it was.
        match call {
            6 => assert!(result.is_ok(), "{result:?}"),
            _ => assert_eq!(result.unwrap_err().kind, StoreErrorKind::Conflict, "call {call}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_with_its_limit() {
    let limits = TimeLimits {
        call: Duration::from_secs(20),
        whole_table: Duration::from_secs(90),
    };
    for call in 0..=COMMIT {
        let store = prepared().await;
        store.at_call(call, Fault::Hangs);
        let timed = TimedStore::new(Arc::new(store.clone()), limits);
        let begun = Instant::now();
        let error = answer(&timed).await.unwrap_err();
        // A whole document may take longer.
        let limit = match call {
            8 | 16 => limits.whole_table,
            _ => limits.call,
        };
        assert_eq!(begun.elapsed().as_secs(), limit.as_secs(), "call {call}: {error}");
        let kind = match call {
            COMMIT => StoreErrorKind::CommitUnknown,
            _ => StoreErrorKind::Disconnected,
        };
        assert_eq!(error.kind, kind, "call {call}: {error}");

        store.at_call(call, Fault::Hangs);
        let patient = RetryingStore::new(
            Arc::new(timed),
            RetryOptions::default(),
            Arc::new(MemoryRandomness::default()),
        );
        answer(&patient).await.unwrap();
        assert!(is_answered(&store).await, "call {call}");
    }
}
