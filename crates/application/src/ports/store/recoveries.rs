//! What belongs to recoveries: backup servers, officers, the policy, requests and their responses.

use async_trait::async_trait;
use keystead_domain::keyset::Version;
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use super::StoreError;

/// Reads of what belongs to recoveries. They are a part of [`super::Snapshot`].
#[async_trait]
pub trait RecoveryReads: Send {
    /// The backup server with this id, removed or not, with all its identities.
    async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError>;

    /// The backup server that has, or had, the identity with this fingerprint; there is at most one.
    async fn find_server_by_identity(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<BackupServer>, StoreError>;

    /// Backup servers in the order of their ids, at most `limit`, beginning after the given one.
    async fn list_servers(
        &mut self,
        after: Option<ServerId>,
        limit: u32,
    ) -> Result<Vec<BackupServer>, StoreError>;

    /// Every officer, those who were taken off too, in the order in which they were added (by time, then id). They are few.
    async fn officers(&mut self) -> Result<Vec<Officer>, StoreError>;

    /// The policy that people set; `None` when the usual one holds.
    async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError>;

    /// The signed register of all servers, officers and the policy, as it was kept last; `None` before the first change.
    async fn recovery_register(&mut self) -> Result<Option<String>, StoreError>;

    /// The request with this id, and what became of it.
    async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError>;

    /// Requests, the one that was received last first (by time, then id, both falling), at most `limit`, beginning after the
    /// given place.
    async fn list_recoveries(
        &mut self,
        after: Option<RecoveryCursor>,
        limit: u32,
    ) -> Result<Vec<Recovery>, StoreError>;

    /// How many requests of a server were received at this moment or later.
    async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError>;

    /// The bytes of a request or a response; `None` when there are none.
    async fn recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
    ) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Changes of what belongs to recoveries. They are a part of [`super::UnitOfWork`].
#[async_trait]
pub trait RecoveryWrites: Send {
    /// Keeps a new backup server with its identities.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Duplicate`] when its id, or one of its identities' fingerprints, is there already.
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError>;

    /// Keeps a changed backup server with all its identities, if it is still at version `expected`. Identities are added and
    /// changed, never taken away.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Conflict`] when it is not, or is not there;
    /// [`super::StoreErrorKind::Duplicate`] when another server has one of the identities.
    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError>;

    /// Keeps a new officer.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Duplicate`] when the id is there already.
    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError>;

    /// Keeps a changed officer, if it is still at version `expected`.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Conflict`] when it is not, or is not there.
    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError>;

    /// Keeps the policy, in the place of the one before.
    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError>;

    /// Keeps the signed register, in the place of the one before.
    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError>;

    /// Keeps a new request. Its bytes follow with [`RecoveryWrites::keep_recovery_document`].
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Duplicate`] when the id is there already;
    /// [`super::StoreErrorKind::Conflict`] when there is no such server.
    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError>;

    /// Keeps a changed request with its approvals, if it is still at version `expected`. Approvals are added, never changed
    /// or taken away.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Conflict`] when it is not, or is not there.
    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError>;

    /// Keeps the bytes of a request or a response: up to 64 MiB, which a backend may have to keep in parts.
    ///
    /// # Errors
    /// [`super::StoreErrorKind::Duplicate`] when there are some already;
    /// [`super::StoreErrorKind::Conflict`] when there is no such request.
    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError>;
}

/// Which bytes of a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecoveryDocument {
    /// The request as the server signed it.
    Request,
    /// The response as the manager signed it. What it holds is encrypted to the server.
    Response,
}

/// A place in the list of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecoveryCursor {
    /// When the last request seen was received.
    pub received_at: Timestamp,
    /// Its id.
    pub id: RequestId,
}

impl RecoveryCursor {
    /// The place of a request.
    #[must_use]
    pub fn of(recovery: &Recovery) -> Self {
        Self {
            received_at: recovery.received_at,
            id: recovery.id,
        }
    }
}

impl RecoveryDocument {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Request, Self::Response];

    /// The word for it in a store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}
