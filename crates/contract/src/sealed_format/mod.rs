//! What a `SealedFormat` and its `PayloadStream` promise.
//!
//! The payload is that of age v1 (age-encryption.org/v1): a nonce of 16 bytes, then records of 64 KiB of content and a
//! tag of 16 bytes each, the last one shorter or full. The suite counts on these lengths and on nothing else in the bytes.

mod header;
mod opening;
mod padding;
mod password;
mod payload;
mod steps;

use std::sync::Arc;

use keystead_application::ports::SealedFormat;

use crate::Suite;

/// How the suite comes by a format.
pub trait SealedFormatFixture: Send + Sync {
    /// The format.
    fn format(&self) -> Arc<dyn SealedFormat>;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn SealedFormatFixture> {
    let cases = [
        header::cases(),
        password::cases(),
        payload::cases(),
        opening::cases(),
        padding::cases(),
    ];
    Suite::new("sealed format", cases.into_iter().flatten().collect())
}
