//! Only one spelling of a signature is accepted, and nothing that is no signature does harm.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use ed25519_dalek::{Signer, SigningKey};
use keystead_application::ports::{SshSignatureError, SshSignatures};
use keystead_domain::SshPublicKey;
use keystead_ssh_signatures::OpenSshSignatures;
use ssh_key::Mpint;
use support::{NAMESPACE, Parts, armored, strings};

const MESSAGE: &[u8] = b"message";
const SSH: OpenSshSignatures = OpenSshSignatures;

/// A signature whose parts are changed before they are signed.
fn signed(change: impl FnOnce(&mut Parts)) -> (SshPublicKey, Parts) {
    let signer = SigningKey::from_bytes(&[3; 32]);
    let key = SSH.ed25519_key(&signer.verifying_key().to_bytes());
    let mut parts = Parts::new(key.wire().to_vec());
    change(&mut parts);
    let bare = signer.sign(&parts.signed(MESSAGE)).to_bytes();
    parts.signature = strings(&[b"ssh-ed25519", &bare]);
    (key, parts)
}

fn verify(key: &SshPublicKey, signature: &[u8]) -> Result<(), SshSignatureError> {
    SSH.verify(key, NAMESPACE, MESSAGE, signature)
}

fn is_malformed(result: &Result<(), SshSignatureError>) -> bool {
    matches!(result, Err(SshSignatureError::Malformed(_)))
}

#[test]
fn a_reserved_field_is_ignored_but_it_is_signed() {
    let (key, parts) = signed(|parts| parts.reserved = b"for later".to_vec());
    verify(&key, &parts.bytes()).unwrap();
    let (key, mut parts) = signed(|_| {});
    verify(&key, &parts.bytes()).unwrap();
    parts.reserved = b"put in afterwards".to_vec();
    assert_eq!(verify(&key, &parts.bytes()), Err(SshSignatureError::BadSignature));
}

#[test]
fn other_versions_hashes_and_namespaces_are_refused() {
    for version in [0, 2, u32::MAX] {
        let (key, parts) = signed(|parts| parts.version = version);
        assert!(is_malformed(&verify(&key, &parts.bytes())), "{version}");
    }
    for hash in ["sha1", "sha384", "SHA512", "md5", ""] {
        let (key, parts) = signed(|parts| parts.hash = hash);
        assert!(is_malformed(&verify(&key, &parts.bytes())), "{hash}");
    }
    for namespace in [&b""[..], b"\xff"] {
        let (key, parts) = signed(|parts| parts.namespace = namespace.to_vec());
        assert!(is_malformed(&verify(&key, &parts.bytes())), "{namespace:?}");
    }
    let (key, parts) = signed(|parts| parts.namespace = b"keystead-test\0".to_vec());
    assert!(matches!(
        verify(&key, &parts.bytes()),
        Err(SshSignatureError::OtherNamespace { .. })
    ));
}

#[test]
fn a_namespace_does_no_harm_where_it_is_shown() {
    let (key, parts) = signed(|parts| parts.namespace = "file\u{1b}[2J\u{202e}".repeat(100).into());
    let shown = verify(&key, &parts.bytes()).unwrap_err().to_string();
    assert!(shown.contains("file\u{fffd}[2J\u{fffd}file"), "{shown:?}");
    assert!(
        !shown.contains(['\u{1b}', '\u{202e}']) && shown.len() < 400,
        "{shown:?}"
    );
}

#[test]
fn nothing_stands_behind_the_inner_parts_either() {
    let (key, parts) = signed(|_| {});
    for more in [&b"\0"[..], b"\0\0\0\0", &[1; 100]] {
        let longer = |part: &[u8]| [part, more].concat();
        for changed in [
            Parts {
                signature: longer(&parts.signature),
                ..parts.clone()
            },
            Parts {
                public_key: longer(&parts.public_key),
                ..parts.clone()
            },
        ] {
            assert!(is_malformed(&verify(&key, &changed.bytes())));
        }
    }
}

/// The group order added to the scalar gives the same number in another spelling.
#[test]
fn an_ed25519_scalar_has_one_spelling() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (key, mut parts) = signed(|_| {});
    let scalar = parts.signature.len() - 32;
    let mut carry = 0;
    for (digit, add) in parts.signature[scalar..].iter_mut().zip(ORDER) {
        carry += u16::from(*digit) + u16::from(add);
        *digit = (carry & 0xff) as u8;
        carry >>= 8;
    }
    assert_eq!(verify(&key, &parts.bytes()), Err(SshSignatureError::BadSignature));
}

