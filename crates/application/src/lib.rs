//! The steps of Keystead: use cases, and the ports through which they reach the world.
//!
//! Architecture invariant: this crate knows the domain and nothing else of the workspace. A use case names roles
//! ([`ports`]); which technology plays a role is decided in the binary.
//!
//! Architecture invariant: no transaction is open while RSA, key derivation or file work runs.

pub mod audit;
mod error;
pub mod exchange;
pub mod ports;
mod tools;
pub mod use_cases;

pub use error::{Explain, Status};
pub use tools::{Foundation, Tools};
