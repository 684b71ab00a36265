use keystead_application::ports::{RecoveryCursor, StoreError, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{Recovery, RequestId, ServerId, Timestamp};
use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};

use super::ROWS_AT_ONCE;
use crate::entities::{recoveries, recovery_approvals};
use crate::error::Failures;
use crate::mapping::{approvals_to_models, recoveries_from_models, recovery_to_model};
use crate::write::{duplicate, exactly_one};

const READ: &str = "read recovery requests";

pub(crate) async fn find(
    db: &DatabaseTransaction,
    failures: &Failures,
    id: RequestId,
) -> Result<Option<Recovery>, StoreError> {
    let found = with_approvals(db, failures, by_id(id)).await?;
    Ok(found.into_iter().next())
}

pub(crate) async fn list(
    db: &DatabaseTransaction,
    failures: &Failures,
    after: Option<RecoveryCursor>,
    limit: u32,
) -> Result<Vec<Recovery>, StoreError> {
    with_approvals(db, failures, page(after, limit)).await
}

pub(crate) async fn count(
    db: &DatabaseTransaction,
    failures: &Failures,
    server: ServerId,
    since: Timestamp,
) -> Result<u64, StoreError> {
    let counted = since_of(server, since).into_tuple::<i64>().one(db).await;
    let counted = counted.map_err(|e| failures.of("count recovery requests", e))?;
    Ok(counted.unwrap_or(0).unsigned_abs())
}

async fn with_approvals(
    db: &DatabaseTransaction,
    failures: &Failures,
    requests: Select<recoveries::Entity>,
) -> Result<Vec<Recovery>, StoreError> {
    let failed = |e| failures.of(READ, e);
    let rows = requests.all(db).await.map_err(failed)?;
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut approvals = Vec::new();
    for ids in ids.chunks(ROWS_AT_ONCE) {
        approvals.extend(approvals_of(ids).all(db).await.map_err(failed)?);
    }
    recoveries_from_models(rows, approvals)
}

fn by_id(id: RequestId) -> Select<recoveries::Entity> {
    recoveries::Entity::find_by_id(id.to_string())
}

fn page(after: Option<RecoveryCursor>, limit: u32) -> Select<recoveries::Entity> {
    use recoveries::Column::{Id, ReceivedAt};

    let requests = recoveries::Entity::find();
    let requests = match after {
        // The first condition is what the index is entered with; the second takes out what was seen already.
        Some(RecoveryCursor { received_at, id }) => {
            let received_at = received_at.as_micros();
            requests
                .filter(ReceivedAt.lte(received_at))
                .filter(ReceivedAt.lt(received_at).or(Id.lt(id.to_string())))
        }
        // True of every row. Without it MariaDB reads all of them and sorts, as long as it has no statistics.
        None => requests.filter(ReceivedAt.lte(i64::MAX)),
    };
    requests
        .order_by_desc(ReceivedAt)
        .order_by_desc(Id)
        .limit(u64::from(limit))
}

fn since_of(server: ServerId, since: Timestamp) -> Select<recoveries::Entity> {
    use recoveries::Column::{Id, ReceivedAt, ServerId};

    recoveries::Entity::find()
        .select_only()
        .column_as(Expr::col(Id).count(), "requests")
        .filter(ServerId.eq(server.to_string()))
        .filter(ReceivedAt.gte(since.as_micros()))
}

fn approvals_of(requests: &[&str]) -> Select<recovery_approvals::Entity> {
    // In no order: some engines would sort what they read in order already.
    recovery_approvals::Entity::find()
        .filter(recovery_approvals::Column::RecoveryId.is_in(requests.iter().copied()))
}

pub(crate) async fn insert(
    db: &DatabaseTransaction,
    failures: &Failures,
    recovery: &Recovery,
) -> Result<(), StoreError> {
    const OPERATION: &str = "insert recovery request";
    let row: recoveries::ActiveModel = recovery_to_model(recovery).into();
    if let Err(e) = recoveries::Entity::insert(row).exec_without_returning(db).await {
        let what = "a recovery request with this id is here already";
        let mut failure = duplicate(failures.of(OPERATION, e), what);
        // The schema knows which servers there are.
        if failure.kind == StoreErrorKind::Conflict {
            failure.message = "there is no such backup server".into();
        }
        return Err(failure);
    }
    insert_approvals(db, failures, OPERATION, approvals_to_models(recovery)).await
}

pub(crate) async fn save(
    db: &DatabaseTransaction,
    failures: &Failures,
    recovery: &Recovery,
    expected: Version,
) -> Result<(), StoreError> {
    const OPERATION: &str = "save recovery request";
    let mut row = recoveries::ActiveModel::from(recovery_to_model(recovery)).reset_all();
    row.id = NotSet;
    let id = recovery.id.to_string();
    let saved = recoveries::Entity::update_many()
        .set(row)
        .filter(recoveries::Column::Id.eq(id.as_str()))
        .filter(recoveries::Column::Version.eq(i64::from(expected.0)))
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    exactly_one(
        saved.rows_affected,
        OPERATION,
        "the recovery request was changed in between, or is not there",
    )?;
    let stored = approvals_of(&[id.as_str()]).all(db).await;
    let mut stored = stored.map_err(|e| failures.of(OPERATION, e))?;
    stored.sort_by_key(|approval| approval.position);
    let mut added = approvals_to_models(recovery);
    if !added.starts_with(&stored) {
        let what = "an approval of the recovery request would be lost or changed";
        return Err(StoreError::new(StoreErrorKind::Conflict, OPERATION, what));
    }
    added.drain(..stored.len());
    insert_approvals(db, failures, OPERATION, added).await
}

async fn insert_approvals(
    db: &DatabaseTransaction,
    failures: &Failures,
    operation: &'static str,
    approvals: Vec<recovery_approvals::Model>,
) -> Result<(), StoreError> {
    for rows in approvals.chunks(ROWS_AT_ONCE) {
        let rows = rows.iter().cloned().map(recovery_approvals::ActiveModel::from);
        let inserted = recovery_approvals::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await;
        if let Err(e) = inserted {
            let what = "an officer approves a recovery request once";
            return Err(duplicate(failures.of(operation, e), what));
        }
    }
    Ok(())
}

/// Every look-up that there is.
#[cfg(test)]
pub(crate) fn look_ups(backend: sea_orm::DbBackend) -> Vec<String> {
    use sea_orm::QueryTrait;

    let id = RequestId::from_random_bytes([7; 16]);
    let ids = ["6f1c2d3e-0000-4000-8000-000000000000"; 100];
    let cursor = Timestamp::from_micros(5).map(|received_at| RecoveryCursor { received_at, id });
    let since = Timestamp::from_micros(5).map(|since| since_of(ServerId::from_random_bytes([7; 16]), since));
    let requests = [
        Some(by_id(id)),
        Some(page(None, 100)),
        Some(page(cursor.ok(), 100)),
        since.ok(),
    ];
    let requests = requests.into_iter().flatten();
    let approvals = [approvals_of(&ids[..1]), approvals_of(&ids)];
    let approvals = approvals.map(|select| select.build(backend).to_string());
    requests
        .map(|select| select.build(backend).to_string())
        .chain(approvals)
        .collect()
}
