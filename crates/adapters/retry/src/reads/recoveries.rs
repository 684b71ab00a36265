use async_trait::async_trait;
use keystead_application::ports::{
    RecoveryCursor, RecoveryDocument, RecoveryReads, Snapshot, StoreError, UnitOfWork,
};
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use crate::session::Session;

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecoveryReads for Session<$type> {
            async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
                self.read(move |view| view.find_server(id)).await
            }

            async fn find_server_by_identity(
                &mut self,
                fingerprint: &Fingerprint,
            ) -> Result<Option<BackupServer>, StoreError> {
                let fingerprint = *fingerprint;
                self.read(move |view| {
                    let fingerprint = fingerprint;
                    Box::pin(async move { view.find_server_by_identity(&fingerprint).await })
                })
                .await
            }

            async fn list_servers(
                &mut self,
                after: Option<ServerId>,
                limit: u32,
            ) -> Result<Vec<BackupServer>, StoreError> {
                self.read(move |view| view.list_servers(after, limit)).await
            }

            async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
                self.read(move |view| view.officers()).await
            }

            async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
                self.read(move |view| view.recovery_policy()).await
            }

            async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
                self.read(move |view| view.recovery_register()).await
            }

            async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
                self.read(move |view| view.find_recovery(id)).await
            }

            async fn list_recoveries(
                &mut self,
                after: Option<RecoveryCursor>,
                limit: u32,
            ) -> Result<Vec<Recovery>, StoreError> {
                self.read(move |view| view.list_recoveries(after, limit)).await
            }

            async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError> {
                self.read(move |view| view.count_recoveries(server, since)).await
            }

            async fn recovery_document(
                &mut self,
                id: RequestId,
                which: RecoveryDocument,
            ) -> Result<Option<Vec<u8>>, StoreError> {
                self.read(move |view| view.recovery_document(id, which)).await
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);
