//! The audit trail: read as it stands there, right or wrong, and written at its end alone.

use keystead_application::audit::{StoredCheckpoint, StoredEvent, chained, from_canonical_bytes};
use keystead_application::ports::{StoreError, StoreErrorKind};
use keystead_domain::{AuditEvent, AuditHead, ChainHash, Sequence};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, QueryTrait, Select, TryGetable,
};

use crate::entities::{THE_ROW, audit_checkpoints, audit_events, audit_head};
use crate::error::Failures;
use crate::mapping::{checkpoint_from_model, sequence_from_column, sequence_to_column};
use crate::write::duplicate;

/// Takes the lock that every writer takes first, and says where the trail ends.
pub(crate) async fn lock_head(
    db: &DatabaseTransaction,
    failures: &Failures,
    operation: &'static str,
) -> Result<AuditHead, StoreError> {
    // Servers lock the row until the transaction ends. SQLite has locked the whole database already.
    head_from(the_head().lock_exclusive(), db, failures, operation).await
}

pub(crate) async fn head(db: &DatabaseTransaction, failures: &Failures) -> Result<AuditHead, StoreError> {
    head_from(the_head(), db, failures, "read the audit head").await
}

fn the_head() -> Select<audit_head::Entity> {
    audit_head::Entity::find_by_id(THE_ROW)
}

async fn head_from(
    select: Select<audit_head::Entity>,
    db: &DatabaseTransaction,
    failures: &Failures,
    operation: &'static str,
) -> Result<AuditHead, StoreError> {
    let corrupt = |what| failures.because(StoreErrorKind::Corrupt, operation, what);
    let row = select.one(db).await.map_err(|e| failures.of(operation, e))?;
    let Some(audit_head::Model {
        id: _,
        last_sequence,
        chain,
    }) = row
    else {
        return Err(corrupt("has lost its audit head"));
    };
    let chain = chain.and_then(|chain| chain.parse().ok());
    Ok(AuditHead {
        sequence: sequence_from_column(last_sequence)?,
        chain: chain
            .ok_or_else(|| corrupt("has a damaged audit head: what is there is no value of the chain"))?,
    })
}

pub(crate) async fn rows(
    db: &DatabaseTransaction,
    failures: &Failures,
    after: Option<Sequence>,
    limit: u32,
) -> Result<Vec<StoredEvent>, StoreError> {
    const OPERATION: &str = "read the audit trail";
    // No event has a place beyond what the column holds.
    let Ok(after) = i64::try_from(after.map_or(0, |after| after.0)) else {
        return Ok(Vec::new());
    };
    let select = rows_after(after, limit).into_query();
    let rows = db
        .query_all(&select)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    // Not through the model: one value of a wrong type would hide all other rows.
    Ok(rows.iter().map(stored_event).collect())
}

fn rows_after(after: i64, limit: u32) -> Select<audit_events::Entity> {
    audit_events::Entity::find()
        .filter(audit_events::Column::Sequence.gt(after))
        .order_by_asc(audit_events::Column::Sequence)
        .limit(u64::from(limit))
}

fn stored_event(row: &QueryResult) -> StoredEvent {
    let sequence = value::<i64>(row, "sequence").and_then(|n| u64::try_from(n).ok());
    let canonical = value::<Vec<u8>>(row, "canonical");
    StoredEvent {
        damage: match (&sequence, &canonical) {
            (None, _) => Some("its place is no number".into()),
            (_, None) => Some("it has no bytes".into()),
            (Some(_), Some(canonical)) => damage(row, canonical),
        },
        // A place that cannot be: it comes last in the order of the column too.
        sequence: Sequence(sequence.unwrap_or(u64::MAX)),
        chain: value::<String>(row, "chain").and_then(|chain| chain.parse().ok()),
        canonical: canonical.unwrap_or_default(),
    }
}

/// The event is what its canonical bytes say. The columns beside them must say the same: somebody looks events up by
/// them.
fn damage(row: &QueryResult, canonical: &[u8]) -> Option<String> {
    // What is wrong with the bytes, whoever reads them finds.
    let event = from_canonical_bytes(canonical).ok()?.event;
    let columns = [
        ("at", value::<i64>(row, "at") == Some(event.at.as_micros())),
        (
            "action",
            value::<String>(row, "action").as_deref() == Some(event.action.as_str()),
        ),
        (
            "subject",
            value::<Option<String>>(row, "subject") == Some(subject_column(&event)),
        ),
        (
            "outcome",
            value::<String>(row, "outcome").as_deref() == Some(event.outcome.as_str()),
        ),
    ];
    let wrong = columns.iter().find(|(_, right)| !right)?.0;
    Some(format!("its column \"{wrong}\" is not that of the event"))
}

