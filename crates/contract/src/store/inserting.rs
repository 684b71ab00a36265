use std::sync::Arc;

use keystead_application::ports::{MasterKeyCensus, StoreErrorKind};
use keystead_domain::keyset::{Keyset, Origin};
use keystead_domain::{Action, AuditHead};

use super::StoreFixture;
use super::steps::{commit, fresh, holds_exactly, insert, read, refused, there};
use super::trail::gapless_events;
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_new_store_is_empty,
        an_installation_survives_the_store,
        there_is_one_installation,
        a_new_keyset_survives_the_store,
        origins_survive_the_store,
        hints_survive_the_store,
        times_survive_the_store,
        sealed_private_keys_survive_the_store,
        a_second_keyset_with_an_id_is_a_duplicate,
        a_second_keyset_with_a_fingerprint_is_a_duplicate,
        several_keysets_come_in_together_or_not_at_all,
    ]
}

async fn a_new_store_is_empty(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut snapshot = store.snapshot().await?;
    let keyset = samples::keyset(1)?;
    ensure!(snapshot.installation().await?.is_none(), "it has an installation");
    ensure!(
        snapshot.active_keyset().await?.is_none(),
        "it has an active keyset"
    );
    ensure!(
        snapshot.find_keyset(keyset.id()).await?.is_none(),
        "it finds a keyset by id"
    );
    let found = snapshot.find_by_fingerprint(&keyset.fingerprint()).await?;
    ensure!(found.is_none(), "it finds a keyset by fingerprint");
    let found = snapshot.find_by_tag(keyset.public_key().tag(), 9).await?;
    ensure!(found.is_empty(), "it finds a keyset by tag");
    let found = snapshot
        .find_by_prefix(&samples::SHARED_PREFIX.parse()?, 9)
        .await?;
    ensure!(
        found.is_empty(),
        "it finds a keyset by the beginning of a fingerprint"
    );
    ensure!(
        snapshot.sealed_private_key(keyset.id()).await?.is_none(),
        "it has a private key"
    );
    let page = snapshot.list_keysets(None, 10).await?;
    ensure!(
        page.keysets.is_empty() && page.next.is_none(),
        "its list is not empty"
    );
    ensure!(
        snapshot.audit_rows(None, 10).await?.is_empty(),
        "its audit trail is not empty"
    );
    equal(
        snapshot.audit_head().await?,
        AuditHead::EMPTY,
        "the end of its audit trail",
    )?;
    ensure!(
        snapshot.checkpoints(None, 10).await?.is_empty(),
        "it has checkpoints"
    );
    equal(
        snapshot.master_key_census().await?,
        MasterKeyCensus::default(),
        "its census",
    )?;
    ensure!(
        snapshot.unstaged_private_keys(None, 10).await?.is_empty(),
        "it has private keys to stage"
    );
    Ok(())
}

async fn an_installation_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let installation = samples::installation(1)?;
    let mut unit = store.begin().await?;
    unit.insert_installation(&installation).await?;
    unit.append_audit(&samples::event(Action::InstallationCreate, installation.id)?)
        .await?;
    unit.commit().await?;
    let found = store.snapshot().await?.installation().await?;
    equal(
        there(found, "the installation")?,
        installation,
        "the installation",
    )
}

async fn there_is_one_installation(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let first = samples::installation(1)?;
    let mut unit = store.begin().await?;
    unit.insert_installation(&first).await?;
    unit.append_audit(&samples::event(Action::InstallationCreate, first.id)?)
        .await?;
    unit.commit().await?;
    for other in [first.clone(), samples::installation(2)?] {
        let mut unit = store.begin().await?;
        let again = unit.insert_installation(&other).await;
        refused(again, StoreErrorKind::Duplicate, "another installation")?;
        drop(unit);
    }
    let found = store.snapshot().await?.installation().await?;
    equal(
        found,
        Some(first),
        "the installation after another one was refused",
    )
}

async fn a_new_keyset_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keyset = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&keyset)).await?;
    equal(read(&*store, keyset.id()).await?, keyset, "the keyset")
}

