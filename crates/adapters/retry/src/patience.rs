use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{Randomness, RandomnessExt};
use tokio::time::Instant;

use crate::failure::Failure;

/// How long and how often something is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryOptions {
    /// How long after the first failure of a call the last attempt is made.
    pub give_up_after: Duration,
    /// The longest that the first pause is. Each next one is up to twice as long.
    pub first_pause: Duration,
    /// No pause is longer than this.
    pub longest_pause: Duration,
    /// About how many bytes a unit of work or a snapshot remembers so that it can be done again. One that goes beyond is
    /// not done again.
    pub most_remembered: usize,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            give_up_after: Duration::from_secs(30),
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(3),
            most_remembered: 16 << 20,
        }
    }
}

/// The options, and what makes pauses uneven.
pub(crate) struct Patience {
    options: RetryOptions,
    randomness: Arc<dyn Randomness>,
}

impl Patience {
    pub(crate) fn new(options: RetryOptions, randomness: Arc<dyn Randomness>) -> Self {
        Self { options, randomness }
    }

    pub(crate) fn most_remembered(&self) -> usize {
        self.options.most_remembered
    }

    /// A pause in the upper half of what the options allow. Several processes that lost the same server at the same moment
    /// do not come back at the same moment.
    fn pause(&self, earlier: u32) -> Duration {
        let doubled = self.options.first_pause.saturating_mul(1 << earlier.min(20));
        let most = doubled.min(self.options.longest_pause);
        let part = self.randomness.bytes::<2>().map_or(u16::MAX, u16::from_le_bytes);
        most / 2 + most.mul_f64(f64::from(part) / f64::from(u16::MAX) / 2.0)
    }
}

/// The attempts at one call.
pub(crate) struct Attempts {
    patience: Arc<Patience>,
    since: Option<Instant>,
    pauses: u32,
}

impl Attempts {
    pub(crate) fn new(patience: &Arc<Patience>) -> Self {
        Self {
            patience: Arc::clone(patience),
            since: None,
            pauses: 0,
        }
    }

    /// Makes them.
    pub(crate) async fn make<T, E, F>(&mut self, mut attempt: impl FnMut() -> F) -> Result<T, E>
    where
        E: Failure,
        F: Future<Output = Result<T, E>>,
    {
        loop {
            match attempt().await {
                Err(failure) if failure.is_passing() => self.pause(failure).await?,
                result => return result,
            }
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The failure of the last attempt, when there is no time left for another one.
    pub(crate) async fn pause<E: Failure>(&mut self, failure: E) -> Result<(), E> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = self
            .patience
            .options
            .give_up_after
            .saturating_sub(since.elapsed());
        if left.is_zero() {
            return Err(self.extended(failure));
        }
        let pause = self.patience.pause(self.pauses).min(left);
        self.pauses += 1;
        tracing::info!(%failure, ?pause, "this failed; it is tried again after a pause");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// The failure, with what was done about it.
    pub(crate) fn extended<E: Failure>(&self, mut failure: E) -> E {
        if let Some(since) = self.since
            && self.pauses > 0
        {
            let tried = Duration::from_millis(since.elapsed().as_millis().try_into().unwrap_or(u64::MAX));
            failure.add(&format!("tried {} more times within {tried:?}", self.pauses));
        }
        failure
    }
}
