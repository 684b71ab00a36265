mod records;
mod recoveries;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{
    KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, StoreError, UnstagedKey,
};
use keystead_domain::{
    AuditHead, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag, SealedBytes,
    Sequence,
};

use super::state::State;
use super::unit::MemoryUnitOfWork;

/// What was committed at one moment.
pub(super) struct MemorySnapshot {
    state: Arc<State>,
}

impl MemorySnapshot {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    fn view(&self) -> Result<&State, StoreError> {
        Ok(&self.state)
    }
}

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl Snapshot for $type {
            async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
                Ok(self.view()?.installation.clone())
            }

            async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
                self.view()?.find(id)
            }

            async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
                let found = self.view()?.select(1, |columns| columns.fingerprint == *fingerprint)?;
                Ok(found.into_iter().next())
            }

            async fn find_by_prefix(
                &mut self,
                prefix: &FingerprintPrefix,
                limit: u32,
            ) -> Result<Vec<Keyset>, StoreError> {
                self.view()?.select(limit, |columns| prefix.matches(&columns.fingerprint))
            }

            async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                self.view()?.select(limit, |columns| columns.public_key.tag() == tag)
            }

            async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
                self.view()?.active()
            }

            async fn list_keysets(
                &mut self,
                after: Option<KeysetCursor>,
                limit: u32,
            ) -> Result<KeysetPage, StoreError> {
                self.view()?.list(after, limit)
            }

            async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
                Ok(self.view()?.private_key(id))
            }

            async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
                Ok(self.view()?.census())
            }

            async fn unstaged_private_keys(
                &mut self,
                after: Option<KeysetId>,
                limit: u32,
            ) -> Result<Vec<UnstagedKey>, StoreError> {
                Ok(self.view()?.unstaged(after, limit))
            }

            async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
                Ok(self.view()?.trail.head)
            }

            async fn audit_rows(
                &mut self,
                after: Option<Sequence>,
                limit: u32,
            ) -> Result<Vec<StoredEvent>, StoreError> {
                Ok(self.view()?.trail.rows(after, limit))
            }

            async fn checkpoints(
                &mut self,
                after: Option<Sequence>,
                limit: u32,
            ) -> Result<Vec<StoredCheckpoint>, StoreError> {
                Ok(self.view()?.trail.checkpoints(after, limit))
            }
        }
    )+};
}

reads!(MemorySnapshot, MemoryUnitOfWork);
