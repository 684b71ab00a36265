//! Decorators of the store port and of the share port, free of any technology: they do not wait for ever, and do again what
//! a passing fault undid.
//!
//! Around a store there are two, in this order, so that what took too long is tried again:
//!
//! ```text
//! RetryingStore::new(Arc::new(TimedStore::new(store, limits)), RetryOptions::default(), randomness)
//! ```
//!
//! What is tried again is decided by [`StoreErrorKind::is_retryable`], never by a text. A caller cannot tell a store that
//! was retried from one that worked at once: a unit of work whose repetition would rest on something that has changed
//! meanwhile ends with [`StoreErrorKind::Conflict`], and a commit whose answer was lost is not guessed at but looked up.
//!
//! [`StoreErrorKind::is_retryable`]: keystead_application::ports::StoreErrorKind::is_retryable
//! [`StoreErrorKind::Conflict`]: keystead_application::ports::StoreErrorKind::Conflict

mod answer;
mod call;
mod failure;
mod journal;
mod patience;
mod reads;
mod retrying;
mod schema;
mod session;
mod share;
mod timed;
mod touched;
mod unit;

pub use call::retried;
pub use patience::RetryOptions;
pub use retrying::RetryingStore;
pub use schema::RetryingSchema;
pub use share::PatientShareProvider;
pub use timed::{TimeLimits, TimedStore};
