use std::sync::Arc;

use keystead_application::ports::{Store, StoreErrorKind};
use keystead_domain::{Action, Installation, Keyset, KeysetId, SealedBytes};

use super::StoreFixture;
use super::key_steps::{
    CURRENT, NEXT, census_is, copies, installed, private_keys_are_the_first_ones, sealed_anew, stage, switch,
    unstaged,
};
use super::steps::{all_keysets, commit, fresh, refused};
use super::trail::gapless_events;
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_switch_puts_every_staged_copy_in_its_place,
        a_switch_without_keysets_keeps_the_installation,
        a_switch_with_one_missing_is_a_conflict,
        a_switch_to_another_key_than_a_staged_one_is_a_conflict,
        a_unit_sees_its_own_switch,
        a_switch_is_undone_when_dropped,
        a_switch_without_an_event_does_not_happen,
        a_snapshot_does_not_see_a_later_switch,
        one_switch_follows_another,
    ]
}

/// That everything is sealed under another master key, as staged.
async fn switched(
    store: &dyn Store,
    installation: &Installation,
    staged: &[(KeysetId, SealedBytes)],
) -> Verdict {
    let mut snapshot = store.snapshot().await?;
    equal(
        snapshot.installation().await?.as_ref(),
        Some(installation),
        "the installation after the switch",
    )?;
    for (id, sealed) in staged {
        let found = snapshot.sealed_private_key(*id).await?;
        ensure!(
            found.as_ref() == Some(sealed),
            "the private key of keyset {id} is not its staged copy: {found:?}"
        );
    }
    drop(snapshot);
    let key = installation.master_key_id().as_str();
    census_is(store, &[(key, staged.len() as u64)], &[]).await?;
    equal(
        unstaged(store, 5).await?.len(),
        staged.len(),
        "the number of keysets without a staged copy after the switch",
    )
}

/// That nothing was switched: everything is as it was when it was installed.
async fn not_switched(store: &dyn Store, installation: &Installation, keysets: &[Keyset]) -> Verdict {
    private_keys_are_the_first_ones(store, keysets).await?;
    let mut snapshot = store.snapshot().await?;
    equal(
        snapshot.installation().await?.as_ref(),
        Some(installation),
        "the installation",
    )?;
    let census = snapshot.master_key_census().await?;
    equal(census.sealed.len(), 1, "the number of master keys in use")
}

async fn a_switch_puts_every_staged_copy_in_its_place(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, keysets) = installed(&*store, 3).await?;
    let (next, staged) = (sealed_anew(&installation, NEXT)?, copies(&keysets, NEXT)?);
    stage(&*store, &staged[..2]).await?;
    stage(&*store, &staged[2..]).await?;
    switch(&*store, &next).await?;
    switched(&*store, &next, &staged).await?;
    let found = all_keysets(store.snapshot().await?.as_mut(), 10).await?;
    equal(found, keysets, "the keysets after the switch")?;
    equal(
        gapless_events(&*store).await?.len(),
        4,
        "the number of audit events",
    )
}

async fn a_switch_without_keysets_keeps_the_installation(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, _) = installed(&*store, 0).await?;
    let next = sealed_anew(&installation, NEXT)?;
    switch(&*store, &next).await?;
    equal(
        store.snapshot().await?.installation().await?,
        Some(next),
        "the installation after the switch",
    )
}

async fn a_switch_with_one_missing_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, mut keysets) = installed(&*store, 3).await?;
    let next = sealed_anew(&installation, NEXT)?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    // As when somebody makes a keyset while the others are sealed anew.
    let late = samples::keyset(4)?;
    let mut unit = store.begin().await?;
    unit.insert_keyset(&late, &samples::sealed_under(CURRENT, 4)?)
        .await?;
    commit(unit, Action::KeysetCreate, late.id()).await?;
    keysets.push(late);

    let mut unit = store.begin().await?;
    refused(
        unit.switch_master_key(&next).await,
        StoreErrorKind::Conflict,
        "a switch with one staged copy missing",
    )?;
    drop(unit);
    not_switched(&*store, &installation, &keysets).await?;
    census_is(&*store, &[(CURRENT, 4)], &[(NEXT, 3)]).await
}

async fn a_switch_to_another_key_than_a_staged_one_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, keysets) = installed(&*store, 3).await?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    stage(&*store, &copies(&keysets[1..2], "an-abandoned-key")?).await?;
    for key in [NEXT, "an-abandoned-key", CURRENT] {
        let mut unit = store.begin().await?;
        refused(
            unit.switch_master_key(&sealed_anew(&installation, key)?).await,
            StoreErrorKind::Conflict,
            "a switch with a staged copy under another key than the installation's",
        )?;
        drop(unit);
    }
    not_switched(&*store, &installation, &keysets).await
}

async fn a_unit_sees_its_own_switch(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, keysets) = installed(&*store, 2).await?;
    let (next, staged) = (sealed_anew(&installation, NEXT)?, copies(&keysets, NEXT)?);
    let mut unit = store.begin().await?;
    unit.stage_private_keys(&staged).await?;
    unit.switch_master_key(&next).await?;
    equal(
        unit.installation().await?.as_ref(),
        Some(&next),
        "the installation that it sees",
    )?;
    let found = unit.sealed_private_key(staged[0].0).await?;
    ensure!(
        found.as_ref() == Some(&staged[0].1),
        "it does not see the private key that it put in place"
    );
    let census = unit.master_key_census().await?;
    ensure!(census.staged.is_empty(), "it sees staged copies after the switch");
    commit(unit, Action::MasterKeyRotate, keysets[0].id()).await?;
    switched(&*store, &next, &staged).await
}

async fn a_switch_is_undone_when_dropped(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    let mut unit = store.begin().await?;
    unit.switch_master_key(&sealed_anew(&installation, NEXT)?).await?;
    unit.append_audit(&samples::event(Action::MasterKeyRotate, "dropped")?)
        .await?;
    drop(unit);
    drop(store.begin().await?);
    not_switched(&*store, &installation, &keysets).await?;
    census_is(&*store, &[(CURRENT, 2)], &[(NEXT, 2)]).await
}

async fn a_switch_without_an_event_does_not_happen(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    let mut unit = store.begin().await?;
    unit.switch_master_key(&sealed_anew(&installation, NEXT)?).await?;
    refused(unit.commit().await, StoreErrorKind::Unaudited, "a switch")?;
    not_switched(&*store, &installation, &keysets).await
}

async fn a_snapshot_does_not_see_a_later_switch(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    let mut snapshot = store.snapshot().await?;
    let before = snapshot.master_key_census().await?;
    switch(&*store, &sealed_anew(&installation, NEXT)?).await?;

    equal(
        snapshot.installation().await?,
        Some(installation),
        "the installation in the snapshot",
    )?;
    for (n, keyset) in (1..).zip(&keysets) {
        let sealed = snapshot.sealed_private_key(keyset.id()).await?;
        ensure!(
            sealed == Some(samples::sealed_under(CURRENT, n)?),
            "the snapshot sees a private key that was put in place later"
        );
    }
    equal(
        snapshot.master_key_census().await?,
        before,
        "the census in the snapshot",
    )
}

async fn one_switch_follows_another(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (mut installation, keysets) = installed(&*store, 2).await?;
    for key in [NEXT, "the-one-after-it", CURRENT] {
        installation = sealed_anew(&installation, key)?;
        let staged = copies(&keysets, key)?;
        stage(&*store, &staged).await?;
        switch(&*store, &installation).await?;
        switched(&*store, &installation, &staged).await?;
    }
    Ok(())
}
