//! What ciphers leave on the stack. They overwrite what they know of; a compiler also puts registers there.

use std::hint::black_box;

/// More of the stack than any cipher here uses.
const DEPTH: usize = 64 * 1024;

/// Runs work on secrets, and overwrites the stack that it used.
pub(crate) fn leaving_no_trace<T>(work: impl FnOnce() -> T) -> T {
    let done = apart(work);
    overwrite();
    done
}

#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    black_box(&mut [0_u8; DEPTH]);
}
