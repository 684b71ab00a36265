//! What is read, in any transaction.

use keystead_application::ports::{DamagedKeyset, KeysetCursor, KeysetPage, StoreError, StoreErrorKind};
use keystead_domain::{
    Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag, SealedBytes,
};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SelectTwo,
};

use crate::entities::{THE_ROW, active_keyset, installation, keyset_private_keys, keysets};
use crate::error::Failures;
use crate::mapping::{hex_tag, installation_from_model, keyset_from_model, sealed_from_model};

pub(crate) async fn installation(
    db: &DatabaseTransaction,
    failures: &Failures,
) -> Result<Option<Installation>, StoreError> {
    let row = installation::Entity::find_by_id(THE_ROW).one(db).await;
    row.map_err(|e| failures.of("read installation", e))?
        .map(installation_from_model)
        .transpose()
}

pub(crate) async fn keyset(
    db: &DatabaseTransaction,
    failures: &Failures,
    id: KeysetId,
) -> Result<Option<Keyset>, StoreError> {
    one(db, failures, by_id(id)).await
}

pub(crate) async fn keyset_by_fingerprint(
    db: &DatabaseTransaction,
    failures: &Failures,
    fingerprint: &Fingerprint,
) -> Result<Option<Keyset>, StoreError> {
    one(db, failures, by_fingerprint(fingerprint)).await
}

pub(crate) async fn keysets_by_prefix(
    db: &DatabaseTransaction,
    failures: &Failures,
    prefix: &FingerprintPrefix,
    limit: u32,
) -> Result<Vec<Keyset>, StoreError> {
    all(db, failures, by_prefix(prefix, limit)).await
}

pub(crate) async fn keysets_by_tag(
    db: &DatabaseTransaction,
    failures: &Failures,
    tag: RecipientTag,
    limit: u32,
) -> Result<Vec<Keyset>, StoreError> {
    all(db, failures, by_tag(tag, limit)).await
}

pub(crate) async fn active_keyset(
    db: &DatabaseTransaction,
    failures: &Failures,
) -> Result<Option<Keyset>, StoreError> {
    one(db, failures, pointed_at()).await
}

pub(crate) async fn page_of_keysets(
    db: &DatabaseTransaction,
    failures: &Failures,
    after: Option<KeysetCursor>,
    limit: u32,
) -> Result<KeysetPage, StoreError> {
    let limit = at_least_one(limit);
    let select = page(after, u64::from(limit) + 1);
    let mut rows = select.all(db).await.map_err(|e| failures.of("read keysets", e))?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let (mut keysets, mut damaged) = (Vec::with_capacity(rows.len()), Vec::new());
    for (row, pointer) in rows {
        let id = row.id.clone();
        match keyset_from_model(row, pointer.is_some()) {
            Ok(keyset) => keysets.push(keyset),
            Err(error) => damaged.push(DamagedKeyset {
                id,
                what: error.message,
            }),
        }
    }
    Ok(KeysetPage {
        // Damaged rows behind the last good one come again on the next page, which ends when it has nothing else.
        next: keysets.last().filter(|_| more).map(KeysetCursor::of),
        keysets,
        damaged,
    })
}

pub(crate) async fn sealed_private_key(
    db: &DatabaseTransaction,
    failures: &Failures,
    id: KeysetId,
) -> Result<Option<SealedBytes>, StoreError> {
    const OPERATION: &str = "read the sealed private key";
    let id = id.to_string();
    let row = keyset_private_keys::Entity::find_by_id(id.as_str()).one(db).await;
    if let Some(row) = row.map_err(|e| failures.of(OPERATION, e))? {
        return sealed_from_model(row).map(Some);
    }
    // Nothing is the right answer for a keyset that is not there, and damage for one that is.
    let keyset = keysets::Entity::find_by_id(id.as_str())
        .select_only()
        .column(keysets::Column::Id)
        .into_tuple::<String>()
        .one(db)
        .await;
    match keyset.map_err(|e| failures.of(OPERATION, e))? {
        None => Ok(None),
        Some(id) => {
            let message = format!("the private key of the stored keyset {id} is missing");
            Err(StoreError::new(StoreErrorKind::Corrupt, OPERATION, message))
        }
    }
}

