//! Conformance suites for the ports of Keystead: what a backend must do, as tests.
//!
//! A backend author proves a backend with one macro call for each port that it implements, and needs no other crate of
//! this workspace than this one as a dev-dependency:
//!
//! ```text
//! keystead_contract::store_contract!(async { PostgresFixture::new().await });
//! ```
//!
//! A fixture tells the suite how to come by a fresh backend, and what the backend can do. A case whose capability is not
//! there is skipped and reported with the reason. A run in which no case ran is a failure, and so is a case that panics
//! or does not come to an end. Fixtures may panic when they cannot do their work; that too is reported as a violation.
//!
//! The suites are themselves tested: the in-memory reference passes each of them, and deliberately broken variants of it
//! are caught by the case that names the broken promise.

mod case;
mod macros;
mod report;
mod suite;

pub mod clock;
pub mod export_codec;
pub mod file_share;
pub mod master_key;
pub mod message_cipher;
pub mod randomness;
pub mod rsa_engine;
pub mod samples;
pub mod sealed_format;
pub mod server_folder;
pub mod signing;
pub mod ssh_signatures;
pub mod store;

pub use case::{Case, CaseFuture, Gate, Verdict, Violation};
pub use report::{Failed, Outcome, Report};
pub use suite::{Suite, block_on};

/// What the macros of this crate name; not meant to be used directly.
#[doc(hidden)]
pub mod private {
    pub use std::sync::Arc;
}

pub use async_trait::async_trait;
pub use keystead_application as application;
pub use keystead_domain as domain;
