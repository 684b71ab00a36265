//! Tokens: bytes that look random, mean nothing and never come twice within a process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A new token. Eight bytes or more are different from those of every other token of the process.
pub(crate) fn token(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    spread(NEXT.fetch_add(1, Ordering::Relaxed) << 32, &mut bytes);
    bytes
}

/// A new token of a fixed length.
pub(crate) fn token_array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    spread(NEXT.fetch_add(1, Ordering::Relaxed) << 32, &mut bytes);
    bytes
}

/// Fills a buffer from a counter, and returns the counter to go on from.
pub(crate) fn spread(mut counter: u64, buffer: &mut [u8]) -> u64 {
    for part in buffer.chunks_mut(8) {
        part.copy_from_slice(&mix(counter).to_le_bytes()[..part.len()]);
        counter = counter.wrapping_add(1);
    }
    counter
}

/// Takes a lock. What these tables hold stays usable when another test thread panicked.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Spreads a counter over all bits, one to one (the output function of SplitMix64). It hides nothing.
fn mix(counter: u64) -> u64 {
    let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
