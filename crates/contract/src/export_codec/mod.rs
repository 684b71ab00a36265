//! What an `ExportCodec` promises.
//!
//! Encoding and unlocking take long on purpose, so the cases do little of it.

mod damage;
mod round_trip;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    EncodePlan, EncodedPrivateKey, ExportCodec, ExportCodecError, KeyPair, PrivateBlock, Protect,
    SignedMetadata,
};
use keystead_domain::{ExportMetadata, Hint, Passphrase, SecretBytes};

use crate::{Suite, Verdict, Violation, samples};

/// How the suite comes by a codec and by keys that it encodes.
#[async_trait]
pub trait ExportCodecFixture: Send + Sync {
    /// The codec.
    fn codec(&self) -> Arc<dyn ExportCodec>;

    /// A key pair. Two calls one after the other give different ones.
    async fn key_pair(&self) -> KeyPair;

    /// Whether an RSA engine would admit these bytes: `openssl pkey -check` will do. Encryption without authentication
    /// cannot notice every change; what a changed block decrypts to must then not be a key.
    async fn admits(&self, key: &EncodedPrivateKey) -> bool;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn ExportCodecFixture> {
    let cases = [round_trip::cases(), damage::cases()];
    Suite::new("export codec", cases.into_iter().flatten().collect())
}

const PASSPHRASE: &[u8] = b"correct horse battery staple";

fn metadata(pair: &KeyPair, hint: Hint) -> Result<ExportMetadata, Violation> {
    Ok(ExportMetadata {
        id: samples::keyset_id(7),
        hint,
        bits: pair.public.bits(),
        created_at: "1999-12-31T23:59:59.000001Z".parse()?,
        exported_at: "2046-01-02T03:04:05.678901Z".parse()?,
        fingerprint: pair.public.fingerprint(),
    })
}

/// Metadata with bytes in place of a signature: the codec carries it and does not check it. Zero bytes are among them,
/// because a zero byte ends the JSON.
fn signed(codec: &dyn ExportCodec, metadata: &ExportMetadata) -> Result<SignedMetadata, Violation> {
    let mut signature = samples::bytes(8, 256);
    signature[0] = 0;
    signature[100] = 0;
    signature[255] = 0;
    let json = codec.metadata_json(metadata)?;
    Ok(SignedMetadata { json, signature })
}

/// A whole export of a key pair.
fn export(
    codec: &dyn ExportCodec,
    pair: &KeyPair,
    passphrase: Option<&Passphrase>,
) -> Result<SecretBytes, Violation> {
    let metadata = metadata(pair, samples::hint("sample export")?)?;
    let protect = match passphrase {
        None => Protect::Unprotected,
        Some(passphrase) => Protect::Passphrase {
            passphrase,
            salt: [0x51; 16],
            iv: [0x17; 16],
        },
    };
    Ok(codec.encode(EncodePlan {
        private: &pair.private,
        public: &pair.public,
        metadata: signed(codec, &metadata)?,
        protect,
    })?)
}

fn joined(parts: &[&[u8]]) -> SecretBytes {
    SecretBytes::new(parts.concat())
}

/// That a key read from a file is this one.
fn is_key_of(found: &EncodedPrivateKey, pair: &KeyPair) -> bool {
    match found {
        EncodedPrivateKey::Pkcs8(bytes) => bytes.expose() == pair.private.expose(),
        EncodedPrivateKey::Pkcs1(_) => false,
    }
}

/// That a block is readable without a passphrase and holds this key.
fn is_plain_key_of(block: &PrivateBlock, pair: &KeyPair) -> bool {
    match block {
        PrivateBlock::Plain(key) => is_key_of(key, pair),
        PrivateBlock::Protected { .. } => false,
    }
}

fn not_unlocked<T>(result: Result<T, ExportCodecError>, what: &str) -> Verdict {
    match result {
        Err(ExportCodecError::NotUnlocked) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: unlocked"))),
    }
}
