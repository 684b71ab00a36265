mod records;
mod recoveries;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{
    KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork,
    UnstagedKey,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    AuditEvent, AuditHead, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag,
    SealedBytes, Sequence,
};

/// A store that answers within a time, or not at all: a server that silently vanished does not hang a command for ever.
///
/// A call over the limit ends as [`StoreErrorKind::Disconnected`], a commit as [`StoreErrorKind::CommitUnknown`]. The limit
/// must be longer than the time that the store itself waits for a lock; otherwise a busy store looks like a vanished one.
pub struct TimedStore {
    inner: Arc<dyn Store>,
    limits: TimeLimits,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Any call but those below.
    pub call: Duration,
    /// One that goes over a whole table, as counting private keys and putting all of them under another master key do, or
    /// that carries a whole document.
    pub whole_table: Duration,
}

impl TimedStore {
    /// The same store with a limit for each call.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, limits: TimeLimits) -> Self {
        Self { inner, limits }
    }
}

#[async_trait]
impl Store for TimedStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let inner = bounded(self.limits.call, "look at the store", self.inner.snapshot()).await?;
        Ok(Box::new(Timed::new(inner, self.limits)))
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let inner = bounded(self.limits.call, "begin", self.inner.begin()).await?;
        Ok(Box::new(Timed::new(inner, self.limits)))
    }
}

async fn bounded<T>(
    limit: Duration,
    operation: &'static str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(limit, call).await;
    answer.unwrap_or_else(|_| {
        Err(StoreError::new(
            StoreErrorKind::Disconnected,
            operation,
            format!("the store gave no answer within {limit:?}"),
        ))
    })
}

/// A snapshot or a unit of work. After a call that took too long there is none any more.
struct Timed<S: ?Sized> {
    inner: Option<Box<S>>,
    limits: TimeLimits,
}

impl<S: ?Sized> Timed<S> {
    fn new(inner: Box<S>, limits: TimeLimits) -> Self {
        Self {
            inner: Some(inner),
            limits,
        }
    }

    fn inner(&mut self, operation: &'static str) -> Result<&mut S, StoreError> {
        self.inner.as_deref_mut().ok_or_else(|| gone(operation))
    }

    /// What was broken off in the middle cannot be gone on with.
    fn settled<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(&result, Err(error) if error.kind == StoreErrorKind::Disconnected) {
            self.inner = None;
        }
        result
    }
}

fn gone(operation: &'static str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Disconnected,
        operation,
        "the store gave no answer earlier, and what was begun is given up",
    )
}

/// Hands a call on within the limit.
macro_rules! within_limit {
    ($self:ident, $operation:literal, $method:ident($($argument:expr),*)) => {
        within_limit!($self, call, $operation, $method($($argument),*))
    };
    ($self:ident, $limit:ident, $operation:literal, $method:ident($($argument:expr),*)) => {{
        let limit = $self.limits.$limit;
        let inner = $self.inner($operation)?;
        let result = bounded(limit, $operation, inner.$method($($argument),*)).await;
        $self.settled(result)
    }};
}

use within_limit;

macro_rules! reads {
    ($($type:ty),+) => {$(
        #[async_trait]
        impl Snapshot for Timed<$type> {
            async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
                within_limit!(self, "read installation", installation())
            }

            async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
                within_limit!(self, "find keyset", find_keyset(id))
            }

            async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
                within_limit!(self, "find keyset", find_by_fingerprint(fingerprint))
            }

            async fn find_by_prefix(&mut self, prefix: &FingerprintPrefix, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                within_limit!(self, "find keysets", find_by_prefix(prefix, limit))
            }

            async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                within_limit!(self, "find keysets", find_by_tag(tag, limit))
            }

            async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
                within_limit!(self, "read active keyset", active_keyset())
            }

            async fn list_keysets(&mut self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError> {
                within_limit!(self, "list keysets", list_keysets(after, limit))
            }

            async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
                within_limit!(self, "read private key", sealed_private_key(id))
            }

            async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
                within_limit!(self, whole_table, "count private keys", master_key_census())
            }

            async fn unstaged_private_keys(&mut self, after: Option<KeysetId>, limit: u32) -> Result<Vec<UnstagedKey>, StoreError> {
                within_limit!(self, "read private keys", unstaged_private_keys(after, limit))
            }

            async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
                within_limit!(self, "read audit head", audit_head())
            }

            async fn audit_rows(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
                within_limit!(self, "read audit trail", audit_rows(after, limit))
            }

            async fn checkpoints(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError> {
                within_limit!(self, "read checkpoints", checkpoints(after, limit))
            }
        }
    )+};
}

reads!(dyn Snapshot, dyn UnitOfWork);

#[async_trait]
impl UnitOfWork for Timed<dyn UnitOfWork> {
    async fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        within_limit!(self, "insert installation", insert_installation(installation))
    }

    async fn insert_keyset(&mut self, keyset: &Keyset, private_key: &SealedBytes) -> Result<(), StoreError> {
        within_limit!(self, "insert keyset", insert_keyset(keyset, private_key))
    }

    async fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        within_limit!(self, "save keyset", save_keyset(keyset, expected))
    }

    async fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        within_limit!(self, "delete keyset", delete_keyset(id, expected))
    }

    async fn point_active(&mut self, to: KeysetId, expected: Option<KeysetId>) -> Result<(), StoreError> {
        within_limit!(self, "activate keyset", point_active(to, expected))
    }

    async fn stage_private_keys(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        within_limit!(self, "stage private keys", stage_private_keys(staged))
    }

    async fn discard_staged(&mut self) -> Result<(), StoreError> {
        within_limit!(self, whole_table, "discard staged keys", discard_staged())
    }

    async fn switch_master_key(&mut self, installation: &Installation) -> Result<(), StoreError> {
        within_limit!(
            self,
            whole_table,
            "switch master key",
            switch_master_key(installation)
        )
    }

    async fn append_audit(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        within_limit!(self, "append audit event", append_audit(event))
    }

    async fn append_checkpoint(&mut self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        within_limit!(self, "append checkpoint", append_checkpoint(checkpoint))
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let inner = self.inner.take().ok_or_else(|| gone("commit"))?;
        match tokio::time::timeout(self.limits.call, inner.commit()).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::new(
                StoreErrorKind::CommitUnknown,
                "commit",
                format!("the store gave no answer within {:?}", self.limits.call),
            )),
        }
    }
}
