use std::sync::Arc;

use keystead_application::audit::StoredCheckpoint;
use keystead_application::ports::{Snapshot, Store, StoreErrorKind};
use keystead_domain::{Action, Sequence};

use super::StoreFixture;
use super::steps::{commit, fresh, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        checkpoints_come_back_as_they_were_kept,
        checkpoint_pages_join_without_gap_or_repetition,
        a_second_checkpoint_for_a_place_is_a_duplicate,
        a_checkpoint_is_undone_when_dropped,
        a_checkpoint_without_an_event_does_not_happen,
    ]
}

/// A note as long and as awkward as a signed one, with a second signature in a script of its own.
fn checkpoint(place: u64) -> StoredCheckpoint {
    StoredCheckpoint {
        sequence: Sequence(place),
        note: format!(
            "keystead audit checkpoint v1\nevents {place}\n{}\n\n\u{2014} keystead/x AAAA+/==\n\u{2014} Büro\u{1f511} BBBB\n",
            "x".repeat(3_000)
        ),
    }
}

async fn keep(store: &dyn Store, checkpoint: &StoredCheckpoint) -> Verdict {
    let mut unit = store.begin().await?;
    unit.append_checkpoint(checkpoint).await?;
    commit(unit, Action::AuditCheckpoint, samples::keyset_id(1)).await
}

async fn all(store: &dyn Store) -> Result<Vec<StoredCheckpoint>, Violation> {
    Ok(store.snapshot().await?.checkpoints(None, 100).await?)
}

async fn checkpoints_come_back_as_they_were_kept(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for place in [3, 1, 20, 4_000_000_000] {
        keep(&*store, &checkpoint(place)).await?;
    }
    equal(
        all(&*store).await?,
        [1, 3, 20, 4_000_000_000].map(checkpoint).to_vec(),
        "the checkpoints",
    )
}

async fn checkpoint_pages_join_without_gap_or_repetition(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let expected: Vec<u64> = (1..=5).map(|n| n * 3).collect();
    for place in &expected {
        keep(&*store, &checkpoint(*place)).await?;
    }
    let mut snapshot = store.snapshot().await?;
    for limit in 1..=6 {
        equal(
            &places(snapshot.as_mut(), limit).await?,
            &expected,
            &format!("the places on pages of {limit}"),
        )?;
    }
    // A place between two checkpoints is a place to go on from, too.
    let found = snapshot.checkpoints(Some(Sequence(10)), 1).await?;
    equal(
        found,
        vec![checkpoint(12)],
        "the checkpoint after the tenth event",
    )
}

async fn places(snapshot: &mut dyn Snapshot, limit: u32) -> Result<Vec<u64>, Violation> {
    let mut all: Vec<u64> = Vec::new();
    loop {
        let after = all.last().copied();
        let page = snapshot.checkpoints(after.map(Sequence), limit).await?;
        ensure!(
            page.len() <= limit as usize,
            "a page holds more than {limit} checkpoints"
        );
        let Some(first) = page.first() else { return Ok(all) };
        ensure!(
            after.is_none_or(|after| first.sequence.0 > after),
            "the next page of checkpoints does not come after this one"
        );
        all.extend(page.iter().map(|checkpoint| checkpoint.sequence.0));
    }
}

async fn a_second_checkpoint_for_a_place_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    keep(&*store, &checkpoint(7)).await?;
    let other = StoredCheckpoint {
        note: "another one".to_owned(),
        ..checkpoint(7)
    };
    for again in [checkpoint(7), other] {
        let mut unit = store.begin().await?;
        refused(
            unit.append_checkpoint(&again).await,
            StoreErrorKind::Duplicate,
            "a second checkpoint for a place",
        )?;
        drop(unit);
    }
    equal(all(&*store).await?, vec![checkpoint(7)], "the checkpoints")
}

async fn a_checkpoint_is_undone_when_dropped(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut unit = store.begin().await?;
    unit.append_checkpoint(&checkpoint(1)).await?;
    equal(
        unit.checkpoints(None, 5).await?,
        vec![checkpoint(1)],
        "the checkpoints that the unit sees",
    )?;
    unit.append_audit(&samples::event(Action::AuditCheckpoint, "dropped")?)
        .await?;
    drop(unit);
    drop(store.begin().await?);
    equal(all(&*store).await?, vec![], "the checkpoints after a rollback")
}

async fn a_checkpoint_without_an_event_does_not_happen(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut unit = store.begin().await?;
    unit.append_checkpoint(&checkpoint(1)).await?;
    refused(unit.commit().await, StoreErrorKind::Unaudited, "a checkpoint")?;
    equal(all(&*store).await?, vec![], "the checkpoints")
}
