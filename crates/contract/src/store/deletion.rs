use std::sync::Arc;

use keystead_application::ports::{Store, StoreErrorKind};
use keystead_domain::Action;
use keystead_domain::keyset::{Keyset, Origin, Version};

use super::StoreFixture;
use super::steps::{activate, commit, fresh, holds_exactly, insert, read, refused, save};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_deleted_keyset_is_gone_with_its_private_key,
        a_stale_deletion_is_a_conflict,
        a_deletion_of_a_missing_keyset_is_a_conflict,
        the_keyset_pointed_at_is_not_deleted,
        a_deleted_fingerprint_comes_back_under_another_id,
        a_keyset_outlives_the_one_that_superseded_it,
    ]
}

async fn delete(store: &dyn Store, keyset: &Keyset) -> Verdict {
    let mut unit = store.begin().await?;
    unit.delete_keyset(keyset.id(), keyset.version()).await?;
    commit(unit, Action::KeysetDelete, keyset.id()).await
}

async fn a_deleted_keyset_is_gone_with_its_private_key(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    delete(&*store, &a).await?;
    holds_exactly(&*store, &[&b]).await?;
    let mut snapshot = store.snapshot().await?;
    ensure!(
        snapshot.find_keyset(a.id()).await?.is_none(),
        "it is found by its id"
    );
    let found = snapshot.find_by_fingerprint(&a.fingerprint()).await?;
    ensure!(found.is_none(), "it is found by its fingerprint");
    let found = snapshot.find_by_tag(a.public_key().tag(), 5).await?;
    ensure!(found.is_empty(), "it is found by its tag");
    ensure!(
        snapshot.sealed_private_key(a.id()).await?.is_none(),
        "its private key is still there"
    );
    let others = snapshot.sealed_private_key(b.id()).await?;
    ensure!(
        others == Some(samples::sealed(1)?),
        "the private key of another keyset is gone or changed"
    );
    Ok(())
}

async fn a_stale_deletion_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    let edited = keyset.with_hint(samples::hint("changed in between")?);
    save(&*store, &keyset, &edited).await?;
    for expected in [keyset.version(), Version(edited.version().0 + 1)] {
        let mut unit = store.begin().await?;
        let stale = unit.delete_keyset(keyset.id(), expected).await;
        refused(stale, StoreErrorKind::Conflict, "the deletion of another version")?;
        drop(unit);
    }
    holds_exactly(&*store, &[&edited]).await?;
    let sealed = store.snapshot().await?.sealed_private_key(keyset.id()).await?;
    ensure!(
        sealed.is_some(),
        "the private key is gone although the deletion was refused"
    );
    Ok(())
}

async fn a_deletion_of_a_missing_keyset_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut unit = store.begin().await?;
    let deleted = unit.delete_keyset(samples::keyset_id(1), Version(1)).await;
    refused(
        deleted,
        StoreErrorKind::Conflict,
        "the deletion of a keyset that is not there",
    )
}

async fn the_keyset_pointed_at_is_not_deleted(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    activate(&*store, keyset.id(), samples::at(10)?).await?;
    let active = read(&*store, keyset.id()).await?;
    let mut unit = store.begin().await?;
    let deleted = unit.delete_keyset(active.id(), active.version()).await;
    refused(
        deleted,
        StoreErrorKind::Conflict,
        "the deletion of the active keyset",
    )?;
    drop(unit);
    holds_exactly(&*store, &[&active]).await?;
    let sealed = store.snapshot().await?.sealed_private_key(keyset.id()).await?;
    ensure!(sealed.is_some(), "the private key of the active keyset is gone");
    Ok(())
}

async fn a_deleted_fingerprint_comes_back_under_another_id(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    delete(&*store, &keyset).await?;
    let again = Keyset::new(
        samples::keyset_id(2),
        samples::hint("imported again")?,
        keyset.public_key().clone(),
        Origin::Imported {
            exported_as: Some(keyset.id()),
        },
        keyset.created_at(),
    );
    insert(&*store, std::slice::from_ref(&again)).await?;
    let found = store
        .snapshot()
        .await?
        .find_by_fingerprint(&keyset.fingerprint())
        .await?;
    equal(found.as_ref(), Some(&again), "the keyset with the fingerprint")
}

async fn a_keyset_outlives_the_one_that_superseded_it(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b, c) = (samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?);
    insert(&*store, &[a.clone(), b.clone(), c.clone()]).await?;
    for (second, keyset) in [(10, &a), (20, &b), (30, &c)] {
        activate(&*store, keyset.id(), samples::at(second)?).await?;
    }
    let b = read(&*store, b.id()).await?;
    delete(&*store, &b).await?;
    let a = read(&*store, a.id()).await?;
    let superseded = Some((samples::at(20)?, b.fingerprint()));
    equal(
        a.state().superseded(),
        superseded,
        "when and by which it was superseded",
    )
}
