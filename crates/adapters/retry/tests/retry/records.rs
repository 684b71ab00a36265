//! Records are done again like everything else. Without an event, they are themselves what a lost commit is looked up by.

use std::sync::Arc;

use keystead_application::ports::{Record, RecordKind, Store, StoreError, StoreErrorKind, UnitOfWork};
use keystead_contract::samples;
use keystead_domain::Action;
use keystead_domain::keyset::Version;
use keystead_memory::MemoryStore;
use keystead_retry::{RetryOptions, TimeLimits, TimedStore};
use tokio::time::{Duration, Instant};

use crate::faults::{Fault, FaultyStore};
use crate::steps::{KINDS, note, retrying, trail, with_options};

/// Begin, two reads, three changes, a sweep, and the commit.
const COMMIT: u32 = 7;

fn session(key: &str) -> Record {
    samples::record(RecordKind::Session, key)
}

fn over() -> Record {
    Record {
        expires_at: Some(samples::at(1).unwrap()),
        ..samples::record(RecordKind::Attempts, "over")
    }
}

fn renewed(record: &Record) -> Record {
    Record {
        version: Version(record.version.0 + 1),
        document: format!("{} renewed", record.document),
        ..record.clone()
    }
}

/// A store with two sessions, and with what a sweep takes.
async fn prepared() -> FaultyStore {
    let memory = MemoryStore::new();
    let mut unit = memory.begin().await.unwrap();
    for record in [session("renewed"), session("ended"), over()] {
        unit.put_record(&record, None).await.unwrap();
    }
    unit.commit().await.unwrap();
    FaultyStore::new(memory)
}

/// Every read and every change, without an event.
async fn go_on(store: &dyn Store) -> Result<(), StoreError> {
    let unit = store.begin().await?;
    go_on_in(unit, None).await
}

async fn go_on_in(mut unit: Box<dyn UnitOfWork>, event: Option<&str>) -> Result<(), StoreError> {
    let kind = RecordKind::Session;
    let known = unit.find_record(kind, "renewed").await?.unwrap();
    assert_eq!(known, session("renewed"));
    assert_eq!(unit.list_records(kind, None, 9).await?.len(), 2);
    unit.put_record(&renewed(&known), Some(known.version)).await?;
    unit.put_record(&session("begun"), None).await?;
    unit.delete_record(kind, "ended", Version(1)).await?;
    let before = samples::at(9).unwrap();
    assert_eq!(unit.sweep_records(RecordKind::Attempts, before, 9).await?, 1);
    if let Some(subject) = event {
        unit.append_audit(&samples::event(Action::SessionEnd, subject).unwrap())
            .await?;
    }
    unit.commit().await
}

async fn sessions(store: &FaultyStore) -> Vec<Record> {
    let mut snapshot = store.memory.snapshot().await.unwrap();
    snapshot.list_records(RecordKind::Session, None, 9).await.unwrap()
}

/// Whether all of it happened, once; otherwise nothing did.
async fn went_on(store: &FaultyStore) -> bool {
    let mut snapshot = store.memory.snapshot().await.unwrap();
    let attempts = snapshot.find_record(RecordKind::Attempts, "over").await.unwrap();
    let happened = attempts.is_none();
    let expected = match happened {
        true => [session("begun"), renewed(&session("renewed"))],
        false => [session("ended"), session("renewed")],
    };
    assert_eq!(sessions(store).await, expected);
    happened
}

#[tokio::test(start_paused = true)]
async fn changes_with_any_fault_at_any_call_happen_once_or_not_at_all() {
    for kind in KINDS {
        for call in 0..=COMMIT {
            let store = prepared().await;
            store.at_call(call, Fault::Fails(kind));
            let result = go_on(&retrying(&store)).await;
            let what = format!("{kind:?} at call {call}: {result:?}");
            assert!(store.calls() > call, "{what}");
            let looked_up = call == COMMIT && kind == StoreErrorKind::CommitUnknown;
            let done = kind.is_retryable() || looked_up;
            assert_eq!(
                result.as_ref().map_err(|error| error.kind),
                if done { Ok(&()) } else { Err(kind) }
            );
            assert_eq!(went_on(&store).await, done, "{what}");
        }
    }
}

/// Whatever became of the lost commit, the changes are there, and nobody is told that somebody else made them.
#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_and_without_an_event_happens_once() {
    for fault in [
        Fault::HappensUnanswered,
        Fault::HappensLater,
        Fault::Fails(StoreErrorKind::CommitUnknown),
    ] {
        for others in [0, 2] {
            let store = prepared().await;
            store.at_call(COMMIT, fault);
            store.and_somebody(move |memory| async move {
                for _ in 0..others {
                    note(memory.clone()).await;
                }
            });
            go_on(&retrying(&store)).await.unwrap();
            assert!(went_on(&store).await, "{fault:?}");
            let events = match fault {
                // Nobody has a turn while the server is still at it.
                Fault::HappensLater => 0,
                _ => others,
            };
            assert_eq!(trail(&store.memory).await.len(), events, "{fault:?}");
        }
    }
}

