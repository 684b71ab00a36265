use std::time::Duration;

use crate::Timestamp;
use crate::keyset::Version;

/// How many wrong passwords in a row cost nothing.
const FREE: u32 = 5;
/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// The time without a failure after which all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// Failures in a row to sign in as one user from one kind of place.
///
/// Places that the user signed in from before are counted apart from all others, so that somebody who guesses passwords
/// elsewhere cannot keep the user out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Counts the changes.
    pub version: Version,
    /// Failures in a row.
    pub failures: u32,
    /// When the last one was.
    pub last_at: Timestamp,
}

/// It is not tried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong passwords in a row; the next try is possible in {} seconds", .0.as_secs().max(1))]
pub struct TooManyAttempts(pub Duration);

impl Attempts {
    /// Checks that another try is allowed now.
    ///
    /// # Errors
    /// [`TooManyAttempts`] with the time to wait.
    pub fn check(&self, now: Timestamp) -> Result<(), TooManyAttempts> {
        let free_at = self.last_at.after(self.wait());
        match free_at > now && !self.is_forgotten(now) {
            true => {
                let micros = free_at.as_micros().saturating_sub(now.as_micros());
                // A clock that went back does not make the wait longer.
                let wait = Duration::from_micros(micros.unsigned_abs()).min(self.wait());
                Err(TooManyAttempts(wait))
            }
            false => Ok(()),
        }
    }

    /// What is known after one more failure.
    #[must_use]
    pub fn after_failure(before: Option<Self>, now: Timestamp) -> Self {
        let (version, failures) = match before {
            Some(attempts) if !attempts.is_forgotten(now) => (attempts.version.0 + 1, attempts.failures),
            Some(attempts) => (attempts.version.0 + 1, 0),
            None => (1, 0),
        };
        Self {
            version: Version(version),
            failures: failures.saturating_add(1),
            last_at: now,
        }
    }

    /// When there is nothing left to remember.
    #[must_use]
    pub fn forgotten_at(&self) -> Timestamp {
        self.last_at.after(FORGOTTEN_AFTER)
    }

    fn is_forgotten(&self, now: Timestamp) -> bool {
        self.forgotten_at() <= now
    }

    fn wait(&self) -> Duration {
        match self.failures.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(beyond) => {
                let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
                FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn waits_double_and_end() {
        let mut attempts = None;
        let mut waits = Vec::new();
        for _ in 0..16 {
            let failed = Attempts::after_failure(attempts, at(0));
            waits.push(failed.check(at(0)).err().map_or(0, |wait| wait.0.as_secs()));
            attempts = Some(failed);
        }
        assert_eq!(
            waits,
            [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
        );
        let attempts = attempts.unwrap();
        assert!(attempts.check(at(899)).is_err());
        assert_eq!(attempts.check(at(900)), Ok(()));
        assert_eq!(Attempts::after_failure(Some(attempts), at(3600)).failures, 1);
        // A clock that was set back by a day.
        let TooManyAttempts(wait) = attempts.check(at(-86_400)).unwrap_err();
        assert_eq!(wait.as_secs(), 900);
    }
}
