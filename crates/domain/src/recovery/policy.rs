use std::time::Duration;

/// The rules of an installation for recoveries, which people set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryPolicy {
    approvals: u32,
    response_lifetime: Duration,
    requests_per_day: u32,
}

/// A policy that is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// Nobody or too many would have to approve.
    #[error("{0} approvals cannot be asked for; 1 to {MAX_APPROVALS} can")]
    Approvals(u32),
    /// Responses would hold too short or too long.
    #[error("a response cannot hold for {} hours; 1 to {} can be set", .0.as_secs() / 3600, MAX_RESPONSE_LIFETIME.as_secs() / 3600)]
    ResponseLifetime(Duration),
    /// No request at all, or as good as no limit.
    #[error("{0} requests a day cannot be set; 1 to {MAX_REQUESTS_PER_DAY} can")]
    RequestsPerDay(u32),
}

/// The most distinct officers that can be asked for.
pub const MAX_APPROVALS: u32 = 10;
const MAX_REQUESTS_PER_DAY: u32 = 10_000;
const HOUR: Duration = Duration::from_secs(3600);
/// The longest time that a response can be used.
pub const MAX_RESPONSE_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

impl RecoveryPolicy {
    /// The time that requests are counted in.
    pub const DAY: Duration = Duration::from_secs(24 * 3600);

    /// Takes a policy in whole seconds.
    ///
    /// # Errors
    /// [`InvalidPolicy`].
    pub fn new(
        approvals: u32,
        response_lifetime: Duration,
        requests_per_day: u32,
    ) -> Result<Self, InvalidPolicy> {
        if !(1..=MAX_APPROVALS).contains(&approvals) {
            return Err(InvalidPolicy::Approvals(approvals));
        }
        if !(HOUR..=MAX_RESPONSE_LIFETIME).contains(&response_lifetime) {
            return Err(InvalidPolicy::ResponseLifetime(response_lifetime));
        }
        if !(1..=MAX_REQUESTS_PER_DAY).contains(&requests_per_day) {
            return Err(InvalidPolicy::RequestsPerDay(requests_per_day));
        }
        Ok(Self {
            approvals,
            response_lifetime: Duration::from_secs(response_lifetime.as_secs()),
            requests_per_day,
        })
    }

    /// How many distinct officers have to approve a request.
    #[must_use]
    pub fn approvals(&self) -> u32 {
        self.approvals
    }

    /// How long a response can be used.
    #[must_use]
    pub fn response_lifetime(&self) -> Duration {
        self.response_lifetime
    }

    /// Whether one more request of a backup server is taken, after so many within the last [day](Self::DAY).
    #[must_use]
    pub fn takes_one_more(&self, received: u64) -> bool {
        received < u64::from(self.requests_per_day)
    }

    /// How many requests of one backup server are taken within 24 hours.
    #[must_use]
    pub fn requests_per_day(&self) -> u32 {
        self.requests_per_day
    }
}

/// One officer, a week, and 20 requests a day.
impl Default for RecoveryPolicy {
    fn default() -> Self {
        Self {
            approvals: 1,
            response_lifetime: 7 * 24 * HOUR,
            requests_per_day: 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_stays_within_bounds() {
        let RecoveryPolicy {
            approvals,
            response_lifetime,
            requests_per_day,
        } = RecoveryPolicy::default();
        assert!(RecoveryPolicy::new(approvals, response_lifetime, requests_per_day).is_ok());
        for (approvals, lifetime, requests) in [
            (0, HOUR, 1),
            (11, HOUR, 1),
            (1, HOUR - Duration::from_secs(1), 1),
            (1, MAX_RESPONSE_LIFETIME + Duration::from_secs(1), 1),
            (1, HOUR, 0),
            (1, HOUR, 10_001),
        ] {
            assert!(RecoveryPolicy::new(approvals, lifetime, requests).is_err());
        }
    }
}
