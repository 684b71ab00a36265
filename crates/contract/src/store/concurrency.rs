use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keystead_application::ports::{Store, UnitOfWork};
use keystead_domain::keyset::Keyset;
use keystead_domain::{Action, KeysetId};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::StoreFixture;
use super::steps::{activate_in_the_crowd, all_keysets, begin, fresh, holds_exactly, insert};
use super::trail::gapless_events;
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        concurrent_activations_never_show_two_active_keysets,
        units_dropped_in_the_crowd_lose_and_leave_nothing,
        a_cancelled_unit_sets_the_store_free,
    ]
}

const WRITERS: u32 = 8;
const ROUNDS: u32 = 5;

async fn concurrent_activations_never_show_two_active_keysets(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    compete(&[Arc::clone(&store)], store).await
}

/// Lets writers activate keysets through these handles at the same time, while a reader looks on through another one.
pub(super) async fn compete(writers: &[Arc<dyn Store>], reader: Arc<dyn Store>) -> Verdict {
    let keysets: Vec<_> = (1..=WRITERS).map(samples::keyset).collect::<Result<_, _>>()?;
    insert(&*reader, &keysets).await?;
    let done = Arc::new(AtomicBool::new(false));
    let watcher = tokio::spawn(watch(Arc::clone(&reader), Arc::clone(&done)));

    let mut crowd = JoinSet::new();
    for (keyset, store) in keysets.iter().zip(writers.iter().cycle()) {
        let (store, id) = (Arc::clone(store), keyset.id());
        crowd.spawn(async move {
            for round in 1..=ROUNDS {
                activate_in_the_crowd(&*store, id, samples::at(i64::from(round))?).await?;
                tokio::task::yield_now().await;
            }
            Ok::<_, Violation>(())
        });
    }
    let outcome = join_all(crowd).await;
    done.store(true, Ordering::SeqCst);
    watcher.await??;
    outcome?;

    let all = all_keysets(reader.snapshot().await?.as_mut(), 100).await?;
    let active = all.iter().filter(|keyset| keyset.active().is_some()).count();
    equal(active, 1, "the number of Active keysets in the end")?;
    let events = gapless_events(&*reader).await?;
    equal(
        events.len() as u32,
        WRITERS + WRITERS * ROUNDS,
        "the number of audit events in the end",
    )
}

/// Looks again and again until told to stop.
async fn watch(store: Arc<dyn Store>, done: Arc<AtomicBool>) -> Verdict {
    let mut seen = 0;
    while !done.load(Ordering::SeqCst) || seen == 0 {
        look(&*store).await?;
        seen += 1;
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn look(store: &dyn Store) -> Verdict {
    let mut snapshot = store.snapshot().await?;
    let pointed_at = snapshot.active_keyset().await?.map(|keyset| keyset.id());
    let all = all_keysets(snapshot.as_mut(), 100).await?;
    let active: Vec<KeysetId> = all
        .iter()
        .filter(|k| k.active().is_some())
        .map(Keyset::id)
        .collect();
    ensure!(
        active.len() < 2,
        "two keysets were seen Active at one moment: {active:?}"
    );
    equal(
        active.first().copied(),
        pointed_at,
        "the Active keyset of the list and that of the pointer",
    )
}

async fn units_dropped_in_the_crowd_lose_and_leave_nothing(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut crowd = JoinSet::new();
    for n in 1..=WRITERS {
        let store = Arc::clone(&store);
        crowd.spawn(async move {
            for round in 0..ROUNDS {
                let keyset = samples::keyset(n * 100 + round)?;
                let mut unit = begin(&*store).await?;
                unit.insert_keyset(&keyset, &samples::sealed(n)?).await?;
                unit.append_audit(&samples::event(Action::KeysetCreate, keyset.id())?)
                    .await?;
                if is_kept(n, round) {
                    unit.commit().await?;
                } else {
                    drop(unit);
                }
            }
            Ok::<_, Violation>(())
        });
    }
    join_all(crowd).await?;

    let mut expected = Vec::new();
    for n in 1..=WRITERS {
        for round in (0..ROUNDS).filter(|round| is_kept(n, *round)) {
            expected.push(samples::keyset(n * 100 + round)?);
        }
    }
    holds_exactly(&*store, &expected.iter().collect::<Vec<_>>()).await?;
    let mut subjects: Vec<_> = gapless_events(&*store)
        .await?
        .into_iter()
        .filter_map(|record| record.event.subject)
        .collect();
    let mut ids: Vec<_> = expected.iter().map(|keyset| keyset.id().to_string()).collect();
    subjects.sort();
    ids.sort();
    equal(subjects, ids, "the subjects of the audit events")
}

fn is_kept(writer: u32, round: u32) -> bool {
    (writer + round).is_multiple_of(2)
}

/// A caller that is cancelled, as when its connection goes away, holds an open unit of work.
async fn a_cancelled_unit_sets_the_store_free(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for n in 1..=3 {
        let keyset = samples::keyset(n)?;
        let (ready, is_ready) = oneshot::channel();
        let task = tokio::spawn({
            let (store, keyset) = (Arc::clone(&store), keyset.clone());
            async move {
                let mut unit = begin(&*store).await?;
                unit.insert_keyset(&keyset, &samples::sealed(n)?).await?;
                let _ = ready.send(());
                never(unit).await
            }
        });
        if is_ready.await.is_err() {
            return task.await?;
        }
        task.abort();
        ensure!(task.await.is_err(), "the caller was not cancelled");

        let mut unit = begin(&*store).await?;
        let found = unit.find_keyset(keyset.id()).await?;
        ensure!(found.is_none(), "what a cancelled caller inserted is there");
        unit.append_audit(&samples::event(Action::KeysetCreate, keyset.id())?)
            .await?;
        unit.commit().await?;
    }
    holds_exactly(&*store, &[]).await?;
    equal(
        gapless_events(&*store).await?.len(),
        3,
        "the number of audit events",
    )
}

async fn never(_unit: Box<dyn UnitOfWork>) -> Verdict {
    std::future::pending().await
}

async fn join_all(mut crowd: JoinSet<Verdict>) -> Verdict {
    while let Some(ended) = crowd.join_next().await {
        ended??;
    }
    Ok(())
}
