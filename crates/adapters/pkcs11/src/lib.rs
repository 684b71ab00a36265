//! A master key that never leaves a PKCS#11 token: a hardware security module, a smart card, or SoftHSM.
//!
//! The key is an AES key of 256 bits that the token generates and never gives out. Each secret is sealed with
//! XChaCha20-Poly1305 under a data key of its own, and the token encrypts that data key with AES-GCM, so it handles 32 bytes
//! whatever the size of the secret. Sealed bytes are the initialisation vector (12), the encrypted data key (48), the nonce
//! (24) and the ciphertext with its tag.
//!
//! **Without the token, or a backup of it that its maker's tools made, nothing that was sealed under its key can be
//! opened.** Whoever has the token and its PIN, or can use a session of this program, can open everything; nobody can take
//! the key along.
//!
//! A token holds keys side by side under one label and has no place to write down which is the current one. All of them are
//! found, in the order of their ids; whoever opens something chooses by the id that the sealed bytes name, and promoting a
//! key only checks that it is there. Two processes that make the first key at the very same time make two: each uses its
//! own, and the one that loses the race for the database leaves a key that nothing needs.
//!
//! A successor is always a new key: the token cannot tell one that was never used from one that old backups of the database
//! need, and giving the latter back would undo a rotation. So each rotation that was killed before it had sealed anything
//! leaves a key on the token that nothing needs. It does no harm, and nothing here ever deletes it; whoever wants to, with
//! the tools of the token, has to be sure that neither the database nor a backup of it names the id of that key.

mod key;
mod module;
mod pin;
mod provider;
mod token;
mod trouble;

pub use pin::PinSource;
pub use provider::{Pkcs11MasterKeyProvider, Pkcs11Options};

/// The name under which sealed rows remember this provider.
const PROVIDER: &str = "pkcs11";
