mod records;
mod recoveries;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{
    KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, StoreError, UnitOfWork, UnstagedKey,
};
use keystead_domain::{
    AuditHead, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag, SealedBytes,
    Sequence,
};

use crate::session::Session;

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl Snapshot for Session<$type> {
            async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
                self.read(move |view| view.installation()).await
            }

            async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
                self.read(move |view| view.find_keyset(id)).await
            }

            async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
                let fingerprint = *fingerprint;
                self.read(move |view| {
                    let fingerprint = fingerprint;
                    Box::pin(async move { view.find_by_fingerprint(&fingerprint).await })
                })
                .await
            }

            async fn find_by_prefix(&mut self, prefix: &FingerprintPrefix, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                let prefix = prefix.clone();
                self.read(move |view| {
                    let prefix = prefix.clone();
                    Box::pin(async move { view.find_by_prefix(&prefix, limit).await })
                })
                .await
            }

            async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                self.read(move |view| view.find_by_tag(tag, limit)).await
            }

            async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
                self.read(move |view| view.active_keyset()).await
            }

            async fn list_keysets(&mut self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError> {
                self.read(move |view| view.list_keysets(after, limit)).await
            }

            async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
                self.read(move |view| view.sealed_private_key(id)).await
            }

            async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
                self.read(move |view| view.master_key_census()).await
            }

            async fn unstaged_private_keys(&mut self, after: Option<KeysetId>, limit: u32) -> Result<Vec<UnstagedKey>, StoreError> {
                self.read(move |view| view.unstaged_private_keys(after, limit)).await
            }

            async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
                self.read(move |view| view.audit_head()).await
            }

            async fn audit_rows(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
                self.read(move |view| view.audit_rows(after, limit)).await
            }

            async fn checkpoints(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError> {
                self.read(move |view| view.checkpoints(after, limit)).await
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);
