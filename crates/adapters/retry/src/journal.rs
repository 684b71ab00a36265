use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use async_trait::async_trait;
use keystead_application::ports::{StoreError, StoreErrorKind};

use crate::answer::Answer;

/// A call that is under way.
pub(crate) type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What was done with a snapshot or a unit of work so far, so that it can be done again with a new one.
pub(crate) struct Journal<S: ?Sized> {
    entries: Vec<Box<dyn Entry<S>>>,
    weight: usize,
    most: usize,
    complete: bool,
}

impl<S: ?Sized + Send> Journal<S> {
    /// An empty journal that remembers at most about so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            entries: Vec::new(),
            weight: 0,
            most,
            complete: true,
        }
    }

    /// Whether all that was done is in it. What is not cannot be done again.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Forgets everything, and is not complete any more.
    pub(crate) fn give_up(&mut self) {
        self.complete = false;
        self.entries = Vec::new();
    }

    pub(crate) fn read<T, F>(&mut self, call: F, answer: &T)
    where
        T: Answer,
        F: for<'a> Fn(&'a mut S) -> Asked<'a, T> + Send + Sync + 'static,
    {
        if self.has_room_for(answer.weight()) {
            let answer = answer.copy();
            self.entries.push(Box::new(Read { call, answer }));
        }
    }

    pub(crate) fn write<T, F>(&mut self, call: F, weight: usize)
    where
        T: 'static,
        F: for<'a> Fn(&'a mut S) -> Asked<'a, T> + Send + Sync + 'static,
    {
        if self.has_room_for(weight) {
            self.entries.push(Box::new(Write {
                call,
                answer: PhantomData::<fn() -> T>,
            }));
        }
    }

    /// Does everything again.
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] when it comes out differently: what the caller decided after the first time rests on
    /// something that is no longer so.
    pub(crate) async fn replay(&self, inner: &mut S) -> Result<(), StoreError> {
        for entry in &self.entries {
            entry.replay(inner).await?;
        }
        Ok(())
    }

    fn has_room_for(&mut self, weight: usize) -> bool {
        self.weight = self.weight.saturating_add(weight);
        if self.weight > self.most {
            self.give_up();
        }
        self.complete
    }
}

#[async_trait]
trait Entry<S: ?Sized>: Send + Sync {
    async fn replay(&self, inner: &mut S) -> Result<(), StoreError>;
}

struct Read<F, T> {
    call: F,
    answer: T,
}

#[async_trait]
impl<S, F, T> Entry<S> for Read<F, T>
where
    S: ?Sized + Send,
    T: Answer,
    F: for<'a> Fn(&'a mut S) -> Asked<'a, T> + Send + Sync,
{
    async fn replay(&self, inner: &mut S) -> Result<(), StoreError> {
        match (self.call)(inner).await {
            Ok(answer) if self.answer.same(&answer) => Ok(()),
            Ok(_) => Err(changed("what was read is not what it was")),
            Err(error) => Err(error),
        }
    }
}

struct Write<F, T> {
    call: F,
    answer: PhantomData<fn() -> T>,
}

#[async_trait]
impl<S, F, T> Entry<S> for Write<F, T>
where
    S: ?Sized + Send,
    T: 'static,
    F: for<'a> Fn(&'a mut S) -> Asked<'a, T> + Send + Sync,
{
    async fn replay(&self, inner: &mut S) -> Result<(), StoreError> {
        match (self.call)(inner).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind, StoreErrorKind::Conflict | StoreErrorKind::Duplicate) => {
                Err(changed(&error.to_string()))
            }
            Err(error) => Err(error),
        }
    }
}

fn changed(what: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Conflict,
        "do it again",
        format!("the store had to be asked again, and somebody else changed it in between: {what}"),
    )
}
