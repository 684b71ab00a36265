//! What belongs to recoveries, step by step.

use async_trait::async_trait;
use keystead_application::ports::{
    RecoveryCursor, RecoveryDocument, RecoveryReads, RecoveryWrites, StoreError,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use super::SeaOrmTransaction;
use crate::recoveries::{documents, officers, requests, servers};

#[async_trait]
impl RecoveryReads for SeaOrmTransaction {
    async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
        let (db, failures) = self.step()?;
        let read = servers::find(db, failures, id).await;
        self.read(read)
    }

    async fn find_server_by_identity(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<BackupServer>, StoreError> {
        let (db, failures) = self.step()?;
        let read = servers::find_by_identity(db, failures, fingerprint).await;
        self.read(read)
    }

    async fn list_servers(
        &mut self,
        after: Option<ServerId>,
        limit: u32,
    ) -> Result<Vec<BackupServer>, StoreError> {
        let (db, failures) = self.step()?;
        let read = servers::list(db, failures, after, limit).await;
        self.read(read)
    }

    async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
        let (db, failures) = self.step()?;
        let read = officers::all(db, failures).await;
        self.read(read)
    }

    async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
        let (db, failures) = self.step()?;
        let read = officers::policy(db, failures).await;
        self.read(read)
    }

    async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
        let (db, failures) = self.step()?;
        let read = officers::register(db, failures).await;
        self.read(read)
    }

    async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
        let (db, failures) = self.step()?;
        let read = requests::find(db, failures, id).await;
        self.read(read)
    }

    async fn list_recoveries(
        &mut self,
        after: Option<RecoveryCursor>,
        limit: u32,
    ) -> Result<Vec<Recovery>, StoreError> {
        let (db, failures) = self.step()?;
        let read = requests::list(db, failures, after, limit).await;
        self.read(read)
    }

    async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError> {
        let (db, failures) = self.step()?;
        let read = requests::count(db, failures, server, since).await;
        self.read(read)
    }

    async fn recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (db, failures) = self.step()?;
        let read = documents::read(db, failures, id, which).await;
        self.read(read)
    }
}

#[async_trait]
impl RecoveryWrites for SeaOrmTransaction {
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = servers::insert(db, failures, server).await;
        self.changed(done)
    }

    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = servers::save(db, failures, server, expected).await;
        self.changed(done)
    }

    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = officers::insert(db, failures, officer).await;
        self.changed(done)
    }

    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = officers::save(db, failures, officer, expected).await;
        self.changed(done)
    }

    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = officers::set_policy(db, failures, policy).await;
        self.changed(done)
    }

    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = officers::set_register(db, failures, note).await;
        self.changed(done)
    }

    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = requests::insert(db, failures, recovery).await;
        self.changed(done)
    }

    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = requests::save(db, failures, recovery, expected).await;
        self.changed(done)
    }

    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let (db, failures) = self.step()?;
        let done = documents::keep(db, failures, id, which, bytes).await;
        self.changed(done)
    }
}
