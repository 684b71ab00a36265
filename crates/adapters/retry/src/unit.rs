mod records;
mod recoveries;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent, canonical_bytes};
use keystead_application::ports::{StoreError, StoreErrorKind, UnitOfWork};
use keystead_domain::keyset::Version;
use keystead_domain::{AuditEvent, Installation, Keyset, KeysetId, SealedBytes, Sequence};

use crate::answer::ROW;
use crate::patience::Attempts;
use crate::session::Session;
use crate::touched::Said;

/// An event of a unit of work, and the place that it got the last time it was added.
pub(crate) struct Appended {
    event: AuditEvent,
    place: AtomicU64,
}

/// What a look at the store says about a commit without an answer.
enum Looked {
    /// It happened.
    Happened,
    /// It did not, and never will: this unit of work came after its end.
    NothingKept(Box<dyn UnitOfWork>),
}

#[async_trait]
impl UnitOfWork for Session<dyn UnitOfWork> {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        let kept = Arc::new(installation.clone());
        self.change(2 * ROW, move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.insert_installation(&kept).await })
        })
        .await
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        let weight = ROW + private_key.ciphertext.len();
        let kept = Arc::new((keyset.clone(), private_key.clone()));
        self.change(weight, move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.insert_keyset(&kept.0, &kept.1).await })
        })
        .await
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        let kept = Arc::new(keyset.clone());
        self.change(ROW, move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.save_keyset(&kept, expected).await })
        })
        .await
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        self.change(ROW, move |unit| unit.delete_keyset(id, expected))
            .await
    }

    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        self.change(ROW, move |unit| unit.point_active(to, expected))
            .await
    }

    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        let weight = staged
            .iter()
            .map(|(_, sealed)| ROW + sealed.ciphertext.len())
            .sum();
        let kept: Arc<[_]> = Arc::from(staged);
        self.change(weight, move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.stage_private_keys(&kept).await })
        })
        .await
    }

    async fn discard_staged(&mut self) -> Result<(), StoreError> {
        self.change(ROW, |unit| unit.discard_staged()).await
    }

    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError> {
        let kept = Arc::new(installation.clone());
        self.change(2 * ROW, move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.switch_master_key(&kept).await })
        })
        .await
    }

    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        let appended = Arc::new(Appended {
            event: event.clone(),
            place: AtomicU64::new(0),
        });
        let again = Arc::clone(&appended);
        let place = self
            .change(ROW, move |unit| {
                let appended = Arc::clone(&again);
                Box::pin(async move {
                    let place = unit.append_audit(&appended.event).await?;
                    appended.place.store(place.0, Ordering::Relaxed);
                    Ok(place)
                })
            })
            .await?;
        self.events.push(appended);
        Ok(place)
    }

    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let weight = ROW + checkpoint.note.len();
        let kept = Arc::new(checkpoint.clone());
        self.change(weight, move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.append_checkpoint(&kept).await })
        })
        .await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let mut attempts = self.attempts();
        loop {
            let Err(mut failure) = self.take()?.commit().await else {
                return Ok(());
            };
            let passing = failure.kind.is_retryable() || failure.kind == StoreErrorKind::CommitUnknown;
            if passing && !self.has_changes {
                // Nothing was to be kept, and what was read was so.
                return Ok(());
            }
            if failure.kind == StoreErrorKind::CommitUnknown {
                failure = match self.look_up(&mut attempts, failure).await? {
                    Looked::Happened => return Ok(()),
                    Looked::NothingKept(_) if !self.can_replay() => return Err(nothing_kept()),
                    Looked::NothingKept(unit) => match self.replay(unit).await {
                        Ok(()) => continue,
                        Err(failure) => failure,
                    },
                };
            }
            self.begin_anew(&mut attempts, failure).await?;
        }
    }
}

impl Session<dyn UnitOfWork> {
    /// Finds out what became of a commit without an answer.
    async fn look_up(&mut self, attempts: &mut Attempts, unknown: StoreError) -> Result<Looked, StoreError> {
        loop {
            let failure = match self.look().await {
                Ok(looked) => return Ok(looked),
                Err(failure) => failure,
            };
            // The server may hold the lock for the lost connection until it notices that nobody is there any more.
            let passing = failure.kind.is_retryable() || failure.kind == StoreErrorKind::Busy;
            let failure = if passing {
                match attempts.pause(failure).await {
                    Ok(()) => continue,
                    Err(failure) => failure,
                }
            } else {
                attempts.extended(failure)
            };
            return Err(still_unknown(unknown, failure));
        }
    }

    /// Beginning a unit of work waits for the end of the one before it, so what is in the store then is final. Where there
    /// is an event it tells; otherwise the records do, which need none.
    async fn look(&mut self) -> Result<Looked, StoreError> {
        let mut unit = self.store().begin().await?;
        let said = match self.events.is_empty() {
            true => self.records.ask(unit.as_mut()).await?,
            false => ask_the_trail(unit.as_mut(), &self.expected_rows()?).await?,
        };
        match said {
            Said::Happened => Ok(Looked::Happened),
            Said::NothingKept => Ok(Looked::NothingKept(unit)),
            Said::Nothing => Err(StoreError::new(
                StoreErrorKind::Conflict,
                "commit",
                "somebody else has changed the same records since",
            )),
        }
    }

    fn expected_rows(&self) -> Result<Vec<(Sequence, Vec<u8>)>, StoreError> {
        self.events
            .iter()
            .map(|appended| {
                let place = Sequence(appended.place.load(Ordering::Relaxed));
                let bytes = canonical_bytes(place, &appended.event)
                    .map_err(|error| StoreError::caused_by(StoreErrorKind::Corrupt, "commit", error))?;
                Ok((place, bytes))
            })
            .collect()
    }
}

/// The events are looked for in the places that they got: others may have added theirs since. An event names the actor,
/// the subject and the microsecond, and its bytes the place: what equals it is it.
async fn ask_the_trail(
    unit: &mut dyn UnitOfWork,
    expected: &[(Sequence, Vec<u8>)],
) -> Result<Said, StoreError> {
    let before = expected
        .first()
        .map(|(place, _)| Sequence(place.0.saturating_sub(1)));
    let rows = unit
        .audit_rows(before, u32::try_from(expected.len()).unwrap_or(u32::MAX))
        .await?;
    let found = rows.len() == expected.len()
        && rows.iter().zip(expected).all(|(row, (place, bytes))| {
            let StoredEvent {
                sequence,
                canonical,
                chain: _,
                damage: _,
            } = row;
            sequence == place && canonical == bytes
        });
    Ok(match found {
        true => Said::Happened,
        false => Said::NothingKept,
    })
}

fn nothing_kept() -> StoreError {
    StoreError::new(
        StoreErrorKind::Disconnected,
        "commit",
        "the connection was lost, and nothing of the changes was kept; they were too many to be done again from here",
    )
}

fn still_unknown(unknown: StoreError, failure: StoreError) -> StoreError {
    StoreError {
        kind: StoreErrorKind::CommitUnknown,
        operation: unknown.operation,
        message: format!(
            "{}; whether the changes happened could not be found out ({failure}): look before doing it again",
            unknown.message
        ),
        source: unknown.source.or(failure.source),
    }
}
