//! A master key in a file that only its owner can read.
//!
//! The file is one line of text: `keystead-master-key-v1:`, the 32 bytes of the key as 64 hexadecimal digits, and a line
//! feed. It protects the database and its dumps, not a copy of the folder that holds both.

mod file;
mod key;
mod provider;

pub use provider::KeyFileMasterKeyProvider;

/// The name under which sealed rows remember this provider.
const PROVIDER: &str = "key-file";
