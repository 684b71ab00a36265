use std::sync::Arc;

use keystead_application::ports::StoreErrorKind;
use keystead_domain::keyset::{State, Version};

use super::StoreFixture;
use super::steps::{activate, fresh, holds_exactly, insert, read, refused, save};
use super::trail::gapless_events;
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        an_edited_hint_survives_the_store,
        the_last_export_survives_the_store,
        every_state_survives_the_store,
        a_stale_save_is_a_conflict,
        a_save_of_a_missing_keyset_is_a_conflict,
        a_save_leaves_the_private_key_and_the_others_alone,
    ]
}

async fn an_edited_hint_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    for hint in samples::awkward_hints()? {
        let edited = keyset.with_hint(hint);
        save(&*store, &keyset, &edited).await?;
        equal(&read(&*store, edited.id()).await?, &edited, "the edited keyset")?;
        keyset = edited;
    }
    Ok(())
}

async fn the_last_export_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    let once = keyset.exported(samples::last_export(10)?);
    save(&*store, &keyset, &once).await?;
    equal(
        &read(&*store, once.id()).await?,
        &once,
        "the keyset after its export",
    )?;
    let twice = once.exported(samples::last_export(20 * 365 * 86_400)?);
    save(&*store, &once, &twice).await?;
    equal(
        &read(&*store, twice.id()).await?,
        &twice,
        "the keyset after its second export",
    )
}

async fn every_state_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b, c) = (samples::keyset(1)?, samples::keyset(2)?, samples::keyset(3)?);
    insert(&*store, &[a.clone(), b.clone(), c.clone()]).await?;

    activate(&*store, a.id(), samples::at(100)?).await?;
    let (a, _) = samples::activated(&a, None, samples::at(100)?)?;
    holds_exactly(&*store, &[&a, &b, &c]).await?;

    activate(&*store, b.id(), samples::at(200)?).await?;
    let (b, superseded) = samples::activated(&b, Some(&a), samples::at(200)?)?;
    let Some(a) = superseded else {
        return Err(crate::Violation::new("nothing was superseded"));
    };
    ensure!(
        matches!(a.state(), State::Superseded { .. }),
        "the sample is not superseded"
    );
    holds_exactly(&*store, &[&a, &b, &c]).await?;
    let active = store.snapshot().await?.active_keyset().await?;
    equal(active, Some(b), "the active keyset")
}

async fn a_stale_save_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    let mine = keyset.with_hint(samples::hint("mine")?);
    save(&*store, &keyset, &mine).await?;

    let theirs = keyset.with_hint(samples::hint("theirs, read before mine was saved")?);
    for expected in [keyset.version(), Version(0), Version(mine.version().0 + 1)] {
        let mut unit = store.begin().await?;
        let stale = unit.save_keyset(&theirs, expected).await;
        refused(
            stale,
            StoreErrorKind::Conflict,
            "a save on top of another version",
        )?;
        drop(unit);
    }
    holds_exactly(&*store, &[&mine]).await?;
    equal(
        gapless_events(&*store).await?.len(),
        2,
        "the number of audit events",
    )
}

async fn a_save_of_a_missing_keyset_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    let mut unit = store.begin().await?;
    let saved = unit
        .save_keyset(&keyset.with_hint(samples::hint("ghost")?), keyset.version())
        .await;
    refused(
        saved,
        StoreErrorKind::Conflict,
        "a save of a keyset that is not there",
    )?;
    drop(unit);
    holds_exactly(&*store, &[]).await
}

async fn a_save_leaves_the_private_key_and_the_others_alone(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);
    insert(&*store, &[a.clone(), b.clone()]).await?;
    let edited = a.with_hint(samples::hint("edited")?);
    save(&*store, &a, &edited).await?;
    holds_exactly(&*store, &[&edited, &b]).await?;
    let mut snapshot = store.snapshot().await?;
    for (n, keyset) in (0..).zip([&a, &b]) {
        let sealed = snapshot.sealed_private_key(keyset.id()).await?;
        ensure!(
            sealed == Some(samples::sealed(n)?),
            "a sealed private key changed with a save"
        );
    }
    Ok(())
}
