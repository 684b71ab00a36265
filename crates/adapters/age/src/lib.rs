//! Sealed files in the age v1 format (age-encryption.org/v1), with slots for keysets (`ssh-rsa`) that every stock age
//! opens, a slot for a password, and an information stanza that stock age skips.
//!
//! The payload is encrypted by aws-lc; the grammar of the header is small and lives here, because callers need headers
//! without payloads, the message authentication code on its own, and last records that a tape padded with zeros.
//!
//! Messages to one reader are whole and small, so the age crate makes and opens them.

mod armor;
mod format;
mod header;
mod kdf;
mod message;
mod password;
mod payload;
mod stack;
mod stanzas;

pub use format::AgeSealedFormat;
pub use message::AgeMessageCipher;