/// A page of nothing would never end.
fn at_least_one(limit: u32) -> u32 {
    if limit == 0 { 1 } else { limit }
}

type Keysets = SelectTwo<keysets::Entity, active_keyset::Entity>;

/// Keysets, and whether the pointer names them.
fn keysets() -> Keysets {
    keysets::Entity::find().find_also_related(active_keyset::Entity)
}

fn by_id(id: KeysetId) -> Keysets {
    keysets().filter(keysets::Column::Id.eq(id.to_string()))
}

fn by_fingerprint(fingerprint: &Fingerprint) -> Keysets {
    keysets().filter(keysets::Column::Fingerprint.eq(fingerprint.to_string()))
}

fn by_prefix(prefix: &FingerprintPrefix, limit: u32) -> Keysets {
    // A range of whole fingerprints uses the index on every engine; a pattern does so on some.
    let (first, last) = (
        format!("{:0<64}", prefix.as_str()),
        format!("{:f<64}", prefix.as_str()),
    );
    keysets()
        .filter(keysets::Column::Fingerprint.between(first, last))
        .order_by_asc(keysets::Column::Fingerprint)
        .limit(u64::from(limit))
}

fn by_tag(tag: RecipientTag, limit: u32) -> Keysets {
    keysets()
        .filter(keysets::Column::RecipientTag.eq(hex_tag(tag)))
        .order_by_asc(keysets::Column::Fingerprint)
        .limit(u64::from(limit))
}

fn pointed_at() -> Keysets {
    keysets().filter(active_keyset::Column::Id.eq(THE_ROW))
}

fn page(after: Option<KeysetCursor>, limit: u64) -> Keysets {
    use keysets::Column::{CreatedAt, Id};

    let select = match after {
        // The first condition is what the index is entered with; the second takes out what was seen already.
        Some(KeysetCursor { created_at, id }) => {
            let created_at = created_at.as_micros();
            keysets()
                .filter(CreatedAt.gte(created_at))
                .filter(CreatedAt.gt(created_at).or(Id.gt(id.to_string())))
        }
        // True of every row. Without it MariaDB reads all of them and sorts, as long as it has no statistics.
        None => keysets().filter(CreatedAt.gte(i64::MIN)),
    };
    select.order_by_asc(CreatedAt).order_by_asc(Id).limit(limit)
}

async fn one(
    db: &DatabaseTransaction,
    failures: &Failures,
    select: Keysets,
) -> Result<Option<Keyset>, StoreError> {
    let row = select.one(db).await.map_err(|e| failures.of("read keyset", e))?;
    row.map(|(keyset, pointer)| keyset_from_model(keyset, pointer.is_some()))
        .transpose()
}

async fn all(
    db: &DatabaseTransaction,
    failures: &Failures,
    select: Keysets,
) -> Result<Vec<Keyset>, StoreError> {
    let rows = select.all(db).await.map_err(|e| failures.of("read keysets", e))?;
    rows.into_iter()
        .map(|(keyset, pointer)| keyset_from_model(keyset, pointer.is_some()))
        .collect()
}

/// Every look-up that there is, as the select of an entity.
#[cfg(test)]
pub(crate) fn look_ups() -> [Keysets; 7] {
    let id = KeysetId::from_random_bytes([7; 16]);
    let fingerprint = Fingerprint::of_spki(b"abc");
    let prefix: Result<FingerprintPrefix, _> = fingerprint.short().parse();
    let cursor = keystead_domain::Timestamp::from_micros(5).map(|created_at| KeysetCursor { created_at, id });
    [
        by_id(id),
        by_fingerprint(&fingerprint),
        prefix.map_or_else(|_| keysets(), |prefix| by_prefix(&prefix, 2)),
        by_tag(RecipientTag([1, 2, 3, 4]), 10),
        pointed_at(),
        page(None, 100),
        page(cursor.ok(), 100),
    ]
}
