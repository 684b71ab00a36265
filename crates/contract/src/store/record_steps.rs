//! What the cases about records do again and again.

use keystead_application::ports::{Record, RecordKind, Snapshot, Store};
use keystead_domain::keyset::Version;
use keystead_domain::{Action, Timestamp};

use super::steps::commit;
use crate::{Verdict, Violation};

/// Puts new records in one unit of work.
pub(super) async fn put(store: &dyn Store, records: &[Record]) -> Verdict {
    let mut unit = store.begin().await?;
    for record in records {
        unit.put_record(record, None).await?;
    }
    commit(unit, Action::UserAdd, "sample records").await
}

/// Puts a record in the place of another one, in a unit of work of its own.
pub(super) async fn replace(store: &dyn Store, before: &Record, after: &Record) -> Verdict {
    let mut unit = store.begin().await?;
    unit.put_record(after, Some(before.version)).await?;
    commit(unit, Action::UserEdit, &after.key).await
}

/// The next version of a record, with another document and another end.
pub(super) fn changed(record: &Record, expires_at: Option<Timestamp>) -> Record {
    Record {
        version: Version(record.version.0 + 1),
        expires_at,
        document: format!("{} changed", record.document),
        ..record.clone()
    }
}

/// The record with this key, through a new snapshot.
pub(super) async fn read(
    store: &dyn Store,
    kind: RecordKind,
    key: &str,
) -> Result<Option<Record>, Violation> {
    Ok(store.snapshot().await?.find_record(kind, key).await?)
}

/// The records of all kinds that a view of a store with few of them shows.
pub(super) async fn seen_in(view: &mut dyn Snapshot) -> Result<Vec<Record>, Violation> {
    let mut all = Vec::new();
    for kind in RecordKind::ALL {
        all.extend(view.list_records(kind, None, 100).await?);
    }
    Ok(all)
}

/// The same through a new snapshot.
pub(super) async fn kept_by(store: &dyn Store) -> Result<Vec<Record>, Violation> {
    seen_in(store.snapshot().await?.as_mut()).await
}

/// Records in the order of [`seen_in`].
pub(super) fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    let place = |record: &Record| {
        let kind = RecordKind::ALL.iter().position(|kind| *kind == record.kind);
        (kind, record.key.clone())
    };
    records.sort_by_key(place);
    records
}
