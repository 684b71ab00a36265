use keystead_application::ports::{ShareError, StoreError};

/// A failure of a port, as far as trying again is concerned.
pub(crate) trait Failure: std::fmt::Display {
    /// Whether the same call may succeed later.
    fn is_passing(&self) -> bool;

    /// Adds what was done about it.
    fn add(&mut self, note: &str);
}

impl Failure for StoreError {
    fn is_passing(&self) -> bool {
        self.kind.is_retryable()
    }

    fn add(&mut self, note: &str) {
        self.message = format!("{} ({note})", self.message);
    }
}

impl Failure for ShareError {
    fn is_passing(&self) -> bool {
        self.kind.is_retryable()
    }

    fn add(&mut self, note: &str) {
        self.message = format!("{} ({note})", self.message);
    }
}