fn value<T: TryGetable>(row: &QueryResult, column: &str) -> Option<T> {
    row.try_get("", column).ok()
}

pub(crate) async fn checkpoints(
    db: &DatabaseTransaction,
    failures: &Failures,
    after: Option<Sequence>,
    limit: u32,
) -> Result<Vec<StoredCheckpoint>, StoreError> {
    let Ok(after) = i64::try_from(after.map_or(0, |after| after.0)) else {
        return Ok(Vec::new());
    };
    let rows = audit_checkpoints::Entity::find()
        .filter(audit_checkpoints::Column::Sequence.gt(after))
        .order_by_asc(audit_checkpoints::Column::Sequence)
        .limit(u64::from(limit))
        .all(db)
        .await
        .map_err(|e| failures.of("read the checkpoints", e))?;
    rows.into_iter().map(checkpoint_from_model).collect()
}

/// Adds an event behind `head`, and gives the new head.
pub(crate) async fn append(
    db: &DatabaseTransaction,
    failures: &Failures,
    head: AuditHead,
    event: &AuditEvent,
) -> Result<AuditHead, StoreError> {
    const OPERATION: &str = "append to the audit trail";
    let impossible = |e| StoreError::caused_by(StoreErrorKind::Corrupt, OPERATION, e);
    let StoredEvent {
        sequence,
        canonical,
        chain,
        damage: _,
    } = chained(head, event).map_err(impossible)?;
    // An event that this program makes has a value.
    let chain = chain.unwrap_or_else(|| head.chain.after(&canonical));
    let place = sequence_to_column(sequence)?;
    let row = audit_events::Model {
        sequence: place,
        at: event.at.as_micros(),
        action: event.action.as_str().into(),
        subject: subject_column(event),
        outcome: event.outcome.as_str().into(),
        canonical,
        chain: Some(chain.to_string()),
    };
    let inserted = audit_events::Entity::insert(audit_events::ActiveModel::from(row))
        .exec_without_returning(db)
        .await;
    if let Err(e) = inserted {
        let mut failure = failures.of(OPERATION, e);
        if failure.kind == StoreErrorKind::Duplicate {
            // The head is behind its own trail.
            failure.kind = StoreErrorKind::Corrupt;
        }
        return Err(failure);
    }
    move_head(db, failures, place, chain).await?;
    Ok(AuditHead { sequence, chain })
}

async fn move_head(
    db: &DatabaseTransaction,
    failures: &Failures,
    place: i64,
    chain: ChainHash,
) -> Result<(), StoreError> {
    const OPERATION: &str = "move the audit head";
    let head = audit_head::ActiveModel {
        id: ActiveValue::NotSet,
        last_sequence: ActiveValue::Set(place),
        chain: ActiveValue::Set(Some(chain.to_string())),
    };
    let moved = audit_head::Entity::update_many()
        .set(head)
        .filter(audit_head::Column::Id.eq(THE_ROW))
        .filter(audit_head::Column::LastSequence.eq(place - 1))
        .exec(db)
        .await
        .map_err(|e| failures.of(OPERATION, e))?;
    match moved.rows_affected {
        1 => Ok(()),
        _ => Err(failures.because(StoreErrorKind::Corrupt, OPERATION, "has lost its audit head")),
    }
}

pub(crate) async fn append_checkpoint(
    db: &DatabaseTransaction,
    failures: &Failures,
    checkpoint: &StoredCheckpoint,
) -> Result<(), StoreError> {
    let StoredCheckpoint { sequence, note } = checkpoint;
    let row = audit_checkpoints::Model {
        sequence: sequence_to_column(*sequence)?,
        note: note.clone(),
    };
    match audit_checkpoints::Entity::insert(audit_checkpoints::ActiveModel::from(row))
        .exec_without_returning(db)
        .await
    {
        Ok(_) => Ok(()),
        Err(e) => Err(duplicate(
            failures.of("keep a checkpoint", e),
            "there is a checkpoint for this place already",
        )),
    }
}

/// The subject in the column to look events up by. PostgreSQL's text cannot hold a zero character; the canonical bytes
/// hold what was said.
fn subject_column(event: &AuditEvent) -> Option<String> {
    event
        .subject
        .as_ref()
        .map(|subject| subject.replace('\0', "\u{fffd}"))
}
