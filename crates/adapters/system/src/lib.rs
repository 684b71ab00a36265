//! The operating system as the clock and as the source of randomness.

mod clock;
mod randomness;

pub use clock::SystemClock;
pub use randomness::OsRandomness;
