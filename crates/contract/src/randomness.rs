//! What a `Randomness` promises, as far as its output shows it. No test proves that bytes cannot be predicted; these find
//! a source that is broken.

use std::collections::HashSet;
use std::sync::Arc;

use keystead_application::ports::{Randomness, RandomnessExt};

use crate::case::{cases, ensure, equal};
use crate::{Suite, Verdict};

/// How the suite comes by a source of randomness.
pub trait RandomnessFixture: Send + Sync {
    /// The source.
    fn randomness(&self) -> Arc<dyn Randomness>;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn RandomnessFixture> {
    Suite::new(
        "randomness",
        cases![
            a_buffer_is_filled_to_its_ends,
            no_value_comes_twice,
            no_value_comes_twice_from_different_tasks,
            byte_values_are_spread_evenly,
            neighbours_are_unrelated,
        ],
    )
}

async fn a_buffer_is_filled_to_its_ends(fixture: Arc<dyn RandomnessFixture>) -> Verdict {
    let source = fixture.randomness();
    source.fill(&mut [])?;
    for len in [1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 5_000] {
        // A position that keeps its old value 8 times out of 8 was not written; by chance once in 10^19.
        let mut untouched = vec![true; len];
        for _ in 0..8 {
            let mut buffer = vec![0xaa; len];
            source.fill(&mut buffer)?;
            for (untouched, byte) in untouched.iter_mut().zip(&buffer) {
                *untouched &= *byte == 0xaa;
            }
        }
        let first = untouched.iter().position(|untouched| *untouched);
        ensure!(
            first.is_none(),
            "in a buffer of {len} bytes position {first:?} is not written"
        );
    }
    Ok(())
}

async fn no_value_comes_twice(fixture: Arc<dyn RandomnessFixture>) -> Verdict {
    let source = fixture.randomness();
    let mut seen = HashSet::new();
    for n in 0..5_000 {
        ensure!(seen.insert(source.bytes::<16>()?), "value {n} came before");
    }
    Ok(())
}

async fn no_value_comes_twice_from_different_tasks(fixture: Arc<dyn RandomnessFixture>) -> Verdict {
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let source = fixture.randomness();
        crowd.spawn(async move {
            (0..500)
                .map(|_| source.bytes::<16>())
                .collect::<Result<Vec<_>, _>>()
        });
    }
    let mut seen = HashSet::new();
    while let Some(values) = crowd.join_next().await {
        seen.extend(values??);
    }
    equal(seen.len(), 8 * 500, "the number of different values")
}

/// A megabyte holds each value 4096 times; 10 standard deviations (640) to either side are never seen by chance.
async fn byte_values_are_spread_evenly(fixture: Arc<dyn RandomnessFixture>) -> Verdict {
    let mut counts = [0_u32; 256];
    for byte in megabyte(&*fixture.randomness())? {
        counts[usize::from(byte)] += 1;
    }
    for (value, count) in counts.iter().enumerate() {
        ensure!(
            count.abs_diff(4_096) < 640,
            "the value {value} comes {count} times where 4096 are expected"
        );
    }
    Ok(())
}

/// Half of all bits differ from those of the next byte, the next word and the next block; 10 standard deviations are
/// 14,500 of 8 million bits.
async fn neighbours_are_unrelated(fixture: Arc<dyn RandomnessFixture>) -> Verdict {
    let bytes = megabyte(&*fixture.randomness())?;
    for distance in [1, 4, 8, 16, 32, 64] {
        let differing: u32 = bytes
            .iter()
            .zip(&bytes[distance..])
            .map(|(a, b)| (a ^ b).count_ones())
            .sum();
        let half = u32::try_from((bytes.len() - distance) * 4)?;
        ensure!(
            differing.abs_diff(half) < 14_500,
            "{differing} bits differ from those {distance} bytes on, where {half} are expected"
        );
    }
    Ok(())
}

fn megabyte(source: &dyn Randomness) -> Result<Vec<u8>, crate::Violation> {
    let mut bytes = vec![0; 1024 * 1024];
    source.fill(&mut bytes)?;
    Ok(bytes)
}
