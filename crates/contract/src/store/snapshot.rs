use std::sync::Arc;

use keystead_domain::{Action, Sequence};

use super::StoreFixture;
use super::steps::{activate, all_keysets, commit, fresh, insert, read};
use super::trail::all_events;
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_snapshot_does_not_see_what_is_committed_later,
        a_snapshot_sees_all_that_was_committed_before,
        snapshots_do_not_wait_for_each_other,
    ]
}

async fn a_snapshot_does_not_see_what_is_committed_later(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b, c) = (samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    activate(&*store, a.id(), samples::at(10)?).await?;
    let a_active = read(&*store, a.id()).await?;

    // The moment of a snapshot is that of its first read at the latest.
    let mut snapshot = store.snapshot().await?;
    equal(
        snapshot.find_keyset(b.id()).await?,
        Some(b.clone()),
        "the keyset at the moment of the snapshot",
    )?;

    insert(&*store, std::slice::from_ref(&c)).await?;
    activate(&*store, c.id(), samples::at(20)?).await?;
    let mut unit = store.begin().await?;
    unit.delete_keyset(b.id(), b.version()).await?;
    commit(unit, Action::KeysetDelete, b.id()).await?;

    equal(
        snapshot.active_keyset().await?.as_ref(),
        Some(&a_active),
        "the active keyset in the snapshot",
    )?;
    let all = all_keysets(snapshot.as_mut(), 1).await?;
    equal(all, vec![a_active, b.clone()], "the keysets in the snapshot")?;
    ensure!(
        snapshot.find_keyset(c.id()).await?.is_none(),
        "the snapshot finds a later keyset"
    );
    let sealed = snapshot.sealed_private_key(b.id()).await?;
    ensure!(
        sealed.is_some(),
        "the snapshot misses a private key that was deleted later"
    );
    equal(
        all_events(snapshot.as_mut()).await?.len(),
        3,
        "the audit events in the snapshot",
    )?;
    equal(
        snapshot.audit_head().await?.sequence,
        Sequence(3),
        "the end of the audit trail in the snapshot",
    )
}

async fn a_snapshot_sees_all_that_was_committed_before(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for n in 1..=10_u32 {
        insert(&*store, &[samples::keyset(n)?]).await?;
        let mut snapshot = store.snapshot().await?;
        let all = all_keysets(snapshot.as_mut(), 20).await?;
        equal(all.len(), n as usize, "the keysets right after a commit")?;
        equal(
            all_events(snapshot.as_mut()).await?.len(),
            n as usize,
            "the events right after a commit",
        )?;
    }
    Ok(())
}

async fn snapshots_do_not_wait_for_each_other(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    let mut first = store.snapshot().await?;
    equal(
        first.find_keyset(keyset.id()).await?.as_ref(),
        Some(&keyset),
        "the keyset",
    )?;
    let mut second = store.snapshot().await?;
    equal(
        second.find_keyset(keyset.id()).await?.as_ref(),
        Some(&keyset),
        "the keyset, seen twice",
    )?;
    equal(
        first.find_keyset(keyset.id()).await?.as_ref(),
        Some(&keyset),
        "the keyset, seen again",
    )
}
