use keystead_application::ports::{StoreError, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{BackupServer, Fingerprint, ServerId};
use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};

use super::ROWS_AT_ONCE;
use crate::entities::{backup_servers, server_identities};
use crate::error::Failures;
use crate::mapping::{identities_to_models, server_to_model, servers_from_models};
use crate::write::{duplicate, exactly_one};

const READ: &str = "read backup servers";

pub(crate) async fn find(
    db: &DatabaseTransaction,
    failures: &Failures,
    id: ServerId,
) -> Result<Option<BackupServer>, StoreError> {
    let found = with_identities(db, failures, by_id(&id.to_string())).await?;
    Ok(found.into_iter().next())
}

pub(crate) async fn find_by_identity(
    db: &DatabaseTransaction,
    failures: &Failures,
    fingerprint: &Fingerprint,
) -> Result<Option<BackupServer>, StoreError> {
    let identity = by_fingerprint(fingerprint).one(db).await;
    let Some(identity) = identity.map_err(|e| failures.of(READ, e))? else {
        return Ok(None);
    };
    let found = with_identities(db, failures, by_id(&identity.server_id)).await?;
    Ok(found.into_iter().next())
}

pub(crate) async fn list(
    db: &DatabaseTransaction,
    failures: &Failures,
    after: Option<ServerId>,
    limit: u32,
) -> Result<Vec<BackupServer>, StoreError> {
    with_identities(db, failures, page(after, limit)).await
}

async fn with_identities(
    db: &DatabaseTransaction,
    failures: &Failures,
    servers: Select<backup_servers::Entity>,
) -> Result<Vec<BackupServer>, StoreError> {
    let failed = |e| failures.of(READ, e);
    let rows = servers.all(db).await.map_err(failed)?;
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut identities = Vec::with_capacity(rows.len());
    for ids in ids.chunks(ROWS_AT_ONCE) {
        identities.extend(identities_of(ids).all(db).await.map_err(failed)?);
    }
    servers_from_models(rows, identities)
}

fn by_id(id: &str) -> Select<backup_servers::Entity> {
    backup_servers::Entity::find_by_id(id)
}

fn by_fingerprint(fingerprint: &Fingerprint) -> Select<server_identities::Entity> {
    server_identities::Entity::find()
        .filter(server_identities::Column::Fingerprint.eq(fingerprint.to_string()))
}

fn page(after: Option<ServerId>, limit: u32) -> Select<backup_servers::Entity> {
    // Every id is greater than nothing; a condition makes every engine enter the index.
    let after = after.map_or_else(String::new, |after| after.to_string());
    backup_servers::Entity::find()
        .filter(backup_servers::Column::Id.gt(after))
        .order_by_asc(backup_servers::Column::Id)
        .limit(u64::from(limit))
}

fn identities_of(servers: &[&str]) -> Select<server_identities::Entity> {
    // In no order: some engines would sort what they read in order already.
    server_identities::Entity::find()
        .filter(server_identities::Column::ServerId.is_in(servers.iter().copied()))
}

pub(crate) async fn insert(
    db: &DatabaseTransaction,
    failures: &Failures,
    server: &BackupServer,
) -> Result<(), StoreError> {
    const OPERATION: &str = "insert backup server";
    let row: backup_servers::ActiveModel = server_to_model(server).into();
    let inserted = backup_servers::Entity::insert(row)
        .exec_without_returning(db)
        .await;
    if let Err(e) = inserted {
        let what = "a backup server with this id is here already";
        return Err(duplicate(failures.of(OPERATION, e), what));
    }
    insert_identities(db, failures, OPERATION, identities_to_models(server)).await
}

pub(crate) async fn save(
    db: &DatabaseTransaction,
    failures: &Failures,
    server: &BackupServer,
    expected: Version,
) -> Result<(), StoreError> {
    const OPERATION: &str = "save backup server";
    let failed = |e| failures.of(OPERATION, e);
    let mut row = backup_servers::ActiveModel::from(server_to_model(server)).reset_all();
    row.id = NotSet;
    let id = server.id.to_string();
    let saved = backup_servers::Entity::update_many()
        .set(row)
        .filter(backup_servers::Column::Id.eq(id.as_str()))
        .filter(backup_servers::Column::Version.eq(i64::from(expected.0)))
        .exec(db)
        .await
        .map_err(failed)?;
    exactly_one(
        saved.rows_affected,
        OPERATION,
        "the backup server was changed in between, or is not there",
    )?;

    let mut stored = identities_of(&[id.as_str()]).all(db).await.map_err(failed)?;
    stored.sort_by_key(|identity| identity.position);
    let mut identities = identities_to_models(server);
    let added = identities.split_off(stored.len().min(identities.len()));
    let kept = stored.iter().zip(&identities);
    let is_same = |before: &server_identities::Model, now: &server_identities::Model| {
        let retired_at = now.retired_at;
        server_identities::Model {
            retired_at,
            ..before.clone()
        } == *now
    };
    if identities.len() < stored.len() || !kept.clone().all(|(before, now)| is_same(before, now)) {
        let what = "an identity of the backup server would be lost or changed";
        return Err(StoreError::new(StoreErrorKind::Conflict, OPERATION, what));
    }
    for (before, now) in kept {
        if before.retired_at != now.retired_at {
            save_retirement(db, failures, OPERATION, now).await?;
        }
    }
    insert_identities(db, failures, OPERATION, added).await
}

async fn save_retirement(
    db: &DatabaseTransaction,
    failures: &Failures,
    operation: &'static str,
    identity: &server_identities::Model,
) -> Result<(), StoreError> {
    use server_identities::Column::{Position, RetiredAt, ServerId};

    let saved = server_identities::Entity::update_many()
        .col_expr(RetiredAt, Expr::value(identity.retired_at))
        .filter(ServerId.eq(identity.server_id.as_str()))
        .filter(Position.eq(identity.position))
        .exec(db)
        .await;
    saved.map(|_| ()).map_err(|e| failures.of(operation, e))
}

async fn insert_identities(
    db: &DatabaseTransaction,
    failures: &Failures,
    operation: &'static str,
    identities: Vec<server_identities::Model>,
) -> Result<(), StoreError> {
    for rows in identities.chunks(ROWS_AT_ONCE) {
        let rows = rows.iter().cloned().map(server_identities::ActiveModel::from);
        let inserted = server_identities::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await;
        if let Err(e) = inserted {
            let what = "a backup server has, or had, one of these identities already";
            return Err(duplicate(failures.of(operation, e), what));
        }
    }
    Ok(())
}

/// Every look-up that there is.
#[cfg(test)]
pub(crate) fn look_ups(backend: sea_orm::DbBackend) -> Vec<String> {
    use sea_orm::QueryTrait;

    let id = ServerId::from_random_bytes([7; 16]);
    let ids = ["6f1c2d3e-0000-4000-8000-000000000000"; 100];
    let servers = [by_id(ids[0]), page(None, 100), page(Some(id), 100)];
    let identities = [
        by_fingerprint(&Fingerprint::of_spki(b"abc")),
        identities_of(&ids[..1]),
        identities_of(&ids),
    ];
    let servers = servers.map(|select| select.build(backend).to_string());
    let identities = identities.map(|select| select.build(backend).to_string());
    servers.into_iter().chain(identities).collect()
}
