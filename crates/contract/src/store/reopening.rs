use std::sync::Arc;

use keystead_application::audit::StoredCheckpoint;
use keystead_domain::{Action, Sequence};

use super::concurrency::compete;
use super::key_steps::stage;
use super::steps::{activate, all_keysets, fresh, insert};
use super::trail::gapless_events;
use super::{FreshStore, StoreFixture};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        all_is_there_after_reopening if reopens,
        two_handles_share_one_pointer if reopens,
        two_new_stores_share_nothing,
    ]
}

pub(super) fn reopens(fixture: &(dyn StoreFixture + 'static)) -> Result<(), &'static str> {
    if fixture.can_reopen() {
        Ok(())
    } else {
        Err("the fixture cannot reach a store through a second handle")
    }
}

async fn all_is_there_after_reopening(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let FreshStore { store, place } = fixture.store().await;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    activate(&*store, a.id(), samples::at(10)?).await?;
    activate(&*store, b.id(), samples::at(20)?).await?;
    let installation = samples::installation(1)?;
    let mut unit = store.begin().await?;
    unit.insert_installation(&installation).await?;
    super::steps::commit(unit, Action::InstallationCreate, a.id()).await?;

    stage(&*store, &[(a.id(), samples::sealed_under("next-key", 9)?)]).await?;
    let checkpoint = StoredCheckpoint {
        sequence: Sequence(5),
        note: "a note\n\n\u{2014} signed\n".to_owned(),
    };
    let mut unit = store.begin().await?;
    unit.append_checkpoint(&checkpoint).await?;
    super::steps::commit(unit, Action::AuditCheckpoint, a.id()).await?;

    let before = all_keysets(store.snapshot().await?.as_mut(), 10).await?;
    let events_before = gapless_events(&*store).await?;
    let head_before = store.snapshot().await?.audit_head().await?;
    let census_before = store.snapshot().await?.master_key_census().await?;
    drop(store);

    let store = fixture.reopen(&place).await;
    let mut snapshot = store.snapshot().await?;
    equal(
        snapshot.installation().await?,
        Some(installation),
        "the installation",
    )?;
    equal(all_keysets(snapshot.as_mut(), 10).await?, before, "the keysets")?;
    let active = snapshot.active_keyset().await?;
    equal(
        active.map(|keyset| keyset.id()),
        Some(b.id()),
        "the active keyset",
    )?;
    let sealed = snapshot.sealed_private_key(a.id()).await?;
    ensure!(
        sealed == Some(samples::sealed(0)?),
        "a sealed private key is gone or changed"
    );
    equal(
        snapshot.audit_head().await?,
        head_before,
        "the end of the audit trail",
    )?;
    equal(
        snapshot.master_key_census().await?,
        census_before,
        "the census, with a staged copy",
    )?;
    equal(
        snapshot.checkpoints(None, 10).await?,
        vec![checkpoint],
        "the checkpoints",
    )?;
    drop(snapshot);
    equal(&gapless_events(&*store).await?, &events_before, "the audit trail")?;
    insert(&*store, &[samples::keyset(3)?]).await?;
    equal(
        gapless_events(&*store).await?.len(),
        events_before.len() + 1,
        "the number of audit events",
    )
}

async fn two_handles_share_one_pointer(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let FreshStore { store, place } = fixture.store().await;
    let second = fixture.reopen(&place).await;
    let third = fixture.reopen(&place).await;
    compete(&[store, second], third).await
}

async fn two_new_stores_share_nothing(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let (first, second) = (fresh(&fixture).await, fresh(&fixture).await);
    insert(&*first, &[samples::keyset(1)?]).await?;
    let found = all_keysets(second.snapshot().await?.as_mut(), 10).await?;
    ensure!(
        found.is_empty(),
        "a new store holds what was put into another one"
    );
    Ok(())
}