async fn origins_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let exported_as = Some(samples::keyset_id(77));
    let origins = [
        Origin::Generated,
        Origin::Imported { exported_as },
        Origin::Imported { exported_as: None },
    ];
    for (n, origin) in (1..).zip(origins) {
        let plain = samples::keyset(n)?;
        let keyset = Keyset::new(
            plain.id(),
            plain.hint().clone(),
            plain.public_key().clone(),
            origin,
            plain.created_at(),
        );
        insert(&*store, std::slice::from_ref(&keyset)).await?;
        equal(read(&*store, keyset.id()).await?, keyset, "the keyset")?;
    }
    Ok(())
}

async fn hints_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for (n, hint) in (1..).zip(samples::awkward_hints()?) {
        let plain = samples::keyset(n)?;
        let created_at = plain.created_at();
        let public_key = plain.public_key().clone();
        let keyset = Keyset::new(
            plain.id(),
            hint.clone(),
            public_key,
            Origin::Generated,
            created_at,
        );
        insert(&*store, std::slice::from_ref(&keyset)).await?;
        let found = read(&*store, keyset.id()).await?;
        equal(found.hint(), &hint, "the hint")?;
    }
    Ok(())
}

async fn times_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for (n, moment) in (1..).zip(samples::awkward_times()?) {
        let keyset = samples::keyset_made_at(n, moment)?;
        insert(&*store, std::slice::from_ref(&keyset)).await?;
        let found = read(&*store, keyset.id()).await?;
        equal(
            found.created_at().to_string(),
            keyset.created_at().to_string(),
            "the creation time",
        )?;
    }
    Ok(())
}

async fn sealed_private_keys_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keysets = [samples::keyset(1)?, samples::keyset(2)?];
    insert(&*store, &keysets).await?;
    let mut snapshot = store.snapshot().await?;
    for (n, keyset) in (0..).zip(&keysets) {
        let found = there(
            snapshot.sealed_private_key(keyset.id()).await?,
            "the sealed private key",
        )?;
        ensure!(
            found == samples::sealed(n)?,
            "the sealed private key {n} came back changed"
        );
    }
    Ok(())
}

async fn a_second_keyset_with_an_id_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let first = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&first)).await?;
    let other = samples::keyset(2)?;
    let same_id = Keyset::new(
        first.id(),
        other.hint().clone(),
        other.public_key().clone(),
        Origin::Generated,
        other.created_at(),
    );
    let mut unit = store.begin().await?;
    let again = unit.insert_keyset(&same_id, &samples::sealed(9)?).await;
    refused(
        again,
        StoreErrorKind::Duplicate,
        "a second keyset with the same id",
    )?;
    drop(unit);
    holds_exactly(&*store, &[&first]).await
}

async fn a_second_keyset_with_a_fingerprint_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let first = samples::keyset(1)?;
    insert(&*store, std::slice::from_ref(&first)).await?;
    let same_key = Keyset::new(
        samples::keyset_id(2),
        samples::hint("the same key again")?,
        first.public_key().clone(),
        Origin::Imported { exported_as: None },
        samples::at(50)?,
    );
    let mut unit = store.begin().await?;
    let again = unit.insert_keyset(&same_key, &samples::sealed(9)?).await;
    refused(
        again,
        StoreErrorKind::Duplicate,
        "a second keyset with the same fingerprint",
    )?;
    drop(unit);
    holds_exactly(&*store, &[&first]).await?;
    equal(
        gapless_events(&*store).await?.len(),
        1,
        "the number of audit events",
    )
}

async fn several_keysets_come_in_together_or_not_at_all(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let known = samples::keyset(3)?;
    insert(&*store, std::slice::from_ref(&known)).await?;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);

    let mut unit = store.begin().await?;
    unit.insert_keyset(&a, &samples::sealed(1)?).await?;
    let refusal = unit.insert_keyset(&known, &samples::sealed(3)?).await;
    refused(refusal, StoreErrorKind::Duplicate, "the known keyset of the file")?;
    drop(unit);
    holds_exactly(&*store, &[&known]).await?;

    let mut unit = store.begin().await?;
    unit.insert_keyset(&a, &samples::sealed(1)?).await?;
    unit.insert_keyset(&b, &samples::sealed(2)?).await?;
    commit(unit, Action::KeysetImport, a.id()).await?;
    holds_exactly(&*store, &[&a, &b, &known]).await
}
