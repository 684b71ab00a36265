//! A master key that a passphrase opens.
//!
//! A file of mode 0600 holds a random key of 32 bytes, encrypted under a key that Argon2id (RFC 9106) makes of the
//! passphrase. **The file is worthless without the passphrase, and the passphrase is worthless without the file**: both have
//! to be kept, in different places. What somebody who has the file can do is guess passphrases, so its strength is that of
//! the passphrase.
//!
//! The file is text:
//!
//! ```text
//! keystead-passphrase-key-v1
//! id: 0123456789abcdef
//! argon2id: m=65536,t=3,p=1
//! salt: <16 bytes in Base64>
//! wrapped: <72 bytes in Base64: nonce, and the key in XChaCha20-Poly1305>
//! ```
//!
//! The lines before the last one, each with its line feed, are the associated data of the encryption. Nothing asks for the
//! passphrase before the key is used for the first time, and then once.
//!
//! Beside a file F, `F.next` is the key that takes its place when a rotation is through, and `F.<id>.old` one whose place
//! was taken: old backups of the database need it, and its passphrase.

mod envelope;
mod file;
mod key;
mod place;
mod provider;
mod source;

pub use provider::PassphraseMasterKeyProvider;
pub use source::{Ask, PassphraseSource};

/// The name under which sealed rows remember this provider.
const PROVIDER: &str = "passphrase";
