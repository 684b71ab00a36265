//! What belongs to recoveries: read in any transaction, written in a unit of work.

pub(crate) mod documents;
pub(crate) mod officers;
pub(crate) mod requests;
pub(crate) mod servers;

/// How many rows' children are read, or rows written, with one statement. Well below the number of values that an engine
/// takes in one.
const ROWS_AT_ONCE: usize = 500;
