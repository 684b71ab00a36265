use std::time::Duration;

use crate::Timestamp;

/// How far two clocks may be apart without anybody being told.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(10 * 60);
/// The longest time that a request may be valid for.
pub const MAX_REQUEST_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// From when to when something signed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why something does not hold now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotValidNow {
    /// It is over.
    #[error("it ended at {0}, and it is {1} now")]
    Expired(Timestamp, Timestamp),
    /// It begins in the future: a clock is wrong.
    #[error("it was made at {0}, and it is {1} here: one of the two clocks is wrong")]
    Clock(Timestamp, Timestamp),
    /// It ends before it begins, or holds longer than anything may.
    #[error("it is made to hold from {0} to {1}, which is not a time that it may hold for")]
    Span(Timestamp, Timestamp),
}

impl Validity {
    /// Checks that it holds now.
    ///
    /// # Errors
    /// [`NotValidNow`].
    pub fn check(self, now: Timestamp, longest: Duration) -> Result<(), NotValidNow> {
        let Self {
            created_at,
            expires_at,
        } = self;
        if expires_at <= created_at || created_at.after(longest) < expires_at {
            Err(NotValidNow::Span(created_at, expires_at))
        } else if now.after(CLOCK_TOLERANCE) < created_at {
            Err(NotValidNow::Clock(created_at, now))
        } else if expires_at <= now {
            Err(NotValidNow::Expired(expires_at, now))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn check(created: i64, expires: i64, now: i64) -> Result<(), NotValidNow> {
        let validity = Validity {
            created_at: at(created),
            expires_at: at(expires),
        };
        validity.check(at(now), MAX_REQUEST_LIFETIME)
    }

    #[test]
    fn what_is_over_or_of_another_day_is_refused() {
        assert_eq!(check(0, DAY, 0), Ok(()));
        assert_eq!(check(0, DAY, DAY - 1), Ok(()));
        assert_eq!(check(0, DAY, DAY), Err(NotValidNow::Expired(at(DAY), at(DAY))));
        assert_eq!(check(600, DAY, 0), Ok(()), "clocks differ a little");
        assert_eq!(check(601, DAY, 0), Err(NotValidNow::Clock(at(601), at(0))));
        assert_eq!(check(0, 30 * DAY, 1), Ok(()));
        assert!(matches!(check(0, 30 * DAY + 1, 1), Err(NotValidNow::Span(_, _))));
        assert!(matches!(check(5, 5, 1), Err(NotValidNow::Span(_, _))));
    }
}
