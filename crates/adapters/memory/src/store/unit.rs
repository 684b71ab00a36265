mod records;
mod recoveries;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::audit::StoredCheckpoint;
use keystead_application::ports::{StoreError, StoreErrorKind, UnitOfWork};
use keystead_domain::keyset::{Keyset, Version};
use keystead_domain::{AuditEvent, Installation, KeysetId, SealedBytes, Sequence};
use tokio::sync::OwnedMutexGuard;

use super::state::State;
use crate::token::lock;

/// A copy of the state that nobody else sees, and the right to put it back.
pub(super) struct MemoryUnitOfWork {
    state: State,
    committed: Arc<Mutex<Arc<State>>>,
    changed: bool,
    audited: bool,
    failed: bool,
    // Held until the unit of work is committed or dropped: units of work come one after the other.
    _writing: OwnedMutexGuard<()>,
}

impl MemoryUnitOfWork {
    pub(super) fn new(state: State, committed: Arc<Mutex<Arc<State>>>, writing: OwnedMutexGuard<()>) -> Self {
        Self {
            state,
            committed,
            changed: false,
            audited: false,
            failed: false,
            _writing: writing,
        }
    }

    pub(super) fn view(&self) -> Result<&State, StoreError> {
        self.check_usable().map(|()| &self.state)
    }

    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_usable()?;
        let result = change(&mut self.state);
        self.failed = result.is_err();
        result
    }

    /// Some databases end a transaction at its first error. A caller that goes on after one is wrong everywhere.
    fn check_usable(&self) -> Result<(), StoreError> {
        if self.failed {
            Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "unit of work",
                "it failed before and can only be dropped",
            ))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl UnitOfWork for MemoryUnitOfWork {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.insert_installation(installation))
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.insert_keyset(keyset, private_key))
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.save_keyset(keyset, expected))
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.delete_keyset(id, expected))
    }

    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.point_active(to, expected))
    }

    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.stage(staged))
    }

    async fn discard_staged(&mut self) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| {
            state.discard_staged();
            Ok(())
        })
    }

    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.switch_master_key(installation))
    }

    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        self.audited = true;
        self.change(|state| state.trail.append(event))
    }

    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.trail.append_checkpoint(checkpoint))
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.check_usable()?;
        if self.changed && !self.audited {
            return Err(StoreError::new(
                StoreErrorKind::Unaudited,
                "commit",
                "a change without an audit event does not happen",
            ));
        }
        self.state.check()?;
        *lock(&self.committed) = Arc::new(self.state);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use keystead_application::ports::Store;

    use crate::MemoryStore;

    #[tokio::test]
    async fn after_an_error_a_unit_can_only_be_dropped() {
        let store = MemoryStore::new();
        let mut unit = store.begin().await.unwrap();
        let nobody = keystead_domain::KeysetId::from_random_bytes([1; 16]);
        assert!(unit.point_active(nobody, None).await.is_err());
        assert!(unit.active_keyset().await.is_err());
        assert!(unit.commit().await.is_err());
        assert!(store.begin().await.unwrap().commit().await.is_ok());
    }
}
