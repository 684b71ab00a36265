//! What a `Clock` promises.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use keystead_application::ports::Clock;
use keystead_domain::Timestamp;

use crate::case::{cases, ensure, equal};
use crate::{Suite, Verdict};

/// How the suite comes by a clock.
pub trait ClockFixture: Send + Sync {
    /// The clock.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Whether the clock goes by itself and is right; one that tests set is not.
    fn goes_by_itself(&self) -> bool;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn ClockFixture> {
    Suite::new(
        "clock",
        cases![
            it_tells_a_time_of_this_age,
            it_can_be_asked_from_everywhere,
            it_agrees_with_the_operating_system if goes,
            it_goes_on if goes,
        ],
    )
}

fn goes(fixture: &(dyn ClockFixture + 'static)) -> Result<(), &'static str> {
    if fixture.goes_by_itself() {
        Ok(())
    } else {
        Err("the clock does not go by itself")
    }
}

/// A clock that mistakes its unit is a thousand times off.
async fn it_tells_a_time_of_this_age(fixture: Arc<dyn ClockFixture>) -> Verdict {
    let now = fixture.clock().now();
    let (earliest, latest): (Timestamp, Timestamp) =
        ("2025-01-01T00:00:00Z".parse()?, "2200-01-01T00:00:00Z".parse()?);
    ensure!((earliest..latest).contains(&now), "it says {now}");
    equal(
        now.to_string().parse::<Timestamp>()?,
        now,
        "the time as text and back",
    )
}

async fn it_can_be_asked_from_everywhere(fixture: Arc<dyn ClockFixture>) -> Verdict {
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let clock = fixture.clock();
        crowd.spawn(async move { (0..1_000).map(|_| clock.now()).max() });
    }
    while let Some(latest) = crowd.join_next().await {
        ensure!(latest?.is_some(), "it told nothing");
    }
    Ok(())
}

async fn it_agrees_with_the_operating_system(fixture: Arc<dyn ClockFixture>) -> Verdict {
    const MOST: i64 = 10_000_000;
    let system = system_micros()?;
    let off = fixture.clock().now().as_micros().saturating_sub(system);
    ensure!(off.abs() <= MOST, "it is {off} microseconds off");
    Ok(())
}

async fn it_goes_on(fixture: Arc<dyn ClockFixture>) -> Verdict {
    let clock = fixture.clock();
    let (first, system) = (clock.now(), system_micros()?);
    // The clock of the operating system says when to stop looking.
    while system_micros()?.abs_diff(system) < 2_000_000 {
        if clock.now() > first {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    Err(crate::Violation::new("it stood still for two seconds"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock under test is compared with an independent one"
)]
fn system_micros() -> Result<i64, crate::Violation> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(since_epoch.as_micros())?)
}
