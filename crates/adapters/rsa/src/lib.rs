//! RSA engines for Keystead.
//!
//! The `rsa` crate generates, parses and encodes keys and does what needs only the public key. What the private key does
//! is done by one of two engines:
//!
//! - [`AwsLcRsaEngine`] (feature `aws-lc`) uses AWS-LC, which is about five times as fast.
//! - [`PureRsaEngine`] (feature `pure-rust`) uses the `rsa` crate alone, with blinding.
//!
//! All randomness comes from the [`Randomness`](keystead_application::ports::Randomness) port, with one exception: AWS-LC
//! draws the salts of its PSS signatures and its blinding factors from its own generator.
//!
//! Engines work inside a Tokio runtime: long computations run on its blocking threads.
//!
//! A new key, generated or admitted, is encoded in one canonical way (PKCS#8 version 1, and SubjectPublicKeyInfo with NULL
//! parameters), and only after its private half has decrypted what was encrypted to its public half.

#[cfg(not(any(feature = "aws-lc", feature = "pure-rust")))]
compile_error!("keystead-rsa needs at least one of the features `aws-lc` and `pure-rust`");

mod admission;
#[cfg(feature = "aws-lc")]
mod aws_lc;
mod engine;
mod oid;
mod private_der;
mod public;
#[cfg(feature = "pure-rust")]
mod pure;
mod random;

#[cfg(feature = "aws-lc")]
pub use aws_lc::{AwsLcKey, AwsLcRsaEngine};
pub use engine::{PrivateOperations, SoftwareRsaEngine};
pub use private_der::PrivateNumbers;
#[cfg(feature = "pure-rust")]
pub use pure::{PureKey, PureRsaEngine};
pub use random::PortRng;
