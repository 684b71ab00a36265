use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{Randomness, RandomnessExt};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// How long something is asked again.
pub(crate) struct Patience {
    give_up_after: Duration,
    randomness: Arc<dyn Randomness>,
    since: Option<Instant>,
    pauses: u32,
}

impl Patience {
    pub(crate) fn new(give_up_after: Duration, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            give_up_after,
            randomness,
            since: None,
            pauses: 0,
        }
    }

    /// Waits before the next attempt, as long as the manager asks for or longer; `false` when there is no time left for
    /// one.
    pub(crate) async fn pause(&mut self, why: &str, asked_for: Option<Duration>) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = self.give_up_after.saturating_sub(since.elapsed());
        let asked_for = asked_for.unwrap_or_default();
        if left.is_zero() || asked_for > left {
            return false;
        }
        let pause = self.next().max(asked_for).min(left);
        self.pauses += 1;
        tracing::info!(why, ?pause, "the manager is asked again after a pause");
        tokio::time::sleep(pause).await;
        true
    }

    /// What was done to get an answer, when it was more than asking.
    pub(crate) fn note(&self) -> Option<String> {
        let since = self.since.filter(|_| self.pauses > 0)?;
        let tried = Duration::from_millis(since.elapsed().as_millis().try_into().unwrap_or(u64::MAX));
        Some(format!("asked {} more times within {tried:?}", self.pauses))
    }

    /// A pause in the upper half of what is allowed: many who lost the same manager at the same moment do not come back at
    /// the same moment.
    fn next(&self) -> Duration {
        let most = FIRST_PAUSE
            .saturating_mul(1 << self.pauses.min(20))
            .min(LONGEST_PAUSE);
        let part = self.randomness.bytes::<2>().map_or(u16::MAX, u16::from_le_bytes);
        most / 2 + most.mul_f64(f64::from(part) / f64::from(u16::MAX) / 2.0)
    }
}

/// How long the manager asks to wait, in seconds or until a time (RFC 9110, section 10.2.3). The time is compared with the one
/// of the answer, so that no clock has to be right.
pub(crate) fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let asked: &str = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (until, now) = (
        httpdate::parse_http_date(asked).ok()?,
        httpdate::parse_http_date(text(DATE)?).ok()?,
    );
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

    use reqwest::header::HeaderName;

    use super::*;

    fn asked(headers: &[(HeaderName, &str)]) -> Option<Duration> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        asked_for(&headers.collect())
    }

    #[test]
    fn the_time_that_the_manager_asks_for_is_read() {
        let date = (DATE, "Sat, 31 Jan 2026 12:00:00 GMT");
        assert_eq!(asked(&[(RETRY_AFTER, "7")]), Some(Duration::from_secs(7)));
        let later = (RETRY_AFTER, "Sat, 31 Jan 2026 12:01:30 GMT");
        assert_eq!(
            asked(&[later.clone(), date.clone()]),
            Some(Duration::from_secs(90))
        );
        let earlier = (RETRY_AFTER, "Fri, 31 Jan 2025 12:00:00 GMT");
        assert_eq!(asked(&[earlier, date]), Some(Duration::ZERO));
        assert_eq!(asked(&[later]), None);
        assert_eq!(asked(&[(RETRY_AFTER, "-1")]), None);
        assert_eq!(asked(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(asked(&[]), None);
    }
}
