mod records;
mod recoveries;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{
    KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, StoreError, StoreErrorKind, UnitOfWork, UnstagedKey,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    AuditEvent, AuditHead, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag,
    SealedBytes, Sequence,
};

use crate::faults::{Fault, FaultyStore, error};

/// A snapshot or a unit of work that is lost with the first fault.
pub(crate) struct FaultyView<S: ?Sized> {
    inner: Option<Box<S>>,
    store: FaultyStore,
}

impl<S: ?Sized> FaultyView<S> {
    pub(crate) fn new(inner: Box<S>, store: FaultyStore) -> Self {
        Self {
            inner: Some(inner),
            store,
        }
    }

    async fn inner(&mut self) -> Result<&mut S, StoreError> {
        // Whatever strikes ends it, before somebody else has a turn.
        let inner = self.inner.take();
        match self.store.peek() {
            None => self.inner = inner,
            Some(_) => drop(inner),
        }
        self.store.strike().await?;
        Ok(self.inner.as_deref_mut().expect("nobody goes on after an error"))
    }
}

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl Snapshot for FaultyView<$type> {
            async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
                self.inner().await?.installation().await
            }

            async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
                self.inner().await?.find_keyset(id).await
            }

            async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
                self.inner().await?.find_by_fingerprint(fingerprint).await
            }

            async fn find_by_prefix(&mut self, prefix: &FingerprintPrefix, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                self.inner().await?.find_by_prefix(prefix, limit).await
            }

            async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                self.inner().await?.find_by_tag(tag, limit).await
            }

            async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
                self.inner().await?.active_keyset().await
            }

            async fn list_keysets(&mut self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError> {
                self.inner().await?.list_keysets(after, limit).await
            }

            async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
                self.inner().await?.sealed_private_key(id).await
            }

            async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
                self.inner().await?.master_key_census().await
            }

            async fn unstaged_private_keys(&mut self, after: Option<KeysetId>, limit: u32) -> Result<Vec<UnstagedKey>, StoreError> {
                self.inner().await?.unstaged_private_keys(after, limit).await
            }

            async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
                self.inner().await?.audit_head().await
            }

            async fn audit_rows(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
                self.inner().await?.audit_rows(after, limit).await
            }

            async fn checkpoints(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError> {
                self.inner().await?.checkpoints(after, limit).await
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);

#[async_trait]
impl UnitOfWork for FaultyView<dyn UnitOfWork> {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        self.inner().await?.insert_installation(installation).await
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        self.inner().await?.insert_keyset(keyset, private_key).await
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        self.inner().await?.save_keyset(keyset, expected).await
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        self.inner().await?.delete_keyset(id, expected).await
    }

    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        self.inner().await?.point_active(to, expected).await
    }

    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        self.inner().await?.stage_private_keys(staged).await
    }

    async fn discard_staged(&mut self) -> Result<(), StoreError> {
        self.inner().await?.discard_staged().await
    }

    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError> {
        self.inner().await?.switch_master_key(installation).await
    }

    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        self.inner().await?.append_audit(event).await
    }

    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        self.inner().await?.append_checkpoint(checkpoint).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let unit = self.inner.take().expect("nobody goes on after an error");
        match self.store.peek() {
            None | Some(Fault::Hangs) => {
                self.store.strike().await?;
                unit.commit().await
            }
            Some(Fault::Fails(_)) => {
                drop(unit);
                self.store.strike().await
            }
            Some(Fault::HappensUnanswered) => {
                self.store.next();
                unit.commit().await?;
                self.store.meddle().await;
                Err(error(StoreErrorKind::CommitUnknown))
            }
            Some(Fault::HappensLater) => {
                self.store.next();
                tokio::spawn(async move {
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    unit.commit().await
                });
                Err(error(StoreErrorKind::CommitUnknown))
            }
        }
    }
}
