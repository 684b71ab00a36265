use std::sync::Arc;

use keystead_application::ports::{Record, RecordKind, Store, StoreErrorKind, UnitOfWork};
use keystead_domain::Action;
use keystead_domain::keyset::Version;
use tokio::task::JoinSet;

use super::record_steps::{changed, kept_by, put, read, seen_in, sorted};
use super::steps::{begin, commit, fresh, holds_exactly, refused};
use super::trail::gapless_events;
use super::{FreshStore, StoreFixture};
use crate::case::{cases, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_change_of_a_record_without_an_event_does_not_happen,
        a_record_that_needs_no_event_is_committed_without_one,
        what_needs_an_event_takes_what_needs_none_along,
        changes_of_records_are_undone_when_dropped,
        a_unit_reads_its_own_changes_of_records,
        a_snapshot_does_not_see_later_changes_of_records,
        records_are_there_after_reopening if super::reopening::reopens,
        one_of_many_wins_a_new_key,
        one_of_many_wins_a_version,
    ]
}

/// Two records of each kind, all of which a sweep would take.
fn before() -> Result<Vec<Record>, Violation> {
    let mut records = Vec::new();
    for kind in RecordKind::ALL {
        for key in ["changed", "deleted"] {
            records.push(Record {
                expires_at: Some(samples::at(1)?),
                ..samples::record(kind, key)
            });
        }
    }
    Ok(records)
}

const CHANGES: usize = 3;

/// Makes one of the changes of a kind.
async fn change(unit: &mut dyn UnitOfWork, kind: RecordKind, n: usize) -> Result<&'static str, Violation> {
    let known = samples::record(kind, "changed");
    match n {
        0 => {
            unit.put_record(&samples::record(kind, "new"), None).await?;
            Ok("a new record")
        }
        1 => {
            let next = changed(&known, None);
            unit.put_record(&next, Some(known.version)).await?;
            Ok("a changed record")
        }
        _ => {
            unit.delete_record(kind, "deleted", Version(1)).await?;
            Ok("a deleted record")
        }
    }
}

/// What all changes of all kinds make of [`before`].
fn after() -> Vec<Record> {
    let of_kind = |kind| {
        [
            samples::record(kind, "new"),
            changed(&samples::record(kind, "changed"), None),
        ]
    };
    sorted(RecordKind::ALL.into_iter().flat_map(of_kind).collect())
}

async fn change_everything(unit: &mut dyn UnitOfWork) -> Verdict {
    for kind in RecordKind::ALL {
        for n in 0..CHANGES {
            change(unit, kind, n).await?;
        }
    }
    Ok(())
}

async fn a_change_of_a_record_without_an_event_does_not_happen(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = before()?;
    put(&*store, &before).await?;
    for kind in RecordKind::ALL.into_iter().filter(|kind| kind.needs_event()) {
        for n in 0..CHANGES {
            let mut unit = store.begin().await?;
            let what = change(unit.as_mut(), kind, n).await?;
            refused(unit.commit().await, StoreErrorKind::Unaudited, what)?;
            equal(kept_by(&*store).await?, before.clone(), what)?;
        }
    }
    let events = gapless_events(&*store).await?;
    equal(events.len(), 1, "the number of audit events")
}

async fn a_record_that_needs_no_event_is_committed_without_one(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    put(&*store, &before()?).await?;
    let needs_none = || RecordKind::ALL.into_iter().filter(|kind| !kind.needs_event());
    for kind in needs_none() {
        for n in 0..CHANGES {
            let mut unit = store.begin().await?;
            change(unit.as_mut(), kind, n).await?;
            unit.commit().await?;
        }
    }
    let expected = [
        before()?
            .into_iter()
            .filter(|record| record.kind.needs_event())
            .collect::<Vec<_>>(),
        after()
            .into_iter()
            .filter(|record| !record.kind.needs_event())
            .collect(),
    ]
    .concat();
    equal(kept_by(&*store).await?, sorted(expected), "the records")?;
    let events = gapless_events(&*store).await?;
    equal(events.len(), 1, "the number of audit events")?;
    // The trail goes on where it was.
    let mut unit = store.begin().await?;
    let place = unit
        .append_audit(&samples::event(Action::SessionEnd, "later")?)
        .await?;
    unit.commit().await?;
    equal(place.0, 2, "the place of the next event")
}

/// One unit of work with both is kept with its event, and none of it without.
async fn what_needs_an_event_takes_what_needs_none_along(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let session = samples::record(RecordKind::Session, "new");
    let keyset = samples::keyset(1)?;
    for with_event in [false, true] {
        let mut unit = store.begin().await?;
        unit.put_record(&session, None).await?;
        unit.insert_keyset(&keyset, &samples::sealed(1)?).await?;
        if with_event {
            commit(unit, Action::KeysetCreate, keyset.id()).await?;
            equal(kept_by(&*store).await?, vec![session.clone()], "the records")?;
            holds_exactly(&*store, &[&keyset]).await?;
        } else {
            refused(
                unit.commit().await,
                StoreErrorKind::Unaudited,
                "a keyset and a session",
            )?;
            equal(kept_by(&*store).await?, vec![], "the records")?;
            holds_exactly(&*store, &[]).await?;
        }
    }
    Ok(())
}

async fn changes_of_records_are_undone_when_dropped(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = before()?;
    put(&*store, &before).await?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut()).await?;
    unit.sweep_records(RecordKind::Job, samples::at(100)?, 100)
        .await?;
    drop(unit);
    // The next unit of work comes after the end of this one, however long that takes.
    drop(store.begin().await?);
    equal(kept_by(&*store).await?, before, "the records after a rollback")
}

