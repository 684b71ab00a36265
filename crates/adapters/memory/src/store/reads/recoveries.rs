use async_trait::async_trait;
use keystead_application::ports::{RecoveryCursor, RecoveryDocument, RecoveryReads, StoreError};
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use super::{MemorySnapshot, MemoryUnitOfWork};

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecoveryReads for $type {
            async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
                Ok(self.view()?.recoveries.server(id))
            }

            async fn find_server_by_identity(
                &mut self,
                fingerprint: &Fingerprint,
            ) -> Result<Option<BackupServer>, StoreError> {
                Ok(self.view()?.recoveries.server_by_identity(fingerprint))
            }

            async fn list_servers(
                &mut self,
                after: Option<ServerId>,
                limit: u32,
            ) -> Result<Vec<BackupServer>, StoreError> {
                Ok(self.view()?.recoveries.servers(after, limit))
            }

            async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
                Ok(self.view()?.recoveries.officers())
            }

            async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
                Ok(self.view()?.recoveries.policy.clone())
            }

            async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
                Ok(self.view()?.recoveries.register.clone())
            }

            async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
                Ok(self.view()?.recoveries.request(id))
            }

            async fn list_recoveries(
                &mut self,
                after: Option<RecoveryCursor>,
                limit: u32,
            ) -> Result<Vec<Recovery>, StoreError> {
                Ok(self.view()?.recoveries.requests(after, limit))
            }

            async fn count_recoveries(
                &mut self,
                server: ServerId,
                since: Timestamp,
            ) -> Result<u64, StoreError> {
                Ok(self.view()?.recoveries.count(server, since))
            }

            async fn recovery_document(
                &mut self,
                id: RequestId,
                which: RecoveryDocument,
            ) -> Result<Option<Vec<u8>>, StoreError> {
                Ok(self.view()?.recoveries.document(id, which))
            }
        }
    )+};
}

reads!(MemorySnapshot, MemoryUnitOfWork);
