//! Export files: PEM (RFC 7468) with PKCS#8, SubjectPublicKeyInfo and a metadata block of Keystead's own.
//!
//! For each keyset a file holds, in this order:
//!
//! 1. `PRIVATE KEY` (PKCS#8), or `ENCRYPTED PRIVATE KEY` (PBES2: PBKDF2 with HMAC-SHA256, AES-256-CBC);
//! 2. `PUBLIC KEY` (SubjectPublicKeyInfo);
//! 3. `KEYSTEAD KEYSET`: a JSON object, one zero byte, and a signature over `keystead-keyset-v1`, one zero byte and exactly
//!    those JSON bytes.
//!
//! Reading is more tolerant: see [`PemExportCodec`]. Everything that a file can ask for is bounded before it is computed.
//!
//! Private keys in the clear never pass through the `pem` crate, which leaves copies of what it reads and writes in freed
//! memory; every other block does.

mod clear;
mod codec;
mod decode;
mod encode;
mod encryption;
mod label;
mod metadata;
mod scan;
mod stranger;

pub use codec::{InvalidPemOptions, MIN_PBKDF2_ITERATIONS, PemExportCodec, PemOptions};
pub use decode::{MAX_BLOCK_LEN, MAX_BLOCKS, MAX_FILE_LEN, MAX_PRIVATE_KEYS};
pub use encryption::{MAX_SCRYPT_LANES, MAX_TOTAL_ITERATIONS, MAX_TOTAL_SCRYPT_MEMORY};
