use std::sync::Arc;

use keystead_application::audit::chained;
use keystead_domain::{Action, AuditHead, Sequence};

use super::StoreFixture;
use super::audit::append_all;
use super::steps::{activate, commit, fresh, insert};
use super::trail::{rows_in_pages, verification, verifies};
use crate::case::{cases, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        the_rows_are_the_chained_events,
        the_head_is_the_last_row,
        a_unit_sees_the_head_that_it_moves,
        the_head_goes_back_with_a_rollback,
        the_chain_goes_on_after_a_rollback,
    ]
}

async fn the_rows_are_the_chained_events(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let events = [
        samples::event(Action::KeysetEdit, "x")?,
        samples::event(Action::BackupOpen, "Büro 🔑")?,
        samples::event(Action::KeysetEdit, "x")?,
    ];
    append_all(&*store, &events[..2]).await?;
    append_all(&*store, &events[2..]).await?;
    let rows = rows_in_pages(store.snapshot().await?.as_mut(), 10).await?;
    let (mut head, mut expected) = (AuditHead::EMPTY, Vec::new());
    for event in &events {
        let row = chained(head, event)?;
        head = AuditHead {
            sequence: row.sequence,
            chain: row.chain.unwrap_or(head.chain),
        };
        expected.push(row);
    }
    equal(rows, expected, "the rows of the audit trail")
}

/// After every kind of change, and as far as an earlier look at the head can tell.
async fn the_head_is_the_last_row(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (a, b) = (samples::keyset(1)?, samples::keyset(2)?);
    let mut seen = Vec::new();
    for step in 0..4 {
        match step {
            0 => insert(&*store, &[a.clone(), b.clone()]).await?,
            1 => activate(&*store, a.id(), samples::at(10)?).await?,
            2 => {
                append_all(&*store, &vec![samples::event(Action::BackupOpen, "x")?; 5]).await?;
            }
            _ => {
                let mut unit = store.begin().await?;
                unit.delete_keyset(b.id(), b.version()).await?;
                commit(unit, Action::KeysetDelete, b.id()).await?;
            }
        }
        let mut snapshot = store.snapshot().await?;
        seen.push(snapshot.audit_head().await?);
        verifies(&verification(snapshot.as_mut(), &seen).await?)?;
    }
    let places: Vec<_> = seen.iter().map(|head| head.sequence.0).collect();
    equal(places, vec![2, 3, 8, 9], "the ends of the trail after each step")
}

async fn a_unit_sees_the_head_that_it_moves(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let event = samples::event(Action::KeysetEdit, "x")?;
    append_all(&*store, std::slice::from_ref(&event)).await?;
    let before = store.snapshot().await?.audit_head().await?;
    let mut unit = store.begin().await?;
    equal(
        unit.audit_head().await?,
        before,
        "the head at the beginning of a unit",
    )?;
    let row = chained(before, &event)?;
    equal(
        unit.append_audit(&event).await?,
        row.sequence,
        "the place of the event",
    )?;
    let head = unit.audit_head().await?;
    equal(head.sequence, row.sequence, "the head after the event")?;
    equal(
        Some(head.chain),
        row.chain,
        "the value of the chain after the event",
    )?;
    equal(
        unit.audit_rows(Some(before.sequence), 10).await?,
        vec![row],
        "the rows that the unit added",
    )?;
    equal(
        store.snapshot().await?.audit_head().await?,
        before,
        "the head that others see before the commit",
    )?;
    unit.commit().await?;
    equal(
        store.snapshot().await?.audit_head().await?,
        head,
        "the head after the commit",
    )
}

async fn the_head_goes_back_with_a_rollback(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let event = samples::event(Action::KeysetEdit, "x")?;
    for earlier in 0..3 {
        let before = store.snapshot().await?.audit_head().await?;
        equal(before.sequence, Sequence(earlier), "the head before")?;
        let mut unit = store.begin().await?;
        unit.append_audit(&event).await?;
        unit.append_audit(&event).await?;
        drop(unit);
        drop(store.begin().await?);
        equal(
            store.snapshot().await?.audit_head().await?,
            before,
            "the head after a rollback",
        )?;
        append_all(&*store, std::slice::from_ref(&event)).await?;
    }
    Ok(())
}

async fn the_chain_goes_on_after_a_rollback(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut seen = Vec::new();
    for n in 0..4 {
        append_all(
            &*store,
            &[samples::event(Action::KeysetEdit, format!("kept {n}"))?],
        )
        .await?;
        seen.push(store.snapshot().await?.audit_head().await?);
        let mut unit = store.begin().await?;
        unit.append_audit(&samples::event(Action::KeysetEdit, format!("dropped {n}"))?)
            .await?;
        drop(unit);
    }
    append_all(&*store, &[samples::event(Action::KeysetEdit, "the last")?]).await?;
    let mut snapshot = store.snapshot().await?;
    let verified = verification(snapshot.as_mut(), &seen).await?;
    verifies(&verified)?;
    equal(verified.events, 5, "the number of audit events")?;
    equal(
        verified.signed_compared,
        4,
        "the number of earlier looks that were compared with",
    )
}
