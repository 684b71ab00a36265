use keystead_application::ports::{Store, StoreErrorKind};
use keystead_contract::samples;
use keystead_domain::Action;
use keystead_retry::RetryOptions;

use crate::faults::Fault;
use crate::steps::{activate, activated, create, created, note, prepared, retrying, trail, with_options};

const COMMIT_OF_CREATION: u32 = 4;
const COMMIT_OF_ACTIVATION: u32 = 7;

/// Whatever became of the lost commit, the change is there once, and so is its event.
#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_happens_once() {
    for fault in [
        Fault::HappensUnanswered,
        Fault::HappensLater,
        Fault::Fails(StoreErrorKind::CommitUnknown),
    ] {
        for others in [0, 1, 3] {
            let store = prepared().await;
            store.at_call(COMMIT_OF_CREATION, fault);
            store.and_somebody(move |memory| async move {
                for _ in 0..others {
                    note(memory.clone()).await;
                }
            });
            create(&retrying(&store), 3).await.unwrap();
            let what = format!("{fault:?} with {others} others");
            assert_eq!(created(&store.memory, 3).await, (1, true), "{what}");

            store.at_call(COMMIT_OF_ACTIVATION, fault);
            store.and_somebody(move |memory| async move {
                for _ in 0..others {
                    note(memory.clone()).await;
                }
            });
            activate(&retrying(&store), samples::keyset_id(3)).await.unwrap();
            assert_eq!(activated(&store.memory, 3).await, (1, true), "{what}");
        }
    }
}

/// Done once, it is not done again, although somebody else has changed the same thing since.
#[tokio::test(start_paused = true)]
async fn a_commit_that_happened_is_found_after_somebody_elses_change() {
    let store = prepared().await;
    store.at_call(COMMIT_OF_ACTIVATION, Fault::HappensUnanswered);
    store.and_somebody(|memory| async move {
        activate(&memory, samples::keyset_id(1)).await.unwrap();
    });
    activate(&retrying(&store), samples::keyset_id(2)).await.unwrap();
    assert_eq!(activated(&store.memory, 2).await, (1, false));
    assert_eq!(activated(&store.memory, 1).await, (2, true));
}

/// An event of the same kind in the place of a lost one is not taken for it.
#[tokio::test(start_paused = true)]
async fn another_event_in_the_place_is_not_taken_for_the_lost_one() {
    let store = prepared().await;
    store.at_call(COMMIT_OF_CREATION, Fault::Fails(StoreErrorKind::CommitUnknown));
    store.and_somebody(|memory| async move { create(&memory, 4).await.unwrap() });
    create(&retrying(&store), 3).await.unwrap();
    assert_eq!(created(&store.memory, 3).await, (1, true));
    assert_eq!(created(&store.memory, 4).await, (1, true));
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_again_and_again_are_looked_up_each_time() {
    let store = prepared().await;
    store.at_call(COMMIT_OF_CREATION, Fault::Fails(StoreErrorKind::CommitUnknown));
    // The look takes two calls, and three more bring the unit of work to its second commit.
    store.and_at_call(
        COMMIT_OF_CREATION + 6,
        Fault::Fails(StoreErrorKind::CommitUnknown),
    );
    store.and_at_call(COMMIT_OF_CREATION + 12, Fault::HappensUnanswered);
    create(&retrying(&store), 3).await.unwrap();
    assert_eq!(store.calls(), COMMIT_OF_CREATION + 15);
    assert_eq!(created(&store.memory, 3).await, (1, true));
}

#[tokio::test(start_paused = true)]
async fn looking_is_tried_again_while_the_lost_connection_holds_the_lock() {
    let store = prepared().await;
    store.at_call(COMMIT_OF_CREATION, Fault::HappensUnanswered);
    for (later, kind) in [
        (1, StoreErrorKind::Busy),
        (2, StoreErrorKind::Disconnected),
        (4, StoreErrorKind::Undone),
    ] {
        store.and_at_call(COMMIT_OF_CREATION + later, Fault::Fails(kind));
    }
    create(&retrying(&store), 3).await.unwrap();
    assert_eq!(created(&store.memory, 3).await, (1, true));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_found_out_stays_unknown() {
    for (kind, at_once) in [
        (StoreErrorKind::Disconnected, false),
        (StoreErrorKind::Unavailable, true),
    ] {
        let store = prepared().await;
        store.at_call(COMMIT_OF_CREATION, Fault::HappensUnanswered);
        store.and_always_from(COMMIT_OF_CREATION + 1, Fault::Fails(kind));
        let begun = tokio::time::Instant::now();
        let error = create(&retrying(&store), 3).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::CommitUnknown, "{error}");
        assert!(
            error.to_string().contains("look before doing it again"),
            "{error}"
        );
        assert_eq!(begun.elapsed() < RetryOptions::default().first_pause, at_once);
        assert!(begun.elapsed() <= RetryOptions::default().give_up_after);
    }
}

#[tokio::test(start_paused = true)]
async fn several_events_are_found_together() {
    for fault in [
        Fault::HappensUnanswered,
        Fault::Fails(StoreErrorKind::CommitUnknown),
    ] {
        let store = prepared().await;
        store.at_call(4, fault);
        store.and_somebody(note);
        let mut unit = retrying(&store).begin().await.unwrap();
        for subject in ["one", "two", "three"] {
            let event = samples::event(Action::BackupOpen, subject).unwrap();
            unit.append_audit(&event).await.unwrap();
        }
        unit.commit().await.unwrap();
        let subjects: Vec<_> = trail(&store.memory)
            .await
            .into_iter()
            .skip(3)
            .map(|(_, s)| s)
            .collect();
        let expected = match fault {
            Fault::HappensUnanswered => ["one", "two", "three", "somebody else"],
            _ => ["somebody else", "one", "two", "three"],
        };
        assert_eq!(subjects, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_only_read_has_nothing_to_find_out() {
    for kind in [StoreErrorKind::CommitUnknown, StoreErrorKind::Disconnected] {
        let store = prepared().await;
        store.at_call(2, Fault::Fails(kind));
        let mut unit = retrying(&store).begin().await.unwrap();
        unit.active_keyset().await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(store.calls(), 3);
    }
}

/// What is too large to be remembered is not done again, and what became of it is still found out.
#[tokio::test(start_paused = true)]
async fn what_is_not_remembered_is_not_done_again() {
    let options = RetryOptions {
        most_remembered: 100,
        ..RetryOptions::default()
    };
    for call in 2..COMMIT_OF_CREATION {
        let store = prepared().await;
        store.at_call(call, Fault::Fails(StoreErrorKind::Disconnected));
        let error = create(&with_options(&store, options.clone()), 3)
            .await
            .unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Disconnected, "{error}");
        assert_eq!(store.calls(), call + 1);
    }
    for (fault, happened) in [
        (Fault::HappensUnanswered, true),
        (Fault::Fails(StoreErrorKind::CommitUnknown), false),
    ] {
        let store = prepared().await;
        store.at_call(COMMIT_OF_CREATION, fault);
        let result = create(&with_options(&store, options.clone()), 3).await;
        assert_eq!(result.is_ok(), happened, "{result:?}");
        if let Err(error) = result {
            assert_eq!(error.kind, StoreErrorKind::Disconnected, "{error}");
        }
        assert_eq!(created(&store.memory, 3).await, (usize::from(happened), happened));
    }
}
