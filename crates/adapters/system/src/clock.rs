use std::time::SystemTime;

use keystead_application::ports::Clock;
use keystead_domain::Timestamp;

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that asks the operating system"
    )]
    fn now(&self) -> Timestamp {
        timestamp(micros_since_epoch(SystemTime::now()))
    }
}

fn micros_since_epoch(moment: SystemTime) -> i64 {
    match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

/// A clock outside the calendar is a broken clock. It is shown as the beginning or the end of the calendar, which no
/// one will take for a real time, and nothing stops working.
fn timestamp(micros: i64) -> Timestamp {
    const YEAR_1: i64 = -62_135_596_800_000_000;
    const END_OF_YEAR_9998: i64 = 253_370_764_799_999_999;
    #[allow(clippy::expect_used, reason = "the calendar holds every moment in the range")]
    Timestamp::from_micros(micros.clamp(YEAR_1, END_OF_YEAR_9998)).expect("a moment within the calendar")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_tells_the_time_that_the_system_tells() {
        let seconds = || -> i64 {
            let output = Command::new("date").arg("+%s").output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
        };
        let before = seconds();
        let now = SystemClock.now().as_micros().div_euclid(1_000_000);
        assert!((before..=seconds()).contains(&now), "{now} against {before}");
    }

    #[test]
    fn moments_before_the_epoch_and_broken_clocks_have_a_time() {
        let year_1969 = SystemTime::UNIX_EPOCH - Duration::from_micros(1);
        assert_eq!(timestamp(micros_since_epoch(year_1969)).as_micros(), -1);
        assert_eq!(timestamp(i64::MAX).to_string(), "9998-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(i64::MIN).to_string(), "0001-01-01T00:00:00Z");
    }
}
