//! The decorators around the store in memory, with faults in between. Time is the runtime's own and paused: nobody waits.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests, and so are their helpers"
)]

mod commits;
mod conforms;
mod faults;
mod faulty_view;
mod giving_up;
mod records;
mod recoveries;
mod shares;
mod steps;
mod time_outs;
mod units;
