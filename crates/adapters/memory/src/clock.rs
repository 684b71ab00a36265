use std::sync::{Arc, Mutex};

use keystead_application::ports::Clock;
use keystead_domain::{InvalidTimestamp, Timestamp};

use crate::token::lock;

/// A clock that stands still until a test sets it. Clones share the time.
#[derive(Debug, Clone)]
pub struct MemoryClock {
    now: Arc<Mutex<Timestamp>>,
}

impl MemoryClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: Arc::new(Mutex::new(now)),
        }
    }

    /// Sets the time, forward or back.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.now) = now;
    }

    /// Moves the time by so many microseconds, forward or back, and returns the new time.
    ///
    /// # Errors
    /// When that lies beyond the calendar; the clock stays as it was.
    pub fn advance(&self, micros: i64) -> Result<Timestamp, InvalidTimestamp> {
        let mut now = lock(&self.now);
        *now = Timestamp::from_micros(now.as_micros().saturating_add(micros))?;
        Ok(*now)
    }
}

impl Clock for MemoryClock {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_when_it_is_told_to() {
        let clock = MemoryClock::at("2025-11-24T16:00:00Z".parse().unwrap());
        let first = clock.now();
        assert_eq!(clock.clone().now(), first);
        assert_eq!(clock.advance(-5).unwrap().as_micros(), first.as_micros() - 5);
        assert!(clock.now() < first);
        assert!(clock.advance(i64::MAX).is_err());
        clock.set("2046-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.now().to_string(), "2046-01-01T00:00:00Z");
    }
}
