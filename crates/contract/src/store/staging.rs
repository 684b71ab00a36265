use std::sync::Arc;

use keystead_application::ports::{Store, StoreErrorKind, UnstagedKey};
use keystead_domain::{Action, Keyset, KeysetId, SealedBytes};

use super::StoreFixture;
use super::key_steps::{
    CURRENT, NEXT, census_is, copies, installed, private_keys_are_the_first_ones, stage, unstaged,
};
use super::steps::{activate, commit, fresh, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        the_census_counts_by_master_key,
        the_census_tells_providers_apart,
        a_staged_copy_is_not_the_private_key,
        unstaged_private_keys_come_in_the_order_of_ids,
        staging_again_replaces_the_copy,
        staging_for_a_missing_keyset_is_a_conflict,
        a_deleted_keyset_takes_its_staged_copy_along,
        a_changed_keyset_keeps_its_staged_copy,
        discarding_deletes_every_staged_copy,
        staging_is_undone_when_dropped,
        staging_without_an_event_does_not_happen,
    ]
}

async fn keep(store: &dyn Store, keyset: &Keyset, sealed: &SealedBytes) -> Verdict {
    let mut unit = store.begin().await?;
    unit.insert_keyset(keyset, sealed).await?;
    commit(unit, Action::KeysetCreate, keyset.id()).await
}

async fn delete(store: &dyn Store, keyset: &Keyset) -> Verdict {
    let mut unit = store.begin().await?;
    unit.delete_keyset(keyset.id(), keyset.version()).await?;
    commit(unit, Action::KeysetDelete, keyset.id()).await
}

async fn the_census_counts_by_master_key(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut keysets = Vec::new();
    for (n, key) in (1..).zip(["key-b", "key-c", "key-b", "key-a"]) {
        let keyset = samples::keyset(n)?;
        keep(&*store, &keyset, &samples::sealed_under(key, n)?).await?;
        keysets.push(keyset);
    }
    census_is(&*store, &[("key-a", 1), ("key-b", 2), ("key-c", 1)], &[]).await?;
    delete(&*store, &keysets[0]).await?;
    delete(&*store, &keysets[3]).await?;
    census_is(&*store, &[("key-b", 1), ("key-c", 1)], &[]).await?;

    stage(
        &*store,
        &[
            (keysets[1].id(), samples::sealed_under("key-e", 5)?),
            (keysets[2].id(), samples::sealed_under("key-d", 6)?),
        ],
    )
    .await?;
    census_is(
        &*store,
        &[("key-b", 1), ("key-c", 1)],
        &[("key-d", 1), ("key-e", 1)],
    )
    .await
}

async fn the_census_tells_providers_apart(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for (n, provider) in (1..).zip(["one", "other", "one"]) {
        let sealed = SealedBytes {
            provider: provider.to_owned(),
            ..samples::sealed_under(CURRENT, n)?
        };
        keep(&*store, &samples::keyset(n)?, &sealed).await?;
    }
    let census = store.snapshot().await?.master_key_census().await?;
    let mut found: Vec<_> = census
        .sealed
        .into_iter()
        .map(|count| (count.provider, count.private_keys))
        .collect();
    found.sort();
    equal(
        found,
        vec![("one".to_owned(), 2), ("other".to_owned(), 1)],
        "the private keys of each provider",
    )
}

async fn a_staged_copy_is_not_the_private_key(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (installation, keysets) = installed(&*store, 2).await?;
    let mut unit = store.begin().await?;
    unit.stage_private_keys(&copies(&keysets, NEXT)?).await?;
    let sealed = unit.sealed_private_key(keysets[0].id()).await?;
    ensure!(
        sealed == Some(samples::sealed_under(CURRENT, 1)?),
        "the unit of work sees a staged copy as the private key"
    );
    commit(unit, Action::MasterKeyRotate, keysets[0].id()).await?;
    private_keys_are_the_first_ones(&*store, &keysets).await?;
    census_is(&*store, &[(CURRENT, 2)], &[(NEXT, 2)]).await?;
    equal(
        store.snapshot().await?.installation().await?,
        Some(installation),
        "the installation while copies are staged",
    )
}

