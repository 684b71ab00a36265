use std::sync::Arc;

use keystead_application::ports::StoreErrorKind;
use keystead_domain::keyset::Version;
use keystead_domain::{Sequence, State};

use super::*;

#[tokio::test]
async fn activation_moves_one_pointer_and_every_state_comes_back() {
    let place = Place::new();
    let store = place.store().await;
    insert(&store, &[generated(1), generated(2), generated(3)]).await;
    for (n, moment) in [(1, 10), (2, 20), (1, 30)] {
        let mut work = store.begin().await.unwrap();
        activate(work.as_mut(), generated(n).id(), moment).await;
        work.commit().await.unwrap();
    }
    let states: Vec<State> = {
        let mut states = Vec::new();
        for n in 1..=3 {
            states.push(find(&store, &generated(n)).await.unwrap().state().clone());
        }
        states
    };
    let superseded = State::Superseded {
        activated_at: at(20),
        at: at(30),
        by: generated(1).fingerprint(),
    };
    assert_eq!(
        states,
        [State::Active { at: at(30) }, superseded, State::NeverActivated]
    );
    let active = store.snapshot().await.unwrap().active_keyset().await.unwrap();
    assert_eq!(active.unwrap().id(), generated(1).id());
}

#[tokio::test]
async fn a_change_without_an_event_does_not_happen() {
    let place = Place::new();
    let store = place.store().await;
    let mut work = store.begin().await.unwrap();
    work.insert_keyset(&generated(1), &sealed(1)).await.unwrap();
    assert_eq!(work.commit().await.unwrap_err().kind, StoreErrorKind::Unaudited);
    assert!(find(&store, &generated(1)).await.is_none());

    // An event without a change, and neither, are in order.
    let mut work = store.begin().await.unwrap();
    work.append_audit(&event(1)).await.unwrap();
    work.commit().await.unwrap();
    store.begin().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn what_is_dropped_never_was() {
    let place = Place::new();
    let store = place.store().await;
    let mut work = store.begin().await.unwrap();
    work.insert_keyset(&generated(1), &sealed(1)).await.unwrap();
    work.append_audit(&event(1)).await.unwrap();
    assert!(work.find_keyset(generated(1).id()).await.unwrap().is_some());
    drop(work);
    assert!(find(&store, &generated(1)).await.is_none());
    // The place in the trail is free again.
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.append_audit(&event(2)).await.unwrap(), Sequence(1));
}

#[tokio::test]
async fn a_snapshot_stays_at_the_moment_of_its_first_read() {
    let place = Place::new();
    let store = place.store().await;
    let mut before = store.snapshot().await.unwrap();
    assert!(before.active_keyset().await.unwrap().is_none());
    insert(&store, &[generated(1)]).await;
    assert!(before.find_keyset(generated(1).id()).await.unwrap().is_none());
    assert!(before.audit_rows(None, 9).await.unwrap().is_empty());
    assert!(find(&store, &generated(1)).await.is_some());
}

#[tokio::test]
async fn what_is_there_already_is_a_duplicate() {
    let place = Place::new();
    let store = place.store().await;
    insert(&store, &[generated(1)]).await;
    let mut work = store.begin().await.unwrap();
    work.insert_installation(&installation(1)).await.unwrap();
    work.append_audit(&event(2)).await.unwrap();
    work.commit().await.unwrap();
    let again = store
        .begin()
        .await
        .unwrap()
        .insert_installation(&installation(2))
        .await;
    assert_eq!(again.unwrap_err().kind, StoreErrorKind::Duplicate);

    let (one, two) = (generated(1), generated(2));
    let same_id = Keyset::new(
        one.id(),
        one.hint().clone(),
        two.public_key().clone(),
        Origin::Generated,
        at(1),
    );
    let same_key = Keyset::new(
        two.id(),
        one.hint().clone(),
        one.public_key().clone(),
        Origin::Generated,
        at(1),
    );
    for keyset in [same_id, same_key] {
        let mut work = store.begin().await.unwrap();
        let refused = work.insert_keyset(&keyset, &sealed(3)).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Duplicate);
        // After a failure nothing goes on, and nothing stands alone.
        assert!(work.append_audit(&event(2)).await.is_err());
        assert!(work.find_keyset(one.id()).await.is_err());
        assert!(work.commit().await.is_err());
    }
    assert_eq!(find(&store, &one).await, Some(one));
    assert_eq!(
        store.snapshot().await.unwrap().installation().await.unwrap(),
        Some(installation(1))
    );
}

