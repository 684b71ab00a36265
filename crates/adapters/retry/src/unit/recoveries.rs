use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{RecoveryDocument, RecoveryWrites, StoreError, UnitOfWork};
use keystead_domain::keyset::Version;
use keystead_domain::{BackupServer, Officer, Recovery, RecoveryPolicy, RequestId};

use crate::answer::{ROW, of_officer, of_recovery, of_server};
use crate::session::Session;

#[async_trait]
impl RecoveryWrites for Session<dyn UnitOfWork> {
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        let kept = Arc::new(server.clone());
        self.change(of_server(server), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.insert_server(&kept).await })
        })
        .await
    }

    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError> {
        let kept = Arc::new(server.clone());
        self.change(of_server(server), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.save_server(&kept, expected).await })
        })
        .await
    }

    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        let kept = Arc::new(officer.clone());
        self.change(of_officer(officer), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.insert_officer(&kept).await })
        })
        .await
    }

    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError> {
        let kept = Arc::new(officer.clone());
        self.change(of_officer(officer), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.save_officer(&kept, expected).await })
        })
        .await
    }

    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError> {
        let kept = Arc::new(policy.clone());
        self.change(ROW, move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.set_recovery_policy(&kept).await })
        })
        .await
    }

    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError> {
        let kept: Arc<str> = note.into();
        self.change(ROW + note.len(), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.set_recovery_register(&kept).await })
        })
        .await
    }

    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        let kept = Arc::new(recovery.clone());
        self.change(of_recovery(recovery), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.insert_recovery(&kept).await })
        })
        .await
    }

    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError> {
        let kept = Arc::new(recovery.clone());
        self.change(of_recovery(recovery), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.save_recovery(&kept, expected).await })
        })
        .await
    }

    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let kept: Arc<[u8]> = Arc::from(bytes);
        self.change(ROW + bytes.len(), move |unit| {
            let kept = Arc::clone(&kept);
            Box::pin(async move { unit.keep_recovery_document(id, which, &kept).await })
        })
        .await
    }
}
