use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{Store, StoreErrorKind};
use keystead_contract::samples;
use keystead_memory::MemoryRandomness;
use keystead_retry::{RetryOptions, RetryingStore, TimedStore};
use tokio::time::Instant;

use crate::faults::Fault;
use crate::steps::{activate, activated, create, created, prepared};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_with_the_limit() {
    for call in 0..=4 {
        let store = prepared().await;
        store.at_call(call, Fault::Hangs);
        let timed = TimedStore::new(Arc::new(store.clone()), limits(LIMIT));
        let begun = Instant::now();
        let error = create(&timed, 3).await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), LIMIT.as_secs(), "call {call}");
        let expected = match call {
            4 => StoreErrorKind::CommitUnknown,
            _ => StoreErrorKind::Disconnected,
        };
        assert_eq!(error.kind, expected, "call {call}");
        assert!(error.to_string().contains("no answer within 20s"), "{error}");
        assert_eq!(created(&store.memory, 3).await, (0, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_unit_whose_call_was_broken_off_is_not_gone_on_with() {
    let store = prepared().await;
    store.at_call(1, Fault::Hangs);
    let timed = TimedStore::new(Arc::new(store.clone()), limits(LIMIT));
    let mut unit = timed.begin().await.unwrap();
    assert!(unit.active_keyset().await.is_err());
    assert_eq!(
        unit.active_keyset().await.unwrap_err().kind,
        StoreErrorKind::Disconnected
    );
    assert_eq!(
        unit.commit().await.unwrap_err().kind,
        StoreErrorKind::Disconnected
    );
    assert_eq!(store.calls(), 2, "the store itself is left alone");
    drop(timed.begin().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_took_too_long_is_done_again() {
    for call in 0..=7 {
        let store = prepared().await;
        store.at_call(call, Fault::Hangs);
        let timed = TimedStore::new(Arc::new(store.clone()), limits(LIMIT));
        let randomness = Arc::new(MemoryRandomness::default());
        let patient = RetryingStore::new(Arc::new(timed), RetryOptions::default(), randomness);
        activate(&patient, samples::keyset_id(2)).await.unwrap();
        assert_eq!(activated(&store.memory, 2).await, (1, true), "call {call}");
    }
}

fn limits(limit: Duration) -> keystead_retry::TimeLimits {
    keystead_retry::TimeLimits {
        call: limit,
        whole_table: limit,
    }
}