#[tokio::test]
async fn what_was_changed_in_between_is_a_conflict() {
    let place = Place::new();
    let store = place.store().await;
    insert(&store, &[generated(1), generated(2)]).await;
    let (one, two, gone) = (generated(1), generated(2), generated(3));
    let edited = one.with_hint("edited".parse().unwrap());
    let mut work = store.begin().await.unwrap();
    work.save_keyset(&edited, Version(1)).await.unwrap();
    activate(work.as_mut(), two.id(), 5).await;
    work.commit().await.unwrap();

    for n in 0..7 {
        let mut work = store.begin().await.unwrap();
        let refused = match n {
            0 => work.save_keyset(&edited, Version(1)).await,
            1 => work.save_keyset(&gone, Version(1)).await,
            2 => work.delete_keyset(one.id(), Version(1)).await,
            3 => work.delete_keyset(gone.id(), Version(1)).await,
            4 => work.point_active(one.id(), None).await,
            5 => work.point_active(gone.id(), Some(two.id())).await,
            // The Active one.
            _ => work.delete_keyset(two.id(), Version(2)).await,
        };
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Conflict, "{n}");
        assert!(!refused.kind.is_retryable());
    }
    let mut work = store.begin().await.unwrap();
    work.delete_keyset(one.id(), Version(2)).await.unwrap();
    assert!(work.sealed_private_key(one.id()).await.unwrap().is_none());
    work.append_audit(&event(6)).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(find(&store, &one).await, None);
    assert_eq!(place.sqlite3("SELECT count(*) FROM keyset_private_keys"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_activations_from_two_programs_leave_one_active_and_no_gap() {
    const WRITERS: u8 = 8;
    const ROUNDS: i64 = 10;
    let place = Place::new();
    let stores = [place.store().await, place.store().await];
    let keysets: Vec<_> = (1..=WRITERS).map(generated).collect();
    insert(&stores[0], &keysets).await;
    let stores = Arc::new(stores);
    let tasks: Vec<_> = (1..=WRITERS)
        .map(|n| {
            let stores = Arc::clone(&stores);
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let mut work = stores[usize::from(n % 2)].begin().await.unwrap();
                    activate(work.as_mut(), generated(n).id(), round).await;
                    work.commit().await.unwrap();
                }
            })
        })
        .collect();
    let watcher = tokio::spawn({
        let stores = Arc::clone(&stores);
        async move {
            for _ in 0..50 {
                let mut snapshot = stores[0].snapshot().await.unwrap();
                let page = snapshot.list_keysets(None, 100).await.unwrap();
                let active = page.keysets.iter().filter(|k| k.active().is_some()).count();
                assert!(active <= 1);
            }
        }
    });
    for task in tasks {
        task.await.unwrap();
    }
    watcher.await.unwrap();
    let trail = stores[1]
        .snapshot()
        .await
        .unwrap()
        .audit_rows(None, 1_000)
        .await
        .unwrap();
    let places: Vec<u64> = trail.iter().map(|row| row.sequence.0).collect();
    let all = 1 + u64::from(WRITERS) * u64::try_from(ROUNDS).unwrap();
    assert_eq!(places, (1..=all).collect::<Vec<_>>());
    assert_eq!(
        place.sqlite3("SELECT last_sequence FROM audit_head"),
        all.to_string()
    );
    assert_eq!(
        place.sqlite3(
            "SELECT count(*) FROM keysets WHERE activated_at IS NOT NULL AND deactivated_at IS NULL"
        ),
        "1"
    );
    assert_eq!(
        place.sqlite3("PRAGMA integrity_check; PRAGMA foreign_key_check"),
        "ok"
    );
}
