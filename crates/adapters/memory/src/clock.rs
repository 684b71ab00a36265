use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keystead_application::ports::Clock;
use keystead_domain::{InvalidTimestamp, Timestamp};

/// A clock that stands still until a test sets it. Clones share the time.
#[derive(Debug, Clone)]
pub struct MemoryClock {
    micros: Arc<AtomicI64>,
}

impl MemoryClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            micros: Arc::new(AtomicI64::new(now.as_micros())),
        }
    }

    /// Sets the time, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Moves the time by so many microseconds, forward or back, and returns the new time.
    ///
    /// # Errors
    /// When that lies beyond the calendar; the clock stays as it was.
    pub fn advance(&self, micros: i64) -> Result<Timestamp, InvalidTimestamp> {
        let moved = Timestamp::from_micros(self.micros.load(Ordering::SeqCst).saturating_add(micros))?;
        self.set(moved);
        Ok(moved)
    }
}

impl Default for MemoryClock {
    /// Shows 2025-11-24T16:00:00Z.
    fn default() -> Self {
        Self {
            micros: Arc::new(AtomicI64::new(1_764_000_000_000_000)),
        }
    }
}

impl Clock for MemoryClock {
    #[expect(clippy::expect_used, reason = "only moments within the calendar get in")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst)).expect("a moment within the calendar")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_when_it_is_told_to() {
        let clock = MemoryClock::default();
        let first = clock.now();
        assert_eq!(clock.clone().now(), first);
        assert_eq!(clock.advance(-5).unwrap().as_micros(), first.as_micros() - 5);
        assert!(clock.now() < first);
        assert!(clock.advance(i64::MAX).is_err());
        clock.set("2046-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.now().to_string(), "2046-01-01T00:00:00Z");
    }
}
