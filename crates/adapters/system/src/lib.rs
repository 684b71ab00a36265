//! The operating system as the clock, as the source of randomness, and as the one who knows which processes run.

mod clock;
mod processes;
mod randomness;

pub use clock::SystemClock;
pub use processes::OsProcesses;
pub use randomness::OsRandomness;
