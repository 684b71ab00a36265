//! Officers, and the policy that they work by.

use keystead_application::ports::StoreError;
use keystead_domain::keyset::Version;
use keystead_domain::{Officer, RecoveryPolicy};
use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};

use crate::entities::{THE_ROW, officers, recovery_policy, recovery_register};
use crate::error::Failures;
use crate::mapping::{officer_from_model, officer_to_model, policy_from_model, policy_to_model};
use crate::write::{duplicate, exactly_one};

pub(crate) async fn all(db: &DatabaseTransaction, failures: &Failures) -> Result<Vec<Officer>, StoreError> {
    let rows = officers::Entity::find()
        .order_by_asc(officers::Column::AddedAt)
        .order_by_asc(officers::Column::Id)
        .all(db)
        .await
        .map_err(|e| failures.of("read officers", e))?;
    rows.into_iter().map(officer_from_model).collect()
}

pub(crate) async fn insert(
    db: &DatabaseTransaction,
    failures: &Failures,
    officer: &Officer,
) -> Result<(), StoreError> {
    const OPERATION: &str = "insert officer";
    let row: officers::ActiveModel = officer_to_model(officer).into();
    match officers::Entity::insert(row).exec_without_returning(db).await {
        Ok(_) => Ok(()),
        Err(e) => Err(duplicate(
            failures.of(OPERATION, e),
            "an officer with this id is here already",
        )),
    }
}

pub(crate) async fn save(
    db: &DatabaseTransaction,
    failures: &Failures,
    officer: &Officer,
    expected: Version,
) -> Result<(), StoreError> {
    const OPERATION: &str = "save officer";
    let mut row = officers::ActiveModel::from(officer_to_model(officer)).reset_all();
    row.id = NotSet;
    let saved = officers::Entity::update_many()
        .set(row)
        .filter(officers::Column::Id.eq(officer.id.to_string()))
        .filter(officers::Column::Version.eq(i64::from(expected.0)))
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    exactly_one(
        saved.rows_affected,
        OPERATION,
        "the officer was changed in between, or is not there",
    )
}

pub(crate) async fn policy(
    db: &DatabaseTransaction,
    failures: &Failures,
) -> Result<Option<RecoveryPolicy>, StoreError> {
    let row = recovery_policy::Entity::find_by_id(THE_ROW).one(db).await;
    row.map_err(|e| failures.of("read the recovery policy", e))?
        .map(policy_from_model)
        .transpose()
}

pub(crate) async fn set_policy(
    db: &DatabaseTransaction,
    failures: &Failures,
    policy: &RecoveryPolicy,
) -> Result<(), StoreError> {
    use recovery_policy::{ActiveModel, Column, Entity};

    let row: ActiveModel = policy_to_model(policy).into();
    let replaced = OnConflict::column(Column::Id)
        .update_columns([
            Column::Approvals,
            Column::ResponseLifetimeSeconds,
            Column::RequestsPerDay,
        ])
        .to_owned();
    let kept = Entity::insert(row)
        .on_conflict(replaced)
        .exec_without_returning(db)
        .await;
    kept.map(|_| ())
        .map_err(|e| failures.of("set the recovery policy", e))
}

pub(crate) async fn register(
    db: &DatabaseTransaction,
    failures: &Failures,
) -> Result<Option<String>, StoreError> {
    let row = recovery_register::Entity::find_by_id(THE_ROW).one(db).await;
    let row = row.map_err(|e| failures.of("read the recovery register", e))?;
    Ok(row.map(|row| row.note))
}

pub(crate) async fn set_register(
    db: &DatabaseTransaction,
    failures: &Failures,
    note: &str,
) -> Result<(), StoreError> {
    use recovery_register::{ActiveModel, Column, Entity, Model};

    let row = Model {
        id: THE_ROW,
        note: note.to_owned(),
    };
    let replaced = OnConflict::column(Column::Id)
        .update_column(Column::Note)
        .to_owned();
    let kept = Entity::insert(ActiveModel::from(row))
        .on_conflict(replaced)
        .exec_without_returning(db)
        .await;
    kept.map(|_| ())
        .map_err(|e| failures.of("set the recovery register", e))
}
