use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use keystead_application::audit::StoredCheckpoint;
use keystead_application::ports::{Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork};
use keystead_contract::samples;
use keystead_domain::keyset::{Keyset, Version};
use keystead_domain::{Action, AuditEvent, Installation, KeysetId, SealedBytes, Sequence};

use super::Fault;
use super::memory::Memory;
use super::view::{Inner, View};

/// A store that keeps all promises but one.
pub(super) struct BrokenStore {
    inner: Arc<dyn Store>,
    fault: Fault,
    events: Arc<AtomicU32>,
    memory: Arc<Memory>,
}

impl BrokenStore {
    pub(super) fn new(inner: Arc<dyn Store>, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            events: Arc::default(),
            memory: Arc::default(),
        }
    }

    fn view(&self, inner: Inner) -> View {
        View::new(
            inner,
            Arc::clone(&self.inner),
            self.fault,
            Arc::clone(&self.memory),
        )
    }
}

#[async_trait]
impl Store for BrokenStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let snapshot = Inner::Snapshot(self.inner.snapshot().await?);
        Ok(Box::new(self.view(snapshot)))
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let unit = Inner::Unit(self.inner.begin().await?);
        Ok(Box::new(BrokenUnit {
            view: self.view(unit),
            fault: self.fault,
            events: Arc::clone(&self.events),
            appended: 0,
            put_records: false,
        }))
    }
}

pub(super) struct BrokenUnit {
    pub(super) view: View,
    pub(super) fault: Fault,
    events: Arc<AtomicU32>,
    appended: u64,
    pub(super) put_records: bool,
}

impl BrokenUnit {
    pub(super) fn unit(&mut self) -> &mut dyn UnitOfWork {
        match self.view.inner.as_mut().unwrap() {
            Inner::Unit(unit) => unit.as_mut(),
            Inner::Snapshot(_) => unreachable!("a unit of work holds a unit of work"),
        }
    }

    fn take(&mut self) -> Option<Box<dyn UnitOfWork>> {
        match self.view.inner.take() {
            Some(Inner::Unit(unit)) => Some(unit),
            Some(Inner::Snapshot(_)) | None => None,
        }
    }
}

