//! What a change of the master key needs: the sealed private keys as a whole, and their second copies.

use std::collections::BTreeMap;

use keystead_application::ports::{KeyCount, MasterKeyCensus, StoreError, StoreErrorKind, UnstagedKey};
use keystead_domain::{Installation, KeysetId, SealedBytes};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Select,
};

use crate::entities::{THE_ROW, installation, keyset_private_keys, keysets, staged_private_keys};
use crate::error::Failures;
use crate::mapping::{
    UnstagedRow, changed_secrets, key_count, sealed_to_model, staged_to_model, unstaged_from_row,
};

/// Well below the number of values that an engine takes in one statement.
const ROWS_AT_ONCE: usize = 500;

pub(crate) async fn census(
    db: &DatabaseTransaction,
    failures: &Failures,
) -> Result<MasterKeyCensus, StoreError> {
    use keyset_private_keys::Column as Sealed;
    use staged_private_keys::Column as Staged;

    let sealed = keyset_private_keys::Entity::find();
    let staged = staged_private_keys::Entity::find();
    Ok(MasterKeyCensus {
        sealed: count(db, failures, sealed, Sealed::MasterKeyId, Sealed::Provider).await?,
        staged: count(db, failures, staged, Staged::MasterKeyId, Staged::Provider).await?,
    })
}

async fn count<E: EntityTrait>(
    db: &DatabaseTransaction,
    failures: &Failures,
    rows: Select<E>,
    key: impl ColumnTrait,
    provider: impl ColumnTrait,
) -> Result<Vec<KeyCount>, StoreError> {
    let counted = rows
        .select_only()
        .column(key)
        .column(provider)
        .column_as(Expr::col(key).count(), "private_keys")
        .group_by(key)
        .group_by(provider)
        .order_by_asc(key)
        .order_by_asc(provider)
        .into_tuple::<(String, String, i64)>()
        .all(db)
        .await
        .map_err(|e| failures.of("count the private keys", e))?;
    counted.into_iter().map(key_count).collect()
}

pub(crate) async fn unstaged(
    db: &DatabaseTransaction,
    failures: &Failures,
    after: Option<KeysetId>,
    limit: u32,
) -> Result<Vec<UnstagedKey>, StoreError> {
    let rows = without_copy(after, limit)
        .into_tuple::<UnstagedRow>()
        .all(db)
        .await
        .map_err(|e| failures.of("read the private keys", e))?;
    rows.into_iter().map(unstaged_from_row).collect()
}

/// Private keys that have no staged copy, in the order of the primary keys of both tables.
pub(crate) fn without_copy(after: Option<KeysetId>, limit: u32) -> Select<keyset_private_keys::Entity> {
    use keyset_private_keys::Column;

    // Every id is greater than nothing; a condition makes every engine enter the index.
    let after = after.map_or_else(String::new, |after| after.to_string());
    keyset_private_keys::Entity::find()
        .select_only()
        .columns([
            Column::KeysetId,
            Column::MasterKeyId,
            Column::Provider,
            Column::FormatVersion,
            Column::Ciphertext,
        ])
        .column(keysets::Column::Fingerprint)
        .join(JoinType::InnerJoin, keyset_private_keys::Relation::Keyset.def())
        .filter(Expr::exists(staged_copy()).not())
        .filter(Column::KeysetId.gt(after))
        .order_by_asc(Column::KeysetId)
        .limit(u64::from(limit))
}

fn staged_copy() -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(staged_private_keys::Entity)
        .and_where(
            Expr::col((staged_private_keys::Entity, staged_private_keys::Column::KeysetId))
                .equals((keyset_private_keys::Entity, keyset_private_keys::Column::KeysetId)),
        )
        .take()
}

