use std::sync::Arc;

use keystead_application::ports::{Record, RecordKind, Store};
use keystead_domain::Timestamp;

use super::StoreFixture;
use super::record_steps::{kept_by, put};
use super::steps::fresh;
use super::trail::gapless_events;
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_sweep_deletes_what_was_over_before_the_moment,
        a_sweep_deletes_no_more_than_the_limit,
        a_sweep_spares_the_kinds_that_need_an_event,
    ]
}

fn ending(kind: RecordKind, key: &str, expires_at: Option<Timestamp>) -> Record {
    Record {
        expires_at,
        ..samples::record(kind, key)
    }
}

/// Sweeps in a unit of work of its own, without an event.
async fn sweep(store: &dyn Store, kind: RecordKind, before: Timestamp, limit: u32) -> Result<u64, Violation> {
    let mut unit = store.begin().await?;
    let swept = unit.sweep_records(kind, before, limit).await?;
    unit.commit().await?;
    Ok(swept)
}

async fn a_sweep_deletes_what_was_over_before_the_moment(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let moment = samples::at(10)?;
    let near = |micros: i64| Timestamp::from_micros(moment.as_micros() + micros);
    let ends = [
        ("a before 1970", Some("1969-07-20T20:17:40Z".parse()?)),
        ("b just before", Some(near(-1)?)),
        ("c at the moment", Some(moment)),
        ("d just after", Some(near(1)?)),
        (
            "e at the end of time",
            Some("9999-12-30T21:59:59.999999Z".parse()?),
        ),
        ("f kept", None),
    ];
    let mut left = Vec::new();
    for kind in [RecordKind::Session, RecordKind::Attempts, RecordKind::Job] {
        left.extend(ends.map(|(key, end)| ending(kind, key, end)));
    }
    put(&*store, &left).await?;
    for kind in [RecordKind::Session, RecordKind::Attempts, RecordKind::Job] {
        let swept = sweep(&*store, kind, moment, 100).await?;
        equal(swept, 2, "the number of records that were swept")?;
        left.retain(|record| record.kind != kind || record.expires_at.is_none_or(|end| end >= moment));
        equal(kept_by(&*store).await?, left.clone(), "the records after a sweep")?;
        let again = sweep(&*store, kind, moment, 100).await?;
        equal(again, 0, "the number of records that were swept the second time")?;
    }
    equal(kept_by(&*store).await?, left, "the records in the end")?;
    let events = gapless_events(&*store).await?;
    equal(events.len(), 1, "the number of audit events")
}

async fn a_sweep_deletes_no_more_than_the_limit(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let kind = RecordKind::Session;
    let mut records = Vec::new();
    for n in 0..10 {
        records.push(ending(kind, &format!("over {n}"), Some(samples::at(n % 3)?)));
        records.push(ending(kind, &format!("not over {n}"), Some(samples::at(100)?)));
    }
    put(&*store, &records).await?;
    let mut left = records.len();
    for (limit, expected) in [(0, 0), (1, 1), (4, 4), (4, 4), (4, 1), (4, 0), (u32::MAX, 0)] {
        let swept = sweep(&*store, kind, samples::at(50)?, limit).await?;
        equal(swept, expected, &format!("the number of at most {limit} records"))?;
        left -= expected as usize;
        let found = kept_by(&*store).await?;
        equal(found.len(), left, "the number of records that are left")?;
    }
    let found = kept_by(&*store).await?;
    ensure!(
        found.iter().all(|record| record.key.starts_with("not over")),
        "a sweep took records whose time is not over"
    );
    let swept = sweep(&*store, kind, samples::at(101)?, u32::MAX).await?;
    equal(swept, 10, "the number of records without a limit")
}

async fn a_sweep_spares_the_kinds_that_need_an_event(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut records = Vec::new();
    for kind in RecordKind::ALL.into_iter().filter(|kind| kind.needs_event()) {
        records.push(ending(kind, "over", Some(samples::at(1)?)));
    }
    put(&*store, &records).await?;
    for kind in RecordKind::ALL {
        let swept = sweep(&*store, kind, samples::at(100)?, 100).await?;
        equal(
            swept,
            0,
            &format!("the number of records of {kind:?} that were swept"),
        )?;
    }
    equal(kept_by(&*store).await?, records, "the records in the end")
}