#[async_trait]
impl UnitOfWork for BrokenUnit {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        if self.fault == Fault::ReplacesInstallation && self.unit().installation().await?.is_some() {
            return Ok(());
        }
        self.unit().insert_installation(installation).await
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        if self.fault == Fault::SwallowsDuplicates {
            let known = self.unit().find_by_fingerprint(&keyset.fingerprint()).await?;
            if known.is_some() {
                return Ok(());
            }
        }
        self.unit().insert_keyset(keyset, private_key).await
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        if self.fault == Fault::ForgetsVersionsOnSave
            && let Some(current) = self.unit().find_keyset(keyset.id()).await?
        {
            return self.unit().save_keyset(keyset, current.version()).await;
        }
        self.unit().save_keyset(keyset, expected).await
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        match self.fault {
            Fault::DeletesNothing => Ok(()),
            Fault::ForgetsVersionsOnDelete => match self.unit().find_keyset(id).await? {
                Some(current) => self.unit().delete_keyset(id, current.version()).await,
                None => self.unit().delete_keyset(id, expected).await,
            },
            _ => {
                self.view.memory.orphan(id);
                self.unit().delete_keyset(id, expected).await
            }
        }
    }

    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        let fault = self.fault;
        match fault {
            Fault::MovesPointerAnyway => {
                let current = self.unit().active_keyset().await?.map(|keyset| keyset.id());
                self.unit().point_active(to, current).await
            }
            Fault::PointsAtAnything if self.unit().find_keyset(to).await?.is_none() => Ok(()),
            _ => self.unit().point_active(to, expected).await,
        }
    }

    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        if self.fault == Fault::StagesForAnything {
            for copy in staged {
                if self.unit().find_keyset(copy.0).await?.is_some() {
                    self.unit().stage_private_keys(std::slice::from_ref(copy)).await?;
                }
            }
            return Ok(());
        }
        self.view.memory.stage(staged);
        self.unit().stage_private_keys(staged).await
    }

    async fn discard_staged(&mut self) -> Result<(), StoreError> {
        match self.fault {
            Fault::DiscardsNothing => Ok(()),
            _ => self.unit().discard_staged().await,
        }
    }

    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError> {
        match self.fault {
            Fault::SwitchesWithOneMissing => {
                let missing = self.unit().unstaged_private_keys(None, u32::MAX).await?;
                for key in missing {
                    let copy = under_the_key_of(installation, key.sealed);
                    self.unit().stage_private_keys(&[(key.keyset, copy)]).await?;
                }
            }
            Fault::SwitchesToAnyKey => {
                for (id, copy) in self.view.memory.all_staged() {
                    let copy = under_the_key_of(installation, copy);
                    self.unit().stage_private_keys(&[(id, copy)]).await?;
                }
            }
            Fault::SwitchForgetsTheInstallation => return self.unit().discard_staged().await,
            _ => {}
        }
        self.unit().switch_master_key(installation).await
    }

    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        if self.fault == Fault::SwallowsDuplicates {
            let after = Some(Sequence(checkpoint.sequence.0 - 1));
            let known = self.unit().checkpoints(after, 1).await?;
            if known.iter().any(|known| known.sequence == checkpoint.sequence) {
                return Ok(());
            }
        }
        self.unit().append_checkpoint(checkpoint).await
    }

    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        self.appended += 1;
        let count = self.events.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::MixesUpEvents if count % 7 == 6 => {
                // The store underneath insists on some event, so the wrong one is kept.
                let other = samples::event(Action::BackupOpen, "something else").unwrap();
                self.unit().append_audit(&other).await
            }
            Fault::LosesDetails => {
                let mut event = event.clone();
                event.details.clear();
                self.unit().append_audit(&event).await
            }
            Fault::LeavesGaps => {
                let Sequence(place) = self.unit().append_audit(event).await?;
                Ok(Sequence(place * 2 - 1))
            }
            _ => self.unit().append_audit(event).await,
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let Some(unit) = self.take() else {
            return Ok(());
        };
        if self.fault == Fault::WantsEventsForEverything && self.put_records && self.appended == 0 {
            return Err(unaudited());
        }
        let slips_one_in = match self.fault {
            Fault::CommitsWithoutEvent | Fault::CommitsAndSaysUnaudited => self.appended == 0,
            _ => false,
        };
        if slips_one_in {
            commit_quietly(unit, self.fault).await
        } else {
            unit.commit().await
        }
    }
}

/// What a store does not keep that looks at no key.
fn under_the_key_of(installation: &Installation, sealed: SealedBytes) -> SealedBytes {
    SealedBytes {
        master_key_id: installation.master_key_id().clone(),
        ..sealed
    }
}

/// Gives the store underneath the event that it insists on.
async fn commit_quietly(mut unit: Box<dyn UnitOfWork>, fault: Fault) -> Result<(), StoreError> {
    unit.append_audit(&samples::event(Action::KeysetEdit, "slipped in").unwrap())
        .await?;
    unit.commit().await?;
    match fault {
        Fault::CommitsAndSaysUnaudited => Err(unaudited()),
        _ => Ok(()),
    }
}

fn unaudited() -> StoreError {
    StoreError::new(StoreErrorKind::Unaudited, "commit", "there is no event")
}

impl Drop for BrokenUnit {
    fn drop(&mut self) {
        let Some(mut unit) = self.take() else {
            return;
        };
        self.view.memory.roll_back(self.appended);
        match self.fault {
            Fault::CommitsOnDrop => {
                // The next unit of work waits for this one, so the task need not be waited for.
                tokio::spawn(async move {
                    let event = samples::event(Action::KeysetEdit, "on drop").unwrap();
                    let _ = unit.append_audit(&event).await;
                    let _ = unit.commit().await;
                });
            }
            Fault::NeverLetsGo => std::mem::forget(unit),
            _ => drop(unit),
        }
    }
}