pub(crate) async fn stage(
    db: &DatabaseTransaction,
    failures: &Failures,
    staged: &[(KeysetId, SealedBytes)],
) -> Result<(), StoreError> {
    use staged_private_keys::{ActiveModel, Column, Entity};

    const OPERATION: &str = "stage private keys";
    // Engines refuse a statement that replaces what it has just put there; the last one counts.
    let rows: BTreeMap<KeysetId, &SealedBytes> = staged.iter().map(|(id, sealed)| (*id, sealed)).collect();
    let rows: Vec<ActiveModel> = rows
        .into_iter()
        .map(|(id, sealed)| staged_to_model(sealed_to_model(id, sealed)).into())
        .collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let replaced = OnConflict::column(Column::KeysetId)
            .update_columns([
                Column::MasterKeyId,
                Column::Provider,
                Column::FormatVersion,
                Column::Ciphertext,
            ])
            .to_owned();
        let kept = Entity::insert_many(rows.to_vec())
            .on_conflict(replaced)
            .exec_without_returning(db)
            .await;
        if let Err(e) = kept {
            let mut failure = failures.of(OPERATION, e);
            // The schema knows which keysets there are.
            if failure.kind == StoreErrorKind::Conflict {
                failure.message = "a keyset was deleted in between".into();
            }
            return Err(failure);
        }
    }
    Ok(())
}

pub(crate) async fn discard_staged(db: &DatabaseTransaction, failures: &Failures) -> Result<(), StoreError> {
    let deleted = staged_private_keys::Entity::delete_many().exec(db).await;
    deleted
        .map(|_| ())
        .map_err(|e| failures.of("discard the staged private keys", e))
}

pub(crate) async fn switch(
    db: &DatabaseTransaction,
    failures: &Failures,
    installation: &Installation,
) -> Result<(), StoreError> {
    use staged_private_keys::{Column, Entity};

    const OPERATION: &str = "switch the master key";
    let conflict = |what: String| StoreError::new(StoreErrorKind::Conflict, OPERATION, what);
    let failed = |e| failures.of(OPERATION, e);

    if let Some(first) = unstaged(db, failures, None, 1).await?.first() {
        return Err(conflict(format!(
            "the private key of keyset {} is not sealed under the next master key yet",
            first.keyset
        )));
    }
    let next = installation.master_key_id();
    let under_another = Entity::find()
        .select_only()
        .column(Column::KeysetId)
        .column(Column::MasterKeyId)
        .filter(Column::MasterKeyId.ne(next.as_str()))
        .into_tuple::<(String, String)>()
        .one(db)
        .await
        .map_err(failed)?;
    if let Some((keyset, key)) = under_another {
        return Err(conflict(format!(
            "the staged private key of keyset {keyset} is sealed under {key}, not under {next}"
        )));
    }
    // Every private key has its copy, so the copies take the place of all of them.
    keyset_private_keys::Entity::delete_many()
        .exec(db)
        .await
        .map_err(failed)?;
    db.execute(&copies_in_place()).await.map_err(failed)?;
    discard_staged(db, failures).await?;

    let kept = installation::Entity::update_many()
        .set(changed_secrets(installation))
        .filter(installation::Column::Id.eq(THE_ROW))
        .exec(db)
        .await
        .map_err(failed)?;
    match kept.rows_affected {
        1 => Ok(()),
        _ => Err(conflict("there is no installation".into())),
    }
}

fn copies_in_place() -> sea_orm::sea_query::InsertStatement {
    use keyset_private_keys::Column as To;
    use staged_private_keys::{Column as From, Entity};

    let copies = Query::select()
        .columns([
            From::KeysetId,
            From::MasterKeyId,
            From::Provider,
            From::FormatVersion,
            From::Ciphertext,
        ])
        .from(Entity)
        .take();
    let mut insert = Query::insert();
    insert.into_table(keyset_private_keys::Entity).columns([
        To::KeysetId,
        To::MasterKeyId,
        To::Provider,
        To::FormatVersion,
        To::Ciphertext,
    ]);
    // As many columns as there are names for.
    let _ = insert.select_from(copies);
    insert.take()
}
