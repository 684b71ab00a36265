use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork};

use crate::answer::Answer;
use crate::journal::{Asked, Journal};
use crate::patience::{Attempts, Patience};
use crate::touched::Touched;
use crate::unit::Appended;

/// A snapshot or a unit of work that is begun anew when it is lost.
pub(crate) struct Session<S: ?Sized> {
    store: Arc<dyn Store>,
    patience: Arc<Patience>,
    inner: Option<Box<S>>,
    journal: Journal<S>,
    /// Whether anything is to be kept by the commit.
    pub(crate) has_changes: bool,
    /// The events to be kept, in their order.
    pub(crate) events: Vec<Arc<Appended>>,
    /// The records to be kept or deleted.
    pub(crate) records: Touched,
}

/// What a session is one of.
#[async_trait]
pub(crate) trait Opened: Send {
    async fn open(store: &dyn Store) -> Result<Box<Self>, StoreError>;
}

#[async_trait]
impl Opened for dyn Snapshot {
    async fn open(store: &dyn Store) -> Result<Box<Self>, StoreError> {
        store.snapshot().await
    }
}

#[async_trait]
impl Opened for dyn UnitOfWork {
    async fn open(store: &dyn Store) -> Result<Box<Self>, StoreError> {
        store.begin().await
    }
}

impl<S: Opened + ?Sized> Session<S> {
    /// Begins one.
    pub(crate) async fn open(store: Arc<dyn Store>, patience: Arc<Patience>) -> Result<Self, StoreError> {
        let inner = Attempts::new(&patience).make(|| S::open(store.as_ref())).await?;
        Ok(Self {
            store,
            journal: Journal::new(patience.most_remembered()),
            patience,
            inner: Some(inner),
            has_changes: false,
            events: Vec::new(),
            records: Touched::default(),
        })
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    pub(crate) fn attempts(&self) -> Attempts {
        Attempts::new(&self.patience)
    }

    /// The inner one, to end it.
    pub(crate) fn take(&mut self) -> Result<Box<S>, StoreError> {
        self.inner.take().ok_or_else(over)
    }

    pub(crate) async fn read<T, F>(&mut self, call: F) -> Result<T, StoreError>
    where
        T: Answer,
        F: for<'a> Fn(&'a mut S) -> Asked<'a, T> + Send + Sync + 'static,
    {
        let answer = self.call(&call).await?;
        self.journal.read(call, &answer);
        Ok(answer)
    }

    /// Makes a change that takes about so many bytes to remember.
    pub(crate) async fn change<T, F>(&mut self, weight: usize, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut S) -> Asked<'a, T> + Send + Sync + 'static,
    {
        self.has_changes = true;
        let answer = self.call(&call).await?;
        self.journal.write(call, weight);
        Ok(answer)
    }

    async fn call<T, F>(&mut self, call: &F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a mut S) -> Asked<'a, T> + Send + Sync + 'static,
    {
        let mut attempts = self.attempts();
        loop {
            let inner = self.inner.as_deref_mut().ok_or_else(over)?;
            match call(inner).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.begin_anew(&mut attempts, error).await?,
            }
        }
    }

    /// After a failure: comes to where the caller was before it, if that helps, with a new snapshot or unit of work.
    ///
    /// # Errors
    /// The failure itself, when trying again does not help or is over; what went wrong with the new one otherwise.
    pub(crate) async fn begin_anew(
        &mut self,
        attempts: &mut Attempts,
        mut failure: StoreError,
    ) -> Result<(), StoreError> {
        loop {
            if !failure.kind.is_retryable() || !self.journal.is_complete() {
                // A caller that goes on after this is not followed any more.
                self.journal.give_up();
                return Err(failure);
            }
            // It may still hold a lock, so it ends before anything is waited for.
            self.inner = None;
            attempts.pause(failure).await?;
            match S::open(self.store.as_ref()).await {
                Ok(inner) => match self.replay(inner).await {
                    Ok(()) => return Ok(()),
                    Err(error) => failure = error,
                },
                Err(error) => failure = error,
            }
        }
    }

    /// Does everything again with this one, and goes on with it.
    pub(crate) async fn replay(&mut self, mut inner: Box<S>) -> Result<(), StoreError> {
        self.journal.replay(inner.as_mut()).await?;
        self.inner = Some(inner);
        Ok(())
    }

    pub(crate) fn can_replay(&self) -> bool {
        self.journal.is_complete()
    }
}

fn over() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "unit of work",
        "it failed before and can only be dropped",
    )
}
