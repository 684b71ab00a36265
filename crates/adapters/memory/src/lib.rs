//! Every port in memory: the strict reference that the conformance suites are tested with, and that use cases run on in
//! tests. What a database or a server would refuse, these refuse too.
//!
//! **For tests, never for production.** Nothing here encrypts, signs or derives anything. Where a port asks for a
//! cipher, an adapter hands out a meaningless token and keeps what it stands for in a table of its own: opening looks
//! the token up and compares. So a "ciphertext" is good for the adapter that made it (and its clones) and for nothing
//! else, and dropping the adapter loses what was sealed.

mod clock;
mod export_codec;
mod file_share;
mod master_key;
mod message_cipher;
mod processes;
mod randomness;
mod rsa_engine;
mod sealed_format;
mod server_folder;
mod share_provider;
mod signing;
mod ssh_signatures;
mod store;
mod token;

pub use clock::MemoryClock;
pub use export_codec::MemoryExportCodec;
pub use file_share::MemoryFileShare;
pub use master_key::{MemoryMasterKey, MemoryMasterKeyProvider};
pub use message_cipher::MemoryMessageCipher;
pub use processes::MemoryProcesses;
pub use randomness::MemoryRandomness;
pub use rsa_engine::MemoryRsaEngine;
pub use sealed_format::MemorySealedFormat;
pub use server_folder::MemoryServerFolder;
pub use share_provider::MemoryShareProvider;
pub use signing::MemorySigningEngine;
pub use ssh_signatures::MemorySshSignatures;
pub use store::MemoryStore;