async fn a_unit_reads_its_own_changes_of_records(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = before()?;
    put(&*store, &before).await?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut()).await?;
    let mut expected = after();
    equal(
        seen_in(&mut *unit).await?,
        expected.clone(),
        "what the unit sees of its own",
    )?;
    for record in &expected {
        let found = unit.find_record(record.kind, &record.key).await?;
        equal(found.as_ref(), Some(record), "the record that it put")?;
        let found = unit.find_record(record.kind, "deleted").await?;
        equal(found, None, "the record that it deleted")?;
    }
    // Each change goes on from the one before it.
    let new = samples::record(RecordKind::Job, "new");
    let over = changed(&new, Some(samples::at(1)?));
    unit.put_record(&over, Some(new.version)).await?;
    let swept = unit.sweep_records(RecordKind::Job, samples::at(2)?, 100).await?;
    equal(swept, 1, "the number of records that the unit swept")?;
    expected.retain(|record| (record.kind, record.key.as_str()) != (RecordKind::Job, "new"));
    equal(
        seen_in(&mut *unit).await?,
        expected.clone(),
        "what the unit sees after a sweep",
    )?;
    equal(
        kept_by(&*store).await?,
        before,
        "what others see before the commit",
    )?;
    commit(unit, Action::UserEdit, "all of it").await?;
    equal(kept_by(&*store).await?, expected, "the records after the commit")
}

async fn a_snapshot_does_not_see_later_changes_of_records(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = before()?;
    put(&*store, &before).await?;
    // The moment of a snapshot is that of its first read at the latest.
    let mut snapshot = store.snapshot().await?;
    let found = snapshot.find_record(before[0].kind, &before[0].key).await?;
    equal(
        found.as_ref(),
        Some(&before[0]),
        "the record at the moment of the snapshot",
    )?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut()).await?;
    commit(unit, Action::UserEdit, "later").await?;
    equal(
        seen_in(snapshot.as_mut()).await?,
        before.clone(),
        "what the snapshot lists",
    )?;
    for record in &before {
        let found = snapshot.find_record(record.kind, &record.key).await?;
        equal(found.as_ref(), Some(record), "what the snapshot finds")?;
    }
    drop(snapshot);
    equal(kept_by(&*store).await?, after(), "what a later one lists")
}

async fn records_are_there_after_reopening(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let FreshStore { store, place } = fixture.store().await;
    put(&*store, &before()?).await?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut()).await?;
    commit(unit, Action::UserEdit, "before it is closed").await?;
    drop(store);
    let store = fixture.reopen(&place).await;
    equal(kept_by(&*store).await?, after(), "what is there after reopening")
}

const WRITERS: u32 = 8;

/// Lets writers put their own record in one place at the same time. One of them wins, and the others are told so.
async fn compete(
    store: &Arc<dyn Store>,
    record: &Record,
    expected: Option<Version>,
    otherwise: StoreErrorKind,
) -> Verdict {
    let mut crowd = JoinSet::new();
    for n in 0..WRITERS {
        let store = Arc::clone(store);
        let record = Record {
            document: format!("{} by writer {n}", record.document),
            ..record.clone()
        };
        crowd.spawn(async move {
            Ok::<_, Violation>((try_to_put(&*store, &record, expected, otherwise).await?, record))
        });
    }
    let mut winners = Vec::new();
    while let Some(ended) = crowd.join_next().await {
        let (has_won, record) = ended??;
        winners.extend(has_won.then_some(record));
    }
    equal(
        winners.len(),
        1,
        "the number of writers who were told that they put the record",
    )?;
    let found = read(&**store, record.kind, &record.key).await?;
    equal(found, winners.pop(), "the record that is kept")
}

/// Puts a record, and tries again as long as the store says that this may help. Gives whether it was put.
async fn try_to_put(
    store: &dyn Store,
    record: &Record,
    expected: Option<Version>,
    otherwise: StoreErrorKind,
) -> Result<bool, Violation> {
    loop {
        let mut unit = begin(store).await?;
        tokio::task::yield_now().await;
        let result = match unit.put_record(record, expected).await {
            Ok(()) if record.kind.needs_event() => {
                match unit
                    .append_audit(&samples::event(Action::UserEdit, &record.key)?)
                    .await
                {
                    Ok(_) => unit.commit().await,
                    Err(error) => Err(error),
                }
            }
            Ok(()) => unit.commit().await,
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => return Ok(true),
            Err(error) if error.kind == otherwise => return Ok(false),
            Err(error) if error.kind.is_retryable() => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}

async fn one_of_many_wins_a_new_key(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for kind in [RecordKind::Session, RecordKind::User] {
        let record = samples::record(kind, "wanted");
        compete(&store, &record, None, StoreErrorKind::Duplicate).await?;
    }
    let events = gapless_events(&*store).await?;
    equal(events.len(), 1, "the number of audit events")
}

async fn one_of_many_wins_a_version(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for kind in [RecordKind::Attempts, RecordKind::Token] {
        let record = samples::record(kind, "wanted");
        put(&*store, std::slice::from_ref(&record)).await?;
        let next = changed(&record, None);
        compete(&store, &next, Some(record.version), StoreErrorKind::Conflict).await?;
    }
    let events = gapless_events(&*store).await?;
    equal(events.len(), 3, "the number of audit events")
}
