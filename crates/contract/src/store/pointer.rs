use std::sync::Arc;

use keystead_application::ports::StoreErrorKind;
use keystead_domain::Action;
use keystead_domain::keyset::Keyset;

use super::StoreFixture;
use super::steps::{activate, all_keysets, commit, fresh, holds_exactly, insert, read, refused, there};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        the_first_keyset_is_made_and_activated_in_one_unit,
        activation_moves_the_pointer,
        a_superseded_keyset_becomes_active_again,
        a_pointer_that_is_elsewhere_is_a_conflict,
        a_pointer_to_a_missing_keyset_is_a_conflict,
        an_active_keyset_without_the_pointer_is_never_shown,
    ]
}

async fn the_first_keyset_is_made_and_activated_in_one_unit(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    let (active, _) = samples::activated(&keyset, None, samples::at(3)?)?;
    let mut unit = store.begin().await?;
    unit.insert_installation(&samples::installation(1)?).await?;
    unit.insert_keyset(&keyset, &samples::sealed(1)?).await?;
    unit.point_active(keyset.id(), None).await?;
    unit.save_keyset(&active, keyset.version()).await?;
    commit(unit, Action::InstallationCreate, keyset.id()).await?;
    let found = store.snapshot().await?.active_keyset().await?;
    equal(found.as_ref(), Some(&active), "the active keyset")?;
    holds_exactly(&*store, &[&active]).await
}

async fn activation_moves_the_pointer(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keysets = [samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?];
    insert(&*store, &keysets).await?;
    for (second, keyset) in (10..).zip(&keysets) {
        activate(&*store, keyset.id(), samples::at(second)?).await?;
        let mut snapshot = store.snapshot().await?;
        let active = there(snapshot.active_keyset().await?, "the active keyset")?;
        equal(active.id(), keyset.id(), "the active keyset")?;
        let all = all_keysets(snapshot.as_mut(), 10).await?;
        equal(
            active_ids(&all),
            vec![keyset.id()],
            "the keysets that are shown as Active",
        )?;
    }
    Ok(())
}

async fn a_superseded_keyset_becomes_active_again(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    for (second, id) in [(10, a.id()), (20, b.id()), (30, a.id())] {
        activate(&*store, id, samples::at(second)?).await?;
    }
    let a = read(&*store, a.id()).await?;
    equal(
        a.state().activated_at(),
        Some(samples::at(30)?),
        "the time of the last activation",
    )?;
    ensure!(a.active().is_some(), "the keyset is not Active again");
    let b = read(&*store, b.id()).await?;
    let superseded = Some((samples::at(30)?, a.fingerprint()));
    equal(
        b.state().superseded(),
        superseded,
        "when and by which the other one was superseded",
    )
}

async fn a_pointer_that_is_elsewhere_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b, c) = (samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?);
    insert(&*store, &[a.clone(), b.clone(), c.clone()]).await?;
    let mut unit = store.begin().await?;
    let moved = unit.point_active(b.id(), Some(a.id())).await;
    refused(
        moved,
        StoreErrorKind::Conflict,
        "moving a pointer that points nowhere",
    )?;
    drop(unit);

    activate(&*store, a.id(), samples::at(10)?).await?;
    for (what, expected) in [
        ("nothing", None),
        ("another one", Some(c.id())),
        ("itself", Some(b.id())),
    ] {
        let mut unit = store.begin().await?;
        let moved = unit.point_active(b.id(), expected).await;
        refused(
            moved,
            StoreErrorKind::Conflict,
            &format!("moving the pointer away from {what}"),
        )?;
        drop(unit);
    }
    let active = there(
        store.snapshot().await?.active_keyset().await?,
        "the active keyset",
    )?;
    equal(active.id(), a.id(), "the active keyset")
}

async fn a_pointer_to_a_missing_keyset_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let a = samples::keyset(1)?;
    let stranger = samples::keyset_id(2);
    let mut unit = store.begin().await?;
    let moved = unit.point_active(stranger, None).await;
    refused(
        moved,
        StoreErrorKind::Conflict,
        "pointing at a keyset that is not there",
    )?;
    drop(unit);
    insert(&*store, std::slice::from_ref(&a)).await?;
    activate(&*store, a.id(), samples::at(10)?).await?;
    let mut unit = store.begin().await?;
    let moved = unit.point_active(stranger, Some(a.id())).await;
    refused(
        moved,
        StoreErrorKind::Conflict,
        "moving the pointer to a keyset that is not there",
    )?;
    drop(unit);
    let active = there(
        store.snapshot().await?.active_keyset().await?,
        "the active keyset",
    )?;
    equal(active.id(), a.id(), "the active keyset")
}

/// A caller that forgets the pointer must not get two Active keysets. The store may refuse the save or the commit, or
/// call the row corrupt when it is read.
async fn an_active_keyset_without_the_pointer_is_never_shown(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    activate(&*store, a.id(), samples::at(10)?).await?;
    let (b_active, _) = samples::activated(&b, None, samples::at(20)?)?;

    let mut unit = store.begin().await?;
    let accepted = match unit.save_keyset(&b_active, b.version()).await {
        Err(_) => false,
        Ok(()) => {
            unit.append_audit(&samples::event(Action::KeysetActivate, b.id())?)
                .await?;
            unit.commit().await.is_ok()
        }
    };
    let mut snapshot = store.snapshot().await?;
    if let Ok(Some(shown)) = snapshot.find_keyset(b.id()).await {
        ensure!(shown.active().is_none(), "a second keyset is shown as Active");
    }
    if !accepted {
        let all = all_keysets(snapshot.as_mut(), 10).await?;
        equal(
            active_ids(&all),
            vec![a.id()],
            "the keysets that are shown as Active",
        )?;
    }
    Ok(())
}

fn active_ids(keysets: &[Keyset]) -> Vec<keystead_domain::KeysetId> {
    let active = keysets.iter().filter(|keyset| keyset.active().is_some());
    active.map(Keyset::id).collect()
}
