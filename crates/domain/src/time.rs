use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A moment, in microseconds since 1970-01-01T00:00:00 UTC.
///
/// Databases store the integer, so that no engine's idea of a timestamp type (or of its range) gets in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A number or text that is no moment between the years -9999 and 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a time (expected RFC 3339, such as 2026-01-31T12:00:00Z)")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// A moment from microseconds since the epoch.
    ///
    /// # Errors
    /// When the moment lies outside the years that RFC 3339 can write.
    pub fn from_micros(micros: i64) -> Result<Self, InvalidTimestamp> {
        jiff::Timestamp::from_microsecond(micros)
            .map(|_| Self(micros))
            .map_err(|_| InvalidTimestamp(micros.to_string()))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment this much later; the last one that there is, when it would lie beyond it.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let later = |micros: i64| Self::from_micros(self.0.checked_add(micros)?).ok();
        let last = Self(jiff::Timestamp::MAX.as_second() * 1_000_000);
        i64::try_from(time.as_micros())
            .ok()
            .and_then(later)
            .unwrap_or(last)
    }

    /// The moment this much earlier; the first one that there is, when it would lie before it.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        let earlier = |micros: i64| Self::from_micros(self.0.checked_sub(micros)?).ok();
        let first = Self(jiff::Timestamp::MIN.as_second() * 1_000_000);
        i64::try_from(time.as_micros())
            .ok()
            .and_then(earlier)
            .unwrap_or(first)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let invalid = || InvalidTimestamp(text.chars().take(64).collect());
        let moment: jiff::Timestamp = text.parse().map_err(|_| invalid())?;
        // What a text can say, a store must be able to give back.
        Self::from_micros(moment.as_microsecond()).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_its_text() {
        for micros in [0, 1, 1_764_000_000_123_456, 2_400_000_000_000_000, -5] {
            let moment = Timestamp::from_micros(micros).unwrap();
            assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
        }
    }

    #[test]
    fn moments_are_reckoned_with_and_stay_within_the_calendar() {
        let moment = Timestamp::from_micros(5_000_000).unwrap();
        assert_eq!(moment.after(Duration::from_secs(2)).as_micros(), 7_000_000);
        assert_eq!(moment.before(Duration::from_secs(6)).as_micros(), -1_000_000);
        for end in [moment.after(Duration::MAX), moment.before(Duration::MAX)] {
            assert_eq!(end.to_string().parse::<Timestamp>().unwrap(), end);
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        let text = Timestamp::from_micros(1_764_000_000_000_000).unwrap().to_string();
        assert_eq!(text, "2025-11-24T16:00:00Z");
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_refused() {
        assert!(Timestamp::from_micros(i64::MAX).is_err());
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