#[test]
fn an_ed25519_key_of_small_order_is_no_key() {
    for (first, last) in [(1, 0), (0, 0), (0xec, 0x7f), (1, 0x80)] {
        let mut weak = [if first == 0xec { 0xff } else { 0 }; 32];
        (weak[0], weak[31]) = (first, last);
        let line = SSH.ed25519_key(&weak).to_string();
        assert!(matches!(
            SSH.read_key(&line),
            Err(SshSignatureError::KeyNotAccepted(_))
        ));
        let mut parts = Parts::new(SSH.ed25519_key(&weak).wire().to_vec());
        let mut bare = [0; 64];
        bare[0] = 1;
        parts.signature = strings(&[b"ssh-ed25519", &bare]);
        assert!(verify(&SSH.ed25519_key(&weak), &parts.bytes()).is_err());
    }
}

#[test]
fn the_numbers_of_ecdsa_have_one_spelling() {
    let signer = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let wire = strings(&[b"ecdsa-sha2-nistp256", b"nistp256", signer.public_key().as_ref()]);
    let key = SshPublicKey::new("ecdsa-sha2-nistp256", wire.clone());
    let mut parts = Parts::new(wire);
    let numbers = signer.sign(&SystemRandom::new(), &parts.signed(MESSAGE)).unwrap();
    let (r, s) = numbers.as_ref().split_at(32);
    let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes).as_bytes().to_vec();
    let mut verifies = |r: &[u8], s: &[u8], behind: &[u8]| {
        let inner = [strings(&[r, s]), behind.to_vec()].concat();
        parts.signature = strings(&[b"ecdsa-sha2-nistp256", &inner]);
        verify(&key, &parts.bytes()).is_ok()
    };
    assert!(verifies(&number(r), &number(s), b""));
    let padded = |number: Vec<u8>| [vec![0], number].concat();
    assert!(!verifies(&padded(number(r)), &number(s), b""));
    assert!(!verifies(&number(r), &padded(number(s)), b""));
    assert!(!verifies(&number(r), &number(s), b"\0"));
    assert!(!verifies(&number(s), &number(r), b""));
    assert!(!verifies(b"", &number(s), b""));
    assert!(!verifies(&number(r), b"", b""));
}

#[test]
fn the_numbers_of_an_rsa_key_have_one_spelling() {
    let modulus = [vec![0, 0xc1], vec![0x5b; 254], vec![0x77]].concat();
    let read = |exponent: &[u8], modulus: &[u8]| {
        let wire = strings(&[b"ssh-rsa", exponent, modulus]);
        SSH.read_key(&SshPublicKey::new("ssh-rsa", wire).to_string())
    };
    assert!(read(&[1, 0, 1], &modulus).is_ok());
    let padded = [&[0], modulus.as_slice()].concat();
    for (exponent, modulus) in [
        (&[0, 1, 0, 1][..], &modulus[..]),
        (&[1, 0, 1], &padded),
        (&[1, 0, 1], &modulus[1..]),
        (&[1, 0, 1], &[&modulus[..256], &[0x76]].concat()),
        (&[1, 0, 0], &modulus),
        (&[1], &modulus),
        (&[], &modulus),
        (&[1, 0, 1], &[]),
        (&[1, 0, 1], &[vec![0x7f], vec![0xff; 255]].concat()),
        (&[1, 0, 1], &[vec![1], vec![0xff; 1024]].concat()),
    ] {
        assert!(read(exponent, modulus).is_err(), "{exponent:?} {modulus:02x?}");
    }
}

/// Bytes are exchanged, taken out, put in and doubled, thousands of times: nothing panics, and nothing but the signature
/// itself is accepted.
#[test]
fn no_damage_is_accepted_or_does_harm() {
    let (key, parts) = signed(|_| {});
    let (signature, armor, line) = (parts.bytes(), parts.armored(), format!("{key} ada"));
    let mut chance = Chance(1);
    for _ in 0..5_000 {
        let damaged = chance.damage(&signature);
        let _ = SSH.claimed_key(&damaged);
        assert!(verify(&key, &damaged).is_err() || damaged == signature);
        let damaged = String::from_utf8_lossy(&chance.damage(armor.as_bytes())).into_owned();
        if let Ok(bare) = SSH.dearmor(&damaged) {
            assert!(verify(&key, &bare).is_err() || bare == signature);
        }
        let damaged = String::from_utf8_lossy(&chance.damage(line.as_bytes())).into_owned();
        if let Ok(read) = SSH.read_key(&damaged) {
            assert_eq!(SSH.read_key(&read.to_string()), Ok(read));
        }
    }
    assert!(SSH.dearmor(&armored(&vec![7; 1_000_000])).is_err());
    assert!(is_malformed(&verify(&key, &vec![b'S'; 1_000_000])));
    assert!(
        SSH.read_key(&format!("{line} {}", "x".repeat(1_000_000)))
            .is_err()
    );
}

/// The same numbers in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 if !bytes.is_empty() => bytes[at] = self.below(256) as u8,
                1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => bytes.insert(at, self.below(256) as u8),
                _ => {
                    let end = (at + self.below(40)).min(bytes.len());
                    let piece = bytes[at.min(end)..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    }
}
