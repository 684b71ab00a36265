//! No file stops the program, and none that was changed gives another key in silence.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use common::{PROTECTED, UNPROTECTED, block, codec, decode, passphrase};
use keystead_application::ports::{ExportCodec, PrivateBlock};
use keystead_domain::{Kdf, Protection};
use proptest::prelude::*;

fn change() -> impl Strategy<Value = (usize, usize, Vec<u8>)> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        Just(b"\n".to_vec()),
        Just(b"-----".to_vec()),
        Just(b"-----BEGIN PRIVATE KEY-----\n".to_vec()),
        Just(b"\n-----END PUBLIC KEY-----\n".to_vec()),
    ];
    (0..6000_usize, 0..40_usize, bytes)
}

fn apply(original: &[u8], changes: &[(usize, usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (at, remove, insert) in changes {
        let at = at % bytes.len().max(1);
        let end = (at + remove).min(bytes.len());
        bytes.splice(at..end, insert.iter().copied());
    }
    bytes
}

/// Unlocks what is cheap to unlock.
fn unlock(block: &PrivateBlock) {
    let cheap = match block.protection() {
        Protection::Unprotected => true,
        Protection::Passphrase(Kdf::Pbkdf2 { iterations }) => iterations < 5000,
        Protection::Passphrase(Kdf::Scrypt { memory }) => memory < 1 << 20,
    };
    if cheap {
        let _ = codec().unlock(block, &passphrase("secret"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_is_read_or_refused(changes in prop::collection::vec(change(), 1..5)) {
        for original in [UNPROTECTED, PROTECTED] {
            if let Ok(file) = decode(apply(original, &changes)) {
                prop_assert!(!file.privates.is_empty());
            }
        }
    }

    #[test]
    fn changed_encryption_parameters_are_bounded(changes in prop::collection::vec((0..110_usize, any::<u8>()), 1..4)) {
        let blocks = pem::parse_many(PROTECTED).unwrap();
        let mut der = blocks[0].contents().to_vec();
        changes.iter().for_each(|(at, byte)| der[*at] = *byte);
        if let Ok(file) = decode(block("ENCRYPTED PRIVATE KEY", &der)) {
            unlock(&file.privates[0]);
        }
    }

    #[test]
    fn noise_is_no_export(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(decode(&noise).is_err());
        for label in ["ENCRYPTED PRIVATE KEY", "KEYSTEAD KEYSET"] {
            prop_assert!(decode(block(label, &noise)).is_err());
        }
    }
}
