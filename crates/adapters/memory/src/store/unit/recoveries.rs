use async_trait::async_trait;
use keystead_application::ports::{RecoveryDocument, RecoveryWrites, StoreError};
use keystead_domain::keyset::Version;
use keystead_domain::{BackupServer, Officer, Recovery, RecoveryPolicy, RequestId};

use super::MemoryUnitOfWork;

#[async_trait]
impl RecoveryWrites for MemoryUnitOfWork {
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.recoveries.insert_server(server))
    }

    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.recoveries.save_server(server, expected))
    }

    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.recoveries.insert_officer(officer))
    }

    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.recoveries.save_officer(officer, expected))
    }

    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| {
            state.recoveries.policy = Some(policy.clone());
            Ok(())
        })
    }

    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| {
            state.recoveries.register = Some(note.to_owned());
            Ok(())
        })
    }

    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.recoveries.insert_request(recovery))
    }

    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.recoveries.save_request(recovery, expected))
    }

    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.changed = true;
        self.change(|state| state.recoveries.keep_document(id, which, bytes))
    }
}
