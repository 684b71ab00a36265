//! The operating system is a clock and a source of randomness as they have to be.

use std::sync::Arc;

use keystead_application::ports::{Clock, Randomness};
use keystead_contract::clock::ClockFixture;
use keystead_contract::randomness::RandomnessFixture;
use keystead_system::{OsRandomness, SystemClock};

struct System;

impl ClockFixture for System {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    fn goes_by_itself(&self) -> bool {
        true
    }
}

impl RandomnessFixture for System {
    fn randomness(&self) -> Arc<dyn Randomness> {
        Arc::new(OsRandomness)
    }
}

keystead_contract::clock_contract!(async { System });
keystead_contract::randomness_contract!(async { System });
