//! Files that ask for too much are refused before anything is computed, and what no crate below checks is checked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use std::time::Duration;

use common::{UNPROTECTED, block, codec, decode, passphrase, refusal};
use keystead_application::ports::{DecodedFile, ExportCodec, ExportCodecError, PrivateBlock};
use keystead_domain::{Kdf, Protection};
use pkcs8::ObjectIdentifier;
use pkcs8::der::Encode;

const PBES2: &str = "1.2.840.113549.1.5.13";
const PBKDF2: &str = "1.2.840.113549.1.5.12";
const SCRYPT: &str = "1.3.6.1.4.1.11591.4.11";
const AES_256_CBC: &str = "2.16.840.1.101.3.4.1.42";
const DES3_CBC: &str = "1.2.840.113549.3.7";

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let header = match len {
        0..=0x7f => vec![tag, len as u8],
        0x80..=0xff => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [header, content.to_vec()].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(4, bytes)
}

fn integer(number: u128) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|b| **b == 0).count().min(15);
    let mut bytes = bytes[zeros..].to_vec();
    if bytes[0] & 0x80 != 0 {
        bytes.insert(0, 0);
    }
    tlv(2, &bytes)
}

fn oid(dotted: &str) -> Vec<u8> {
    ObjectIdentifier::new(dotted).unwrap().to_der().unwrap()
}

fn envelope(kdf: Vec<u8>, cipher: &str, iv: &[u8]) -> Vec<u8> {
    let cipher = sequence(&[oid(cipher), octets(iv)]);
    sequence(&[
        sequence(&[oid(PBES2), sequence(&[kdf, cipher])]),
        octets(&[7; 64]),
    ])
}

fn pbkdf2(iterations: u128) -> Vec<u8> {
    sequence(&[oid(PBKDF2), sequence(&[octets(b"saltsalt"), integer(iterations)])])
}

fn scrypt(n: u128, r: u128, p: u128) -> Vec<u8> {
    let parameters = [octets(b"saltsalt"), integer(n), integer(r), integer(p)];
    sequence(&[oid(SCRYPT), sequence(&parameters)])
}

fn pem_of(kdf: Vec<u8>) -> String {
    block("ENCRYPTED PRIVATE KEY", &envelope(kdf, AES_256_CBC, &[1; 16]))
}

/// Refuses the file, and does so far faster than the work that it asks for would take.
#[track_caller]
fn too_much(file: impl AsRef<[u8]> + Send + 'static, words: &str) {
    let message = quickly(move || match refusal(file) {
        ExportCodecError::TooMuchWork(message) => message,
        other => panic!("another error: {other:?}"),
    });
    assert!(message.contains(words), "{message}");
}

/// A minute is plenty for what takes milliseconds, even on a busy machine, and nothing to what a bomb takes.
#[track_caller]
fn quickly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    receive
        .recv_timeout(Duration::from_secs(60))
        .expect("it failed or took too long")
}

#[test]
fn key_derivations_are_bounded() {
    too_much(pem_of(pbkdf2(2_000_000_000)), "2000000000 PBKDF2 iterations");
    too_much(pem_of(pbkdf2(10_000_001)), "at most 10000000");
    too_much(pem_of(pbkdf2(1 << 100)), "PBKDF2 iterations");
    too_much(pem_of(scrypt(1 << 30, 8, 1)), "1048576 MiB");
    too_much(pem_of(scrypt(1 << 62, 8, 1)), "scrypt");
    too_much(pem_of(scrypt(2, 1 << 62, 1)), "scrypt");
    too_much(pem_of(scrypt(1 << 18, 16, 1)), "512 MiB");
    too_much(pem_of(scrypt(1 << 14, 8, 17)), "17 times");
    too_much(pem_of(scrypt(1 << 14, 8, 1 << 29)), "scrypt");

    let protection = |file: DecodedFile| file.privates[0].protection();
    let at_bound = decode(pem_of(pbkdf2(10_000_000))).unwrap();
    assert_eq!(
        protection(at_bound),
        Protection::Passphrase(Kdf::Pbkdf2 {
            iterations: 10_000_000
        })
    );
    let at_bound = decode(pem_of(scrypt(1 << 18, 8, 16))).unwrap();
    assert_eq!(
        protection(at_bound),
        Protection::Passphrase(Kdf::Scrypt { memory: 256 << 20 })
    );
}

#[test]
fn bounds_hold_for_blocks_that_were_not_decoded_here() {
    for kdf in [pbkdf2(2_000_000_000), scrypt(1 << 30, 8, 1)] {
        let block = PrivateBlock::Protected {
            der: envelope(kdf, AES_256_CBC, &[1; 16]),
            protection: Protection::Unprotected,
        };
        let error = quickly(move || codec().unlock(&block, &passphrase("secret")).err());
        assert!(matches!(error, Some(ExportCodecError::TooMuchWork(_))));
    }
}

#[test]
fn the_keys_of_a_file_are_bounded_together() {
    assert!(decode(pem_of(pbkdf2(10_000_000)).repeat(100)).is_ok());
    too_much(pem_of(pbkdf2(10_000_000)).repeat(101), "in several files");
    too_much(pem_of(scrypt(1 << 18, 8, 16)).repeat(17), "in several files");
    assert!(decode(pem_of(pbkdf2(600_000)).repeat(1000)).is_ok());
    too_much(pem_of(pbkdf2(2048)).repeat(1001), "1001 private keys");
}

