use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{Store, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{
    Action, MAX_APPROVALS, Officer, OfficerId, PersonName, RecoveryPolicy, Removal, SshPublicKey,
};

use super::StoreFixture;
use super::recovery_steps::add_officers;
use super::steps::{commit, fresh, refused};
use crate::case::{cases, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        officers_survive_the_store,
        a_removal_of_an_officer_survives_the_store,
        officers_come_in_the_order_in_which_they_were_added,
        an_officer_who_was_taken_off_can_be_added_anew,
        a_second_officer_with_an_id_is_a_duplicate,
        a_stale_save_of_an_officer_is_a_conflict,
        the_policy_survives_the_store,
        the_register_is_the_one_that_was_kept_last,
    ]
}

async fn officers_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let names: Vec<PersonName> = samples::awkward_lines()?;
    let times = samples::awkward_times()?;
    let mut officers = vec![samples::officer(1)?];
    for (n, name) in (2_u32..).zip(&names) {
        let place = n as usize % times.len();
        officers.push(Officer {
            version: Version(n),
            name: name.clone(),
            also: names.iter().take(place).cloned().collect(),
            key: SshPublicKey::new("sk-ssh-ed25519@openssh.com", samples::bytes(n, 535 * place)),
            added_at: times[place],
            ..samples::officer(n)?
        });
    }
    add_officers(&*store, &officers).await?;
    holds_exactly(&*store, officers).await
}

async fn a_removal_of_an_officer_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let removal = |at, reason| Removal { at, reason };
    let mut removals = vec![removal(samples::at(20)?, None)];
    for (at, reason) in samples::awkward_times()?
        .into_iter()
        .zip(samples::awkward_lines()?)
    {
        removals.push(removal(at, Some(reason)));
    }
    let mut officers = vec![samples::officer(1)?];
    for (n, _) in (2..).zip(&removals) {
        officers.push(samples::officer(n)?);
    }
    add_officers(&*store, &officers).await?;
    let mut unit = store.begin().await?;
    for (officer, removal) in officers[1..].iter_mut().zip(removals) {
        let removed = officer.taken_off(removal);
        unit.save_officer(&removed, officer.version).await?;
        *officer = removed;
    }
    commit(unit, Action::OfficerRemove, "sample officers").await?;
    // The first one was not taken off, and stays as it was.
    holds_exactly(&*store, officers).await
}

async fn officers_come_in_the_order_in_which_they_were_added(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let added = |n, added_at| -> Result<Officer, crate::Violation> {
        Ok(Officer {
            added_at,
            ..samples::officer(n)?
        })
    };
    let mut officers = vec![samples::officer(9)?, added(10, samples::awkward_times()?[0])?];
    for n in 20..25 {
        officers.push(added(n, samples::at(5)?)?);
    }
    officers.push(samples::officer(1)?);
    add_officers(&*store, &officers).await?;
    holds_exactly(&*store, officers).await
}

/// That no two officers share a name or a key is a rule, and asks who is still there. A store does not ask it.
async fn an_officer_who_was_taken_off_can_be_added_anew(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let officer = samples::officer(1)?.taken_off(Removal {
        at: samples::at(20)?,
        reason: None,
    });
    let anew = Officer {
        id: samples::officer(2)?.id,
        removed: None,
        added_at: samples::at(30)?,
        ..officer.clone()
    };
    let officers = vec![officer, anew];
    add_officers(&*store, &officers).await?;
    holds_exactly(&*store, officers).await
}

async fn a_second_officer_with_an_id_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let officer = samples::officer(1)?;
    add_officers(&*store, std::slice::from_ref(&officer)).await?;
    let same_id = Officer {
        id: officer.id,
        ..samples::officer(2)?
    };
    let mut unit = store.begin().await?;
    refused(
        unit.insert_officer(&same_id).await,
        StoreErrorKind::Duplicate,
        "a second officer with the same id",
    )?;
    drop(unit);
    holds_exactly(&*store, vec![officer]).await
}

async fn a_stale_save_of_an_officer_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let officer = samples::officer(1)?;
    add_officers(&*store, std::slice::from_ref(&officer)).await?;
    let removed = officer.taken_off(Removal {
        at: samples::at(20)?,
        reason: None,
    });
    let stranger = OfficerId::from_random_bytes([7; 16]);
    for (id, expected) in [
        (officer.id, Version(0)),
        (officer.id, removed.version),
        (stranger, officer.version),
    ] {
        let saved = Officer {
            id,
            ..removed.clone()
        };
        let mut unit = store.begin().await?;
        refused(
            unit.save_officer(&saved, expected).await,
            StoreErrorKind::Conflict,
            "a save of an officer on top of another version, or of none",
        )?;
        drop(unit);
    }
    holds_exactly(&*store, vec![officer]).await
}

async fn the_policy_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    const HOUR: Duration = Duration::from_secs(3600);
    let store = fresh(&fixture).await;
    for policy in [
        RecoveryPolicy::new(2, 36 * HOUR + Duration::from_secs(1), 7)?,
        RecoveryPolicy::new(1, HOUR, 1)?,
        RecoveryPolicy::new(MAX_APPROVALS, 90 * 24 * HOUR, 10_000)?,
        RecoveryPolicy::default(),
    ] {
        let mut unit = store.begin().await?;
        unit.set_recovery_policy(&policy).await?;
        equal(
            unit.recovery_policy().await?.as_ref(),
            Some(&policy),
            "the policy that the unit sees",
        )?;
        commit(unit, Action::PolicySet, "policy").await?;
        let found = store.snapshot().await?.recovery_policy().await?;
        equal(found, Some(policy), "the policy")?;
    }
    Ok(())
}

async fn the_register_is_the_one_that_was_kept_last(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    equal(
        store.snapshot().await?.recovery_register().await?,
        None,
        "the register before the first change",
    )?;
    for note in [
        "a note\n\n\u{2014} keystead/x AAAA\n".to_owned(),
        "n\n".repeat(2000),
        String::new(),
    ] {
        let mut unit = store.begin().await?;
        unit.set_recovery_register(&note).await?;
        equal(
            unit.recovery_register().await?.as_ref(),
            Some(&note),
            "the register that the unit sees",
        )?;
        commit(unit, Action::OfficerAdd, "register").await?;
        let found = store.snapshot().await?.recovery_register().await?;
        equal(found, Some(note), "the register")?;
    }
    let mut unit = store.begin().await?;
    unit.set_recovery_register("undone").await?;
    drop(unit);
    equal(
        store.snapshot().await?.recovery_register().await?,
        Some(String::new()),
        "the register after a unit of work that was dropped",
    )
}

async fn holds_exactly(store: &dyn Store, mut expected: Vec<Officer>) -> Verdict {
    expected.sort_by_key(|officer| (officer.added_at, officer.id));
    let found = store.snapshot().await?.officers().await?;
    equal(found, expected, "the officers of the store")
}
