//! What is written, in a unit of work. Every change names what it expects to find, and changes nothing otherwise.

use keystead_application::ports::{StoreError, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{Installation, Keyset, KeysetId, SealedBytes};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::entities::{THE_ROW, active_keyset, installation, keyset_private_keys, keysets};
use crate::error::Failures;
use crate::mapping::{changed_columns, installation_to_model, keyset_to_model, sealed_to_model};

pub(crate) async fn insert_installation(
    db: &DatabaseTransaction,
    failures: &Failures,
    installation: &Installation,
) -> Result<(), StoreError> {
    const OPERATION: &str = "insert installation";
    let row: installation::ActiveModel = installation_to_model(installation).into();
    match installation::Entity::insert(row).exec_without_returning(db).await {
        Ok(_) => Ok(()),
        Err(e) => Err(duplicate(
            failures.of(OPERATION, e),
            "there is an installation already",
        )),
    }
}

pub(crate) async fn insert_keyset(
    db: &DatabaseTransaction,
    failures: &Failures,
    keyset: &Keyset,
    private_key: &SealedBytes,
) -> Result<(), StoreError> {
    const OPERATION: &str = "insert keyset";
    let row: keysets::ActiveModel = keyset_to_model(keyset).into();
    if let Err(e) = keysets::Entity::insert(row).exec_without_returning(db).await {
        let what = "a keyset with this id or this fingerprint is here already";
        return Err(duplicate(failures.of(OPERATION, e), what));
    }
    let row: keyset_private_keys::ActiveModel = sealed_to_model(keyset.id(), private_key).into();
    match keyset_private_keys::Entity::insert(row)
        .exec_without_returning(db)
        .await
    {
        Ok(_) => Ok(()),
        Err(e) => {
            // Half of the keyset is written, so whatever it was, this is no answer that one goes on after.
            let mut failure = failures.of(OPERATION, e);
            if matches!(failure.kind, StoreErrorKind::Duplicate | StoreErrorKind::Conflict) {
                failure.kind = StoreErrorKind::Corrupt;
            }
            Err(failure)
        }
    }
}

pub(crate) async fn save_keyset(
    db: &DatabaseTransaction,
    failures: &Failures,
    keyset: &Keyset,
    expected: Version,
) -> Result<(), StoreError> {
    const OPERATION: &str = "save keyset";
    let saved = keysets::Entity::update_many()
        .set(changed_columns(keyset))
        .filter(keysets::Column::Id.eq(keyset.id().to_string()))
        .filter(keysets::Column::Version.eq(i64::from(expected.0)))
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    exactly_one(
        saved.rows_affected,
        OPERATION,
        "the keyset was changed or deleted in between",
    )
}

pub(crate) async fn delete_keyset(
    db: &DatabaseTransaction,
    failures: &Failures,
    id: KeysetId,
    expected: Version,
) -> Result<(), StoreError> {
    const OPERATION: &str = "delete keyset";
    let id = id.to_string();
    let pointer = Query::select()
        .expr(Expr::val(1))
        .from(active_keyset::Entity)
        .and_where(active_keyset::Column::KeysetId.eq(id.as_str()))
        .take();
    // The sealed private key goes with its keyset: the schema sees to that.
    let deleted = keysets::Entity::delete_many()
        .filter(keysets::Column::Id.eq(id.as_str()))
        .filter(keysets::Column::Version.eq(i64::from(expected.0)))
        .filter(Expr::exists(pointer).not())
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    exactly_one(
        deleted.rows_affected,
        OPERATION,
        "the keyset was changed, activated or deleted in between",
    )
}

pub(crate) async fn point_active(
    db: &DatabaseTransaction,
    failures: &Failures,
    to: KeysetId,
    expected: Option<KeysetId>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "point at the active keyset";
    let to = to.to_string();
    let still_there = match expected {
        Some(id) => active_keyset::Column::KeysetId.eq(id.to_string()),
        None => active_keyset::Column::KeysetId.is_null(),
    };
    let pointed = active_keyset::Entity::update_many()
        .col_expr(active_keyset::Column::KeysetId, Expr::value(to.as_str()))
        .filter(active_keyset::Column::Id.eq(THE_ROW))
        .filter(still_there)
        .filter(Expr::exists(keyset_with_id(&to)))
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    exactly_one(
        pointed.rows_affected,
        OPERATION,
        "another keyset was activated in between, or the keyset is gone",
    )
}

fn keyset_with_id(id: &str) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(keysets::Entity)
        .and_where(keysets::Column::Id.eq(id))
        .take()
}

pub(crate) fn exactly_one(rows: u64, operation: &'static str, otherwise: &str) -> Result<(), StoreError> {
    match rows {
        1 => Ok(()),
        _ => Err(StoreError::new(StoreErrorKind::Conflict, operation, otherwise)),
    }
}

pub(crate) fn duplicate(mut failure: StoreError, what: &str) -> StoreError {
    if failure.kind == StoreErrorKind::Duplicate {
        failure.message = what.into();
    }
    failure
}
