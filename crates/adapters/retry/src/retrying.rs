use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{Randomness, Snapshot, Store, StoreError, UnitOfWork};

use crate::patience::{Patience, RetryOptions};
use crate::session::{Opened, Session};

/// A store that tries again what a passing fault undid, with growing pauses, until the time for it is over.
///
/// A snapshot or a unit of work that is lost is begun anew, and what was done with it is done again. What was read must be
/// what it was, and what was written must be accepted again; otherwise somebody else made a change in between, and the
/// answer is [`StoreErrorKind::Conflict`]. One thing may come out differently: the place of an audit event, which is final
/// only with the commit.
///
/// A commit without an answer is looked up: if the events of the unit of work stand in their places, it happened; if not,
/// it is done again. Of a unit of work that needs no event, the records tell in the same way whether they were put. Only when
/// that cannot be found out, because nobody can look or because others have changed those records since, is the answer
/// [`StoreErrorKind::CommitUnknown`].
///
/// [`StoreErrorKind::Conflict`]: keystead_application::ports::StoreErrorKind::Conflict
/// [`StoreErrorKind::CommitUnknown`]: keystead_application::ports::StoreErrorKind::CommitUnknown
pub struct RetryingStore {
    inner: Arc<dyn Store>,
    patience: Arc<Patience>,
}

impl RetryingStore {
    /// The same store, with patience. The randomness makes the pauses uneven.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, options: RetryOptions, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            inner,
            patience: Arc::new(Patience::new(options, randomness)),
        }
    }

    async fn session<S: Opened + ?Sized>(&self) -> Result<Session<S>, StoreError> {
        Session::open(Arc::clone(&self.inner), Arc::clone(&self.patience)).await
    }
}

#[async_trait]
impl Store for RetryingStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(self.session::<dyn Snapshot>().await?))
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        Ok(Box::new(self.session::<dyn UnitOfWork>().await?))
    }
}