/// One change each, so that nothing else can tell.
#[tokio::test(start_paused = true)]
async fn each_kind_of_change_tells_by_itself_what_became_of_it() {
    for fault in [
        Fault::HappensUnanswered,
        Fault::Fails(StoreErrorKind::CommitUnknown),
    ] {
        for change in 0..4 {
            let store = prepared().await;
            // Begin, the change, the commit.
            store.at_call(2, fault);
            let mut unit = retrying(&store).begin().await.unwrap();
            let known = session("renewed");
            let expected = match change {
                0 => {
                    unit.put_record(&session("begun"), None).await.unwrap();
                    vec![session("begun"), session("ended"), known]
                }
                1 => {
                    let next = renewed(&known);
                    unit.put_record(&next, Some(Version(1))).await.unwrap();
                    vec![session("ended"), next]
                }
                2 => {
                    let deleted = unit.delete_record(RecordKind::Session, "ended", Version(1));
                    deleted.await.unwrap();
                    vec![known]
                }
                _ => {
                    let before = samples::at(9).unwrap();
                    let swept = unit.sweep_records(RecordKind::Attempts, before, 9).await;
                    assert_eq!(swept.unwrap(), 1);
                    vec![session("ended"), known]
                }
            };
            unit.commit().await.unwrap();
            assert_eq!(sessions(&store).await, expected, "{fault:?}, {change}");
        }
    }
}

/// What happened and was changed by others since is not done again, and not said to be undone.
#[tokio::test(start_paused = true)]
async fn what_others_have_changed_since_cannot_tell_any_more() {
    let store = prepared().await;
    store.at_call(2, Fault::HappensUnanswered);
    store.and_somebody(|memory| async move {
        let mut unit = memory.begin().await.unwrap();
        let found = unit.find_record(RecordKind::Session, "renewed").await.unwrap();
        let found = found.unwrap();
        unit.put_record(&renewed(&found), Some(found.version))
            .await
            .unwrap();
        unit.commit().await.unwrap();
    });
    let mut unit = retrying(&store).begin().await.unwrap();
    let first = renewed(&session("renewed"));
    unit.put_record(&first, Some(Version(1))).await.unwrap();
    let error = unit.commit().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::CommitUnknown, "{error}");
    let said = error.to_string();
    assert!(
        said.contains("somebody else has changed the same records since")
            && said.contains("look before doing it again"),
        "{said}"
    );
    assert_eq!(sessions(&store).await, [session("ended"), renewed(&first)]);

    // Another of its records that nobody touched still tells.
    for fault in [
        Fault::HappensUnanswered,
        Fault::Fails(StoreErrorKind::CommitUnknown),
    ] {
        let store = prepared().await;
        store.at_call(COMMIT, fault);
        store.and_somebody(|memory| async move {
            let mut unit = memory.begin().await.unwrap();
            let found = unit.find_record(RecordKind::Session, "renewed").await.unwrap();
            let found = found.unwrap();
            unit.put_record(&renewed(&found), Some(found.version))
                .await
                .unwrap();
            unit.commit().await.unwrap();
        });
        let result = go_on(&retrying(&store)).await;
        match fault {
            Fault::HappensUnanswered => result.unwrap(),
            // Nothing of it happened, and what it read is not so any more.
            _ => assert_eq!(result.unwrap_err().kind, StoreErrorKind::Conflict),
        }
    }
}

/// An event tells for the records too, whatever others have made of them since.
#[tokio::test(start_paused = true)]
async fn an_event_tells_for_the_records_of_its_unit_of_work() {
    let store = prepared().await;
    store.at_call(COMMIT + 1, Fault::HappensUnanswered);
    store.and_somebody(|memory| async move {
        let mut unit = memory.begin().await.unwrap();
        let kind = RecordKind::Session;
        unit.delete_record(kind, "renewed", Version(2)).await.unwrap();
        unit.delete_record(kind, "begun", Version(1)).await.unwrap();
        unit.commit().await.unwrap();
    });
    let unit = retrying(&store).begin().await.unwrap();
    go_on_in(unit, Some("ended")).await.unwrap();
    assert_eq!(sessions(&store).await, []);
    assert_eq!(trail(&store.memory).await.len(), 1);
}

/// A record counts with its document: one that is too large to be remembered is not done again.
#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_remembered_is_not_done_again() {
    let long = Record {
        document: "x".repeat(60_000),
        ..session("long")
    };
    for (most_remembered, done) in [(65_000, true), (60_000, false)] {
        let options = RetryOptions {
            most_remembered,
            ..RetryOptions::default()
        };
        let store = prepared().await;
        store.at_call(2, Fault::Fails(StoreErrorKind::Disconnected));
        let mut unit = with_options(&store, options).begin().await.unwrap();
        unit.put_record(&long, None).await.unwrap();
        let result = unit.commit().await;
        assert_eq!(result.is_ok(), done, "{result:?}");
        assert_eq!(sessions(&store).await.contains(&long), done);
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
        let error = go_on(&timed).await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), 20, "call {call}: {error}");
        let kind = match call {
            COMMIT => StoreErrorKind::CommitUnknown,
            _ => StoreErrorKind::Disconnected,
        };
        assert_eq!(error.kind, kind, "call {call}: {error}");
    }
}
