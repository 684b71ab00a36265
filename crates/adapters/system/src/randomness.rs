use keystead_application::ports::{Randomness, RandomnessError};

/// The random number generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that asks the operating system"
    )]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        getrandom::fill(buffer).map_err(|e| RandomnessError(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use keystead_application::ports::RandomnessExt;

    use super::*;

    #[test]
    fn no_two_draws_are_alike_and_the_whole_buffer_is_filled() {
        let one: [u8; 32] = OsRandomness.bytes().unwrap();
        let other: [u8; 32] = OsRandomness.bytes().unwrap();
        assert_ne!(one, other);

        // Every place of the buffer is written: a place that stays zero in 16 draws has a chance of 2^-128.
        let mut touched = [0; 300];
        for _ in 0..16 {
            let draw: [u8; 300] = OsRandomness.bytes().unwrap();
            touched.iter_mut().zip(draw).for_each(|(t, d)| *t |= d);
        }
        assert!(touched.iter().all(|t| *t != 0));
    }

    #[test]
    fn an_empty_buffer_is_filled_too() {
        assert!(OsRandomness.fill(&mut []).is_ok());
    }
}
