use async_trait::async_trait;
use keystead_application::ports::{
    RecoveryCursor, RecoveryDocument, RecoveryReads, RecoveryWrites, Snapshot, StoreError, UnitOfWork,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use super::FaultyView;

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecoveryReads for FaultyView<$type> {
            async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
                self.inner().await?.find_server(id).await
            }

            async fn find_server_by_identity(&mut self, fingerprint: &Fingerprint) -> Result<Option<BackupServer>, StoreError> {
                self.inner().await?.find_server_by_identity(fingerprint).await
            }

            async fn list_servers(&mut self, after: Option<ServerId>, limit: u32) -> Result<Vec<BackupServer>, StoreError> {
                self.inner().await?.list_servers(after, limit).await
            }

            async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
                self.inner().await?.officers().await
            }

            async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
                self.inner().await?.recovery_policy().await
            }

            async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
                self.inner().await?.recovery_register().await
            }

            async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
                self.inner().await?.find_recovery(id).await
            }

            async fn list_recoveries(&mut self, after: Option<RecoveryCursor>, limit: u32) -> Result<Vec<Recovery>, StoreError> {
                self.inner().await?.list_recoveries(after, limit).await
            }

            async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError> {
                self.inner().await?.count_recoveries(server, since).await
            }

            async fn recovery_document(&mut self, id: RequestId, which: RecoveryDocument) -> Result<Option<Vec<u8>>, StoreError> {
                self.inner().await?.recovery_document(id, which).await
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);

#[async_trait]
impl RecoveryWrites for FaultyView<dyn UnitOfWork> {
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        self.inner().await?.insert_server(server).await
    }

    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError> {
        self.inner().await?.save_server(server, expected).await
    }

    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        self.inner().await?.insert_officer(officer).await
    }

    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError> {
        self.inner().await?.save_officer(officer, expected).await
    }

    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError> {
        self.inner().await?.set_recovery_policy(policy).await
    }

    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError> {
        self.inner().await?.set_recovery_register(note).await
    }

    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        self.inner().await?.insert_recovery(recovery).await
    }

    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError> {
        self.inner().await?.save_recovery(recovery, expected).await
    }

    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.inner().await?.keep_recovery_document(id, which, bytes).await
    }
}