async fn unstaged_private_keys_come_in_the_order_of_ids(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 9).await?;
    let mut expected: Vec<UnstagedKey> = Vec::new();
    for (n, keyset) in (1..).zip(&keysets) {
        expected.push(UnstagedKey {
            keyset: keyset.id(),
            fingerprint: keyset.fingerprint(),
            sealed: samples::sealed_under(CURRENT, n)?,
        });
    }
    expected.sort_by_key(|key| key.keyset);
    let found = store.snapshot().await?.unstaged_private_keys(None, 100).await?;
    equal(&found, &expected, "the private keys without a staged copy")?;

    let staged: Vec<_> = copies(&keysets, NEXT)?.into_iter().step_by(3).collect();
    stage(&*store, &staged).await?;
    let left: Vec<KeysetId> = expected
        .iter()
        .map(|key| key.keyset)
        .filter(|id| staged.iter().all(|(staged, _)| staged != id))
        .collect();
    for limit in 1..=7 {
        equal(
            &unstaged(&*store, limit).await?,
            &left,
            &format!("the keysets without a staged copy, on pages of {limit}"),
        )?;
    }
    let behind = expected.last().map(|key| key.keyset);
    let found = store.snapshot().await?.unstaged_private_keys(behind, 10).await?;
    ensure!(found.is_empty(), "there is something behind the end");
    Ok(())
}

async fn staging_again_replaces_the_copy(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    stage(&*store, &copies(&keysets[1..], "another-key")?).await?;
    census_is(&*store, &[(CURRENT, 2)], &[("another-key", 1), (NEXT, 1)]).await?;
    stage(&*store, &copies(&keysets[..1], "another-key")?).await?;
    census_is(&*store, &[(CURRENT, 2)], &[("another-key", 2)]).await?;
    equal(
        unstaged(&*store, 5).await?,
        vec![],
        "the keysets without a staged copy",
    )
}

async fn staging_for_a_missing_keyset_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 2).await?;
    let staged = copies(&keysets, NEXT)?;
    delete(&*store, &keysets[1]).await?;
    let mut unit = store.begin().await?;
    refused(
        unit.stage_private_keys(&staged).await,
        StoreErrorKind::Conflict,
        "staging a copy for a keyset that is gone",
    )?;
    drop(unit);
    census_is(&*store, &[(CURRENT, 1)], &[]).await
}

async fn a_deleted_keyset_takes_its_staged_copy_along(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    delete(&*store, &keysets[0]).await?;
    census_is(&*store, &[(CURRENT, 1)], &[(NEXT, 1)]).await?;
    keep(&*store, &keysets[0], &samples::sealed_under(CURRENT, 1)?).await?;
    equal(
        unstaged(&*store, 5).await?,
        vec![keysets[0].id()],
        "the keysets without a staged copy after one came back",
    )
}

async fn a_changed_keyset_keeps_its_staged_copy(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets, NEXT)?).await?;
    activate(&*store, keysets[0].id(), samples::at(10)?).await?;
    activate(&*store, keysets[1].id(), samples::at(20)?).await?;
    census_is(&*store, &[(CURRENT, 2)], &[(NEXT, 2)]).await?;
    private_keys_are_the_first_ones(&*store, &keysets).await
}

async fn discarding_deletes_every_staged_copy(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 3).await?;
    stage(&*store, &copies(&keysets[1..], NEXT)?).await?;
    let mut unit = store.begin().await?;
    unit.discard_staged().await?;
    commit(unit, Action::MasterKeyRotate, keysets[0].id()).await?;
    census_is(&*store, &[(CURRENT, 3)], &[]).await?;
    equal(
        unstaged(&*store, 5).await?.len(),
        3,
        "the number of keysets without a staged copy",
    )?;
    private_keys_are_the_first_ones(&*store, &keysets).await
}

async fn staging_is_undone_when_dropped(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets[..1], NEXT)?).await?;
    let mut unit = store.begin().await?;
    unit.stage_private_keys(&copies(&keysets[1..], NEXT)?).await?;
    unit.append_audit(&samples::event(Action::MasterKeyRotate, "dropped")?)
        .await?;
    drop(unit);
    let mut unit = store.begin().await?;
    unit.discard_staged().await?;
    unit.append_audit(&samples::event(Action::MasterKeyRotate, "dropped")?)
        .await?;
    drop(unit);
    drop(store.begin().await?);
    census_is(&*store, &[(CURRENT, 2)], &[(NEXT, 1)]).await
}

async fn staging_without_an_event_does_not_happen(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (_, keysets) = installed(&*store, 2).await?;
    stage(&*store, &copies(&keysets[..1], NEXT)?).await?;
    for discard in [false, true] {
        let mut unit = store.begin().await?;
        let what = if discard {
            unit.discard_staged().await?;
            "discarding staged copies"
        } else {
            unit.stage_private_keys(&copies(&keysets[1..], NEXT)?).await?;
            "staging a copy"
        };
        refused(unit.commit().await, StoreErrorKind::Unaudited, what)?;
        census_is(&*store, &[(CURRENT, 2)], &[(NEXT, 1)]).await?;
    }
    Ok::<_, Violation>(())
}
