use async_trait::async_trait;
use keystead_domain::keyset::Version;
use keystead_domain::{
    AuditEvent, AuditHead, BackupServer, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId,
    Officer, RecipientTag, Recovery, RecoveryPolicy, RequestId, SealedBytes, Sequence, ServerId, Timestamp,
};

use super::{
    KeysetCursor, KeysetPage, MasterKeyCensus, Record, RecordKind, RecordReads, RecordWrites, RecoveryCursor,
    RecoveryDocument, RecoveryReads, RecoveryWrites, Snapshot, Store, StoreError, UnitOfWork, UnstagedKey,
};
use crate::audit::{StoredCheckpoint, StoredEvent};

mockall::mock! {
    /// A unit of work that fails on cue.
    pub UnitOfWork {}

    #[async_trait]
    impl Snapshot for UnitOfWork {
        async fn installation(&mut self) -> Result<Option<Installation>, StoreError>;
        async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError>;
        async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError>;
        async fn find_by_prefix(&mut self, prefix: &FingerprintPrefix, limit: u32) -> Result<Vec<Keyset>, StoreError>;
        async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError>;
        async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError>;
        async fn list_keysets(&mut self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError>;
        async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError>;
        async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError>;
        async fn unstaged_private_keys(&mut self, after: Option<KeysetId>, limit: u32) -> Result<Vec<UnstagedKey>, StoreError>;
        async fn audit_head(&mut self) -> Result<AuditHead, StoreError>;
        async fn audit_rows(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;
        async fn checkpoints(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError>;
    }

    #[async_trait]
    impl RecoveryReads for UnitOfWork {
        async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError>;
        async fn find_server_by_identity(&mut self, fingerprint: &Fingerprint) -> Result<Option<BackupServer>, StoreError>;
        async fn list_servers(&mut self, after: Option<ServerId>, limit: u32) -> Result<Vec<BackupServer>, StoreError>;
        async fn officers(&mut self) -> Result<Vec<Officer>, StoreError>;
        async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError>;
        async fn recovery_register(&mut self) -> Result<Option<String>, StoreError>;
        async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError>;
        async fn list_recoveries(&mut self, after: Option<RecoveryCursor>, limit: u32) -> Result<Vec<Recovery>, StoreError>;
        async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError>;
        async fn recovery_document(&mut self, id: RequestId, which: RecoveryDocument) -> Result<Option<Vec<u8>>, StoreError>;
    }

    #[async_trait]
    impl RecoveryWrites for UnitOfWork {
        async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError>;
        async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError>;
        async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError>;
        async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError>;
        async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError>;
        async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError>;
        async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError>;
        async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError>;
        async fn keep_recovery_document(&mut self, id: RequestId, which: RecoveryDocument, bytes: &[u8]) -> Result<(), StoreError>;
    }

    #[async_trait]
    impl RecordReads for UnitOfWork {
        async fn find_record(&mut self, kind: RecordKind, key: &str) -> Result<Option<Record>, StoreError>;
        async fn list_records(&mut self, kind: RecordKind, after: Option<String>, limit: u32) -> Result<Vec<Record>, StoreError>;
    }

    #[async_trait]
    impl RecordWrites for UnitOfWork {
        async fn put_record(&mut self, record: &Record, expected: Option<Version>) -> Result<(), StoreError>;
        async fn delete_record(&mut self, kind: RecordKind, key: &str, expected: Version) -> Result<(), StoreError>;
        async fn sweep_records(&mut self, kind: RecordKind, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
    }

    #[async_trait]
    impl UnitOfWork for UnitOfWork {
        async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError>;
        async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError>;
        async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError>;
        async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError>;
        async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError>;
        async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError>;
        async fn discard_staged(&mut self) -> Result<(), StoreError>;
        async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError>;
        async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError>;
        async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError>;
        async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    }
}

mockall::mock! {
    /// A store that fails on cue.
    pub Store {}

    #[async_trait]
    impl Store for Store {
        async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;
        async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError>;
    }
}
