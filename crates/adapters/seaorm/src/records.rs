//! Records: small documents that the application keeps, read in any transaction, written in a unit of work.

use keystead_application::ports::{Record, RecordKind, StoreError};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::entities::records::{ActiveModel, Column, Entity, RecordKey};
use crate::error::Failures;
use crate::mapping::{changed_record, is_key, record_from_model, record_to_model};
use crate::write::{duplicate, exactly_one};

const READ: &str = "read records";

/// How many are deleted with one statement. Well below the number of values that an engine takes in one.
const SWEPT_AT_ONCE: u32 = 500;

pub(crate) async fn find(
    db: &DatabaseTransaction,
    failures: &Failures,
    kind: RecordKind,
    key: &str,
) -> Result<Option<Record>, StoreError> {
    if !is_key(key) {
        return Ok(None);
    }
    let row = by_key(kind, key).one(db).await;
    row.map_err(|e| failures.of(READ, e))?
        .map(record_from_model)
        .transpose()
}

pub(crate) async fn list(
    db: &DatabaseTransaction,
    failures: &Failures,
    kind: RecordKind,
    after: Option<String>,
    limit: u32,
) -> Result<Vec<Record>, StoreError> {
    let rows = page(kind, after, limit).all(db).await;
    let rows = rows.map_err(|e| failures.of(READ, e))?;
    rows.into_iter().map(record_from_model).collect()
}

fn by_key(kind: RecordKind, key: &str) -> Select<Entity> {
    Entity::find_by_id((kind.as_str().to_owned(), RecordKey(key.to_owned())))
}

fn page(kind: RecordKind, after: Option<String>, limit: u32) -> Select<Entity> {
    // Every key is greater than nothing; a condition makes every engine enter the index.
    let after = after.unwrap_or_default();
    Entity::find()
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::RecordKey.gt(after))
        .order_by_asc(Column::RecordKey)
        .limit(u64::from(limit))
}

/// The keys of those whose time is over, the first of them first.
fn over(kind: RecordKind, before: Timestamp, limit: u32) -> Select<Entity> {
    Entity::find()
        .select_only()
        .column(Column::RecordKey)
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::ExpiresAt.lt(before.as_micros()))
        .order_by_asc(Column::ExpiresAt)
        .limit(u64::from(limit))
}

pub(crate) async fn put(
    db: &DatabaseTransaction,
    failures: &Failures,
    record: &Record,
    expected: Option<Version>,
) -> Result<(), StoreError> {
    match expected {
        None => insert(db, failures, record).await,
        Some(expected) => replace(db, failures, record, expected).await,
    }
}

async fn insert(db: &DatabaseTransaction, failures: &Failures, record: &Record) -> Result<(), StoreError> {
    const OPERATION: &str = "insert record";
    let row = ActiveModel::from(record_to_model(record, OPERATION)?);
    match Entity::insert(row).exec_without_returning(db).await {
        Ok(_) => Ok(()),
        Err(e) => Err(duplicate(
            failures.of(OPERATION, e),
            "a record with this key is here already",
        )),
    }
}

async fn replace(
    db: &DatabaseTransaction,
    failures: &Failures,
    record: &Record,
    expected: Version,
) -> Result<(), StoreError> {
    const OPERATION: &str = "replace record";
    let replaced = Entity::update_many()
        .set(changed_record(record_to_model(record, OPERATION)?))
        .filter(Column::Kind.eq(record.kind.as_str()))
        .filter(Column::RecordKey.eq(record.key.as_str()))
        .filter(Column::Version.eq(i64::from(expected.0)))
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    exactly_one(replaced.rows_affected, OPERATION, CHANGED)
}

pub(crate) async fn delete(
    db: &DatabaseTransaction,
    failures: &Failures,
    kind: RecordKind,
    key: &str,
    expected: Version,
) -> Result<(), StoreError> {
    const OPERATION: &str = "delete record";
    if !is_key(key) {
        return exactly_one(0, OPERATION, CHANGED);
    }
    let deleted = Entity::delete_many()
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::RecordKey.eq(key))
        .filter(Column::Version.eq(i64::from(expected.0)))
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    exactly_one(deleted.rows_affected, OPERATION, CHANGED)
}

const CHANGED: &str = "the record was changed in between, or is not there";

/// Not every engine deletes a limited number of rows, so they are looked up first. Nobody else writes meanwhile.
pub(crate) async fn sweep(
    db: &DatabaseTransaction,
    failures: &Failures,
    kind: RecordKind,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let failed = |e| failures.of("sweep records", e);
    let (mut left, mut swept) = (limit, 0);
    if kind.needs_event() {
        return Ok(swept);
    }
    while left > 0 {
        let at_once = left.min(SWEPT_AT_ONCE);
        let keys = over(kind, before, at_once)
            .into_tuple::<RecordKey>()
            .all(db)
            .await
            .map_err(failed)?;
        if keys.is_empty() {
            break;
        }
        let are_all = keys.len() < at_once as usize;
        let deleted = Entity::delete_many()
            .filter(Column::Kind.eq(kind.as_str()))
            .filter(Column::RecordKey.is_in(keys))
            .exec(db)
            .await
            .map_err(failed)?;
        swept += deleted.rows_affected;
        if are_all {
            break;
        }
        left -= at_once;
    }
    Ok(swept)
}

/// Every look-up that there is.
#[cfg(test)]
pub(crate) fn look_ups(backend: sea_orm::DbBackend) -> Vec<String> {
    use sea_orm::QueryTrait;

    let kind = RecordKind::Session;
    let over = Timestamp::from_micros(5).map(|before| over(kind, before, SWEPT_AT_ONCE));
    let selects = [
        Some(by_key(kind, "a")),
        Some(page(kind, None, 100)),
        Some(page(kind, Some("a".into()), 100)),
        over.ok(),
    ];
    let selects = selects.into_iter().flatten();
    selects.map(|select| select.build(backend).to_string()).collect()
}
