use std::sync::Arc;

use keystead_application::ports::{StoreErrorKind, UnitOfWork};
use keystead_domain::{Action, Outcome};

use super::StoreFixture;
use super::steps::{
    activate, activate_within, all_keysets, commit, fresh, holds_exactly, insert, read, refused,
};
use super::trail::{all_events, gapless_events};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        dropping_a_unit_undoes_all_of_it,
        a_change_without_an_event_does_not_happen,
        an_event_alone_is_committed,
        a_unit_without_changes_is_committed,
        a_unit_reads_its_own_changes,
        an_uncommitted_change_is_seen_by_nobody,
    ]
}

async fn dropping_a_unit_undoes_all_of_it(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b, c) = (samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    activate(&*store, a.id(), samples::at(10)?).await?;
    let a = read(&*store, a.id()).await?;

    let mut unit = store.begin().await?;
    unit.insert_installation(&samples::installation(1)?).await?;
    unit.insert_keyset(&c, &samples::sealed(3)?).await?;
    activate_within(unit.as_mut(), c.id(), samples::at(20)?).await?;
    unit.delete_keyset(b.id(), b.version()).await?;
    unit.append_audit(&samples::event(Action::KeysetActivate, c.id())?)
        .await?;
    drop(unit);
    // The next unit of work comes after the end of this one, however long that takes.
    drop(store.begin().await?);

    holds_exactly(&*store, &[&a, &b]).await?;
    let mut snapshot = store.snapshot().await?;
    ensure!(
        snapshot.installation().await?.is_none(),
        "the installation is still there"
    );
    equal(snapshot.active_keyset().await?, Some(a), "the active keyset")?;
    ensure!(
        snapshot.sealed_private_key(b.id()).await?.is_some(),
        "a private key is gone"
    );
    ensure!(
        snapshot.sealed_private_key(c.id()).await?.is_none(),
        "a private key is still there"
    );
    equal(
        gapless_events(&*store).await?.len(),
        3,
        "the number of audit events",
    )
}

/// Commits one kind of change without an event, and says what it was.
async fn changed_without_event(
    unit: &mut dyn UnitOfWork,
    kind: usize,
    keysets: &[keystead_domain::Keyset; 3],
) -> Result<&'static str, crate::Violation> {
    let [a, b, c] = keysets;
    match kind {
        0 => {
            unit.insert_installation(&samples::installation(1)?).await?;
            Ok("an installation")
        }
        1 => {
            unit.insert_keyset(c, &samples::sealed(3)?).await?;
            Ok("a new keyset")
        }
        2 => {
            unit.save_keyset(&a.with_hint(samples::hint("unaudited")?), a.version())
                .await?;
            Ok("an edit")
        }
        3 => {
            unit.delete_keyset(b.id(), b.version()).await?;
            Ok("a deletion")
        }
        _ => {
            activate_within(unit, a.id(), samples::at(20)?).await?;
            Ok("an activation")
        }
    }
}

async fn a_change_without_an_event_does_not_happen(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keysets = [samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?];
    insert(&*store, &keysets[..2]).await?;
    for kind in 0..5 {
        let mut unit = store.begin().await?;
        let what = changed_without_event(unit.as_mut(), kind, &keysets).await?;
        refused(unit.commit().await, StoreErrorKind::Unaudited, what)?;
        holds_exactly(&*store, &[&keysets[0], &keysets[1]]).await?;
        let mut snapshot = store.snapshot().await?;
        ensure!(
            snapshot.installation().await?.is_none(),
            "an installation came in without an event"
        );
        ensure!(
            snapshot.active_keyset().await?.is_none(),
            "a keyset became Active without an event"
        );
    }
    equal(
        gapless_events(&*store).await?.len(),
        2,
        "the number of audit events",
    )
}

async fn an_event_alone_is_committed(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut event = samples::event(Action::BackupOpen, "a backup")?;
    event.outcome = Outcome::Refused;
    let mut unit = store.begin().await?;
    let sequence = unit.append_audit(&event).await?;
    unit.commit().await?;
    let records = gapless_events(&*store).await?;
    equal(records.len(), 1, "the number of audit events")?;
    equal(records[0].sequence, sequence, "the place that was returned")?;
    equal(&records[0].event, &event, "the event")
}

async fn a_unit_without_changes_is_committed(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut unit = store.begin().await?;
    ensure!(
        unit.active_keyset().await?.is_none(),
        "a new store has an active keyset"
    );
    unit.commit().await?;
    equal(
        gapless_events(&*store).await?.len(),
        0,
        "the number of audit events",
    )
}

async fn a_unit_reads_its_own_changes(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b, c) = (samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    activate(&*store, a.id(), samples::at(10)?).await?;

    let mut unit = store.begin().await?;
    unit.insert_keyset(&c, &samples::sealed(3)?).await?;
    equal(
        unit.find_keyset(c.id()).await?,
        Some(c.clone()),
        "the keyset that it inserted",
    )?;
    let found = unit.find_by_fingerprint(&c.fingerprint()).await?;
    equal(
        found,
        Some(c.clone()),
        "the keyset that it inserted, by fingerprint",
    )?;
    let sealed = unit.sealed_private_key(c.id()).await?;
    ensure!(
        sealed == Some(samples::sealed(3)?),
        "it does not see the private key that it inserted"
    );

    activate_within(unit.as_mut(), c.id(), samples::at(20)?).await?;
    let active = unit.active_keyset().await?;
    equal(
        active.map(|keyset| keyset.id()),
        Some(c.id()),
        "the keyset that it activated",
    )?;
    unit.delete_keyset(b.id(), b.version()).await?;
    equal(
        unit.find_keyset(b.id()).await?,
        None,
        "the keyset that it deleted",
    )?;
    let listed = all_keysets(&mut *unit, 10).await?;
    let ids: Vec<_> = listed.iter().map(keystead_domain::Keyset::id).collect();
    equal(ids, vec![a.id(), c.id()], "the list that it sees")?;

    let sequence = unit
        .append_audit(&samples::event(Action::KeysetActivate, c.id())?)
        .await?;
    let last = all_events(&mut *unit).await?.last().map(|record| record.sequence);
    equal(last, Some(sequence), "the last event that it sees")?;
    commit(unit, Action::KeysetDelete, b.id()).await
}

async fn an_uncommitted_change_is_seen_by_nobody(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);
    insert(&*store, std::slice::from_ref(&a)).await?;
    let mut unit = store.begin().await?;
    unit.insert_keyset(&b, &samples::sealed(2)?).await?;
    activate_within(unit.as_mut(), b.id(), samples::at(20)?).await?;
    let event = samples::event(Action::KeysetActivate, b.id())?;
    unit.append_audit(&event).await?;

    holds_exactly(&*store, &[&a]).await?;
    let mut snapshot = store.snapshot().await?;
    ensure!(
        snapshot.active_keyset().await?.is_none(),
        "an uncommitted activation is seen"
    );
    equal(
        all_events(snapshot.as_mut()).await?.len(),
        1,
        "the number of audit events seen",
    )?;
    drop(snapshot);
    unit.commit().await?;
    let active = store.snapshot().await?.active_keyset().await?;
    equal(
        active.map(|keyset| keyset.id()),
        Some(b.id()),
        "the active keyset after the commit",
    )
}
