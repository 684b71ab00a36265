use async_trait::async_trait;
use keystead_application::ports::{
    RecoveryCursor, RecoveryDocument, RecoveryReads, RecoveryWrites, Snapshot, StoreError, UnitOfWork,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use super::{Timed, bounded, within_limit};

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl RecoveryReads for Timed<$type> {
            async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
                within_limit!(self, "read server", find_server(id))
            }

            async fn find_server_by_identity(&mut self, fingerprint: &Fingerprint) -> Result<Option<BackupServer>, StoreError> {
                within_limit!(self, "read server", find_server_by_identity(fingerprint))
            }

            async fn list_servers(&mut self, after: Option<ServerId>, limit: u32) -> Result<Vec<BackupServer>, StoreError> {
                within_limit!(self, "list servers", list_servers(after, limit))
            }

            async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
                within_limit!(self, "read officers", officers())
            }

            async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
                within_limit!(self, "read policy", recovery_policy())
            }

            async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
                within_limit!(self, "read register", recovery_register())
            }

            async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
                within_limit!(self, "read recovery", find_recovery(id))
            }

            async fn list_recoveries(&mut self, after: Option<RecoveryCursor>, limit: u32) -> Result<Vec<Recovery>, StoreError> {
                within_limit!(self, "list recoveries", list_recoveries(after, limit))
            }

            async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError> {
                within_limit!(self, "count recoveries", count_recoveries(server, since))
            }

            async fn recovery_document(&mut self, id: RequestId, which: RecoveryDocument) -> Result<Option<Vec<u8>>, StoreError> {
                within_limit!(self, whole_table, "read recovery document", recovery_document(id, which))
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);

#[async_trait]
impl RecoveryWrites for Timed<dyn UnitOfWork> {
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        within_limit!(self, "insert server", insert_server(server))
    }

    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError> {
        within_limit!(self, "save server", save_server(server, expected))
    }

    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        within_limit!(self, "insert officer", insert_officer(officer))
    }

    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError> {
        within_limit!(self, "save officer", save_officer(officer, expected))
    }

    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError> {
        within_limit!(self, "set policy", set_recovery_policy(policy))
    }

    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError> {
        within_limit!(self, "set register", set_recovery_register(note))
    }

    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        within_limit!(self, "insert recovery", insert_recovery(recovery))
    }

    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError> {
        within_limit!(self, "save recovery", save_recovery(recovery, expected))
    }

    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        within_limit!(
            self,
            whole_table,
            "keep recovery document",
            keep_recovery_document(id, which, bytes)
        )
    }
}