#[test]
fn files_and_blocks_are_bounded() {
    const MAX_LEN: usize = 16 * 1024 * 1024;
    too_much(vec![b'-'; MAX_LEN + 1], "at most 16 MiB");
    assert!(matches!(
        quickly(|| refusal(vec![b'-'; MAX_LEN])),
        ExportCodecError::NoPrivateKey { .. }
    ));
    too_much(
        "-----BEGIN X-----\n-----END X-----\n".repeat(200_000),
        "4096 PEM blocks",
    );
    too_much(
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n".repeat(200_000),
        "4096 PEM blocks",
    );
    too_much("-----BEGIN X-----\n".repeat(200_000), "4096 PEM blocks");
    for label in [
        "PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PUBLIC KEY",
        "KEYSTEAD KEYSET",
    ] {
        too_much(block(label, &[7; 64 * 1024]), &format!("a {label} block"));
    }
    // A long block that does not matter is passed over.
    let long = [block("CERTIFICATE", &vec![7; 1 << 20]).as_bytes(), UNPROTECTED].concat();
    assert!(decode(long).is_ok());
}

#[test]
fn hostile_lines_take_linear_time() {
    const LEN: usize = 4 * 1024 * 1024;
    for pattern in [
        "-",
        "-----BEGIN ",
        "-----END ",
        "-----",
        "\n",
        " ",
        "\u{feff}",
        "-----BEGIN PRIVATE KEY-----",
    ] {
        let mut file = pattern.repeat(LEN / pattern.len()).into_bytes();
        let error = quickly({
            let file = file.clone();
            move || refusal(file)
        });
        assert!(
            matches!(error, ExportCodecError::NoPrivateKey { .. }),
            "{pattern:?}: {error:?}"
        );
        // The same around a key: it is found.
        file.truncate(LEN - 10_000);
        let file = [UNPROTECTED, &file, b"\n"].concat();
        quickly(move || decode(file).map(drop)).unwrap();
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |der: Vec<u8>| match refusal(block("ENCRYPTED PRIVATE KEY", &der)) {
        ExportCodecError::Damaged { block, .. } => assert_eq!(block, "ENCRYPTED PRIVATE KEY"),
        other => panic!("another error: {other:?}"),
    };
    for kdf in [
        pbkdf2(0),
        scrypt(0, 8, 1),
        scrypt(1, 8, 1),
        scrypt(3, 8, 1),
        scrypt(1 << 14, 0, 1),
        scrypt(1 << 14, 8, 0),
        sequence(&[oid(PBKDF2)]),
        sequence(&[oid(PBKDF2), sequence(&[octets(b"salt")])]),
        sequence(&[oid(PBKDF2), sequence(&[integer(1), octets(b"salt")])]),
        sequence(&[oid(PBKDF2), sequence(&[octets(b"salt"), tlv(2, &[0x80])])]),
        sequence(&[
            oid(PBKDF2),
            sequence(&[octets(b"salt"), integer(2048), integer(7)]),
        ]),
    ] {
        refused(envelope(kdf, AES_256_CBC, &[1; 16]));
    }
    for len in [0, 1, 7, 9, 15, 17, 32] {
        refused(envelope(pbkdf2(2048), AES_256_CBC, &vec![1; len]));
        refused(envelope(pbkdf2(2048), DES3_CBC, &vec![1; len]));
    }
    let mut long = envelope(pbkdf2(2048), AES_256_CBC, &[1; 16]);
    long.push(0);
    refused(long);
}

#[test]
fn schemes_that_are_not_read_are_named() {
    let gcm = envelope(pbkdf2(2048), "2.16.840.1.101.3.4.1.46", &[1; 12]);
    let other_kdf = envelope(sequence(&[oid("1.2.3.4")]), AES_256_CBC, &[1; 16]);
    let other_cipher = envelope(pbkdf2(2048), "1.2.3.5", &[1; 16]);
    let long_salt = sequence(&[oid(PBKDF2), sequence(&[octets(&[1; 33]), integer(2048)])]);
    let pbes1 = sequence(&[
        sequence(&[
            oid("1.2.840.113549.1.5.3"),
            sequence(&[octets(b"saltsalt"), integer(2048)]),
        ]),
        octets(&[7; 64]),
    ]);
    for (der, name) in [
        (gcm, "AES-GCM"),
        (other_kdf, "1.2.3.4"),
        (other_cipher, "1.2.3.5"),
        (envelope(long_salt, AES_256_CBC, &[1; 16]), "salt of 33 bytes"),
        (pbes1, "PBES1 (MD5 and DES)"),
    ] {
        match refusal(block("ENCRYPTED PRIVATE KEY", &der)) {
            ExportCodecError::NotAccepted { found, fix } => {
                assert!(found.contains(name), "{found}");
                assert!(fix.contains("openssl pkey"), "{fix}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_decrypts_to_something_else_reads_like_a_wrong_passphrase() {
    // 64 bytes of nothing, and lengths that no cipher text has.
    for ciphertext in [vec![7; 64], vec![7; 63], Vec::new()] {
        let cipher = sequence(&[oid(AES_256_CBC), octets(&[1; 16])]);
        let der = sequence(&[
            sequence(&[oid(PBES2), sequence(&[pbkdf2(1), cipher])]),
            octets(&ciphertext),
        ]);
        let file = decode(block("ENCRYPTED PRIVATE KEY", &der)).unwrap();
        let result = codec().unlock(&file.privates[0], &passphrase("secret"));
        assert!(matches!(result, Err(ExportCodecError::NotUnlocked)));
    }
}
