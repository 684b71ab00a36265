//! The bytes of requests and responses: tens of MiB, kept in parts, so that no statement and no row needs a large packet
//! of a server.

use keystead_application::ports::{RecoveryDocument, StoreError, StoreErrorKind};
use keystead_domain::RequestId;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::entities::recovery_documents;
use crate::error::Failures;
use crate::mapping::Row;
use crate::write::duplicate;

/// The schema takes no longer one.
const PART: usize = 1024 * 1024;

/// Three MiB: servers may be set to take no more than four at once.
const PARTS_AT_ONCE: usize = 3;

/// What is read at once is in memory twice.
const PARTS_READ_AT_ONCE: u64 = 8;

pub(crate) async fn read(
    db: &DatabaseTransaction,
    failures: &Failures,
    id: RequestId,
    which: RecoveryDocument,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = Row(format!("{} of recovery request {id}", which.as_str()));
    let (mut bytes, mut last, mut all) = (Vec::new(), 0, None);
    loop {
        let parts = parts_after(id, which, last).all(db).await;
        let parts = parts.map_err(|e| failures.of("read a recovery document", e))?;
        if parts.is_empty() {
            break;
        }
        for part in parts {
            last += 1;
            if part.part != last {
                return Err(row.corrupt("part", format!("number {last} is missing")));
            }
            if *all.get_or_insert(part.parts) != part.parts {
                return Err(row.corrupt("parts", "its parts do not agree on how many they are"));
            }
            bytes.extend_from_slice(&part.bytes);
        }
    }
    match all {
        None => Ok(None),
        Some(all) if all == last => Ok(Some(bytes)),
        Some(all) if all < last => {
            Err(row.corrupt("parts", format!("there are more than the {all} that it has")))
        }
        Some(all) => Err(row.corrupt("part", format!("number {} of {all} is missing", last + 1))),
    }
}

fn parts_after(id: RequestId, which: RecoveryDocument, last: i32) -> Select<recovery_documents::Entity> {
    use recovery_documents::Column::{Part, RecoveryId, Which};

    recovery_documents::Entity::find()
        .filter(RecoveryId.eq(id.to_string()))
        .filter(Which.eq(which.as_str()))
        .filter(Part.gt(last))
        .order_by_asc(Part)
        .limit(PARTS_READ_AT_ONCE)
}

pub(crate) async fn keep(
    db: &DatabaseTransaction,
    failures: &Failures,
    id: RequestId,
    which: RecoveryDocument,
    bytes: &[u8],
) -> Result<(), StoreError> {
    const OPERATION: &str = "keep a recovery document";
    // One part at least, because a document of no bytes is another thing than none.
    let mut parts: Vec<&[u8]> = bytes.chunks(PART).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let all = i32::try_from(parts.len())
        .map_err(|e| StoreError::caused_by(StoreErrorKind::NoSpace, OPERATION, e))?;
    let mut numbers = 1..;
    for parts in parts.chunks(PARTS_AT_ONCE) {
        let rows = parts.iter().zip(numbers.by_ref()).map(|(bytes, part)| {
            recovery_documents::ActiveModel::from(recovery_documents::Model {
                recovery_id: id.to_string(),
                which: which.as_str().into(),
                part,
                parts: all,
                bytes: bytes.to_vec(),
            })
        });
        let inserted = recovery_documents::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await;
        if let Err(e) = inserted {
            let what = "this document of the recovery request is here already";
            let mut failure = duplicate(failures.of(OPERATION, e), what);
            // The schema knows which requests there are.
            if failure.kind == StoreErrorKind::Conflict {
                failure.message = "there is no such recovery request".into();
            }
            return Err(failure);
        }
    }
    Ok(())
}

/// The look-up of the parts.
#[cfg(test)]
pub(crate) fn look_up(backend: sea_orm::DbBackend) -> String {
    use sea_orm::QueryTrait;

    let id = RequestId::from_random_bytes([7; 16]);
    parts_after(id, RecoveryDocument::Request, 8)
        .build(backend)
        .to_string()
}
