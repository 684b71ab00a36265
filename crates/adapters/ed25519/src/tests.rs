use std::fs;
use std::path::Path;
use std::process::Command;

use keystead_application::ports::RandomnessError;
use tempfile::TempDir;

use super::*;

/// Counts up, so that every draw is another key and every run the same.
struct Counting(std::sync::atomic::AtomicU8);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let draw = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        buffer.iter_mut().zip(0_u8..).for_each(|(b, i)| *b = i ^ draw);
        Ok(())
    }
}

struct Broken;

impl Randomness for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomnessError> {
        Err(RandomnessError("no entropy".into()))
    }
}

fn engine() -> Ed25519SigningEngine {
    Ed25519SigningEngine::new(Arc::new(Counting(0.into())))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

fn openssl(args: &[&str], folder: &Path) -> bool {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    output.status.success()
}

/// The DER SubjectPublicKeyInfo of a raw Ed25519 key (RFC 8410, section 4).
fn spki(public_key: &[u8; 32]) -> Vec<u8> {
    [&unhex("302a300506032b6570032100"), public_key.as_slice()].concat()
}

/// The DER PKCS#8 of a raw Ed25519 seed (RFC 8410, section 7).
fn pkcs8(seed: &[u8]) -> Vec<u8> {
    [&unhex("302e020100300506032b657004220420"), seed].concat()
}

#[test]
fn the_vector_of_rfc_8032_section_7_1_test_3() {
    let seed = unhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    let public_key = unhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    let signature = unhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
    let seed = SecretBytes::new(seed);
    assert_eq!(engine().sign(&seed, &[0xaf, 0x82]).unwrap().to_vec(), signature);
    let public_key: [u8; 32] = public_key.try_into().unwrap();
    let signature: [u8; 64] = signature.try_into().unwrap();
    assert!(engine().verify(&public_key, &[0xaf, 0x82], &signature).is_ok());
}

#[test]
fn openssl_accepts_what_is_signed_here_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let engine = engine();
    let pair = engine.generate().unwrap();
    let signature = engine.sign(&pair.private_key, b"the manager says so").unwrap();
    fs::write(folder.path().join("public.der"), spki(&pair.public_key)).unwrap();
    fs::write(folder.path().join("signature"), signature).unwrap();
    let verify = [
        "pkeyutl",
        "-verify",
        "-rawin",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "public.der",
        "-sigfile",
        "signature",
        "-in",
        "message",
    ];
    fs::write(folder.path().join("message"), "the manager says so").unwrap();
    assert!(openssl(&verify, folder.path()));
    fs::write(folder.path().join("message"), "the manager says no").unwrap();
    assert!(!openssl(&verify, folder.path()));
}

#[test]
fn what_openssl_signs_is_accepted_here() {
    let folder = TempDir::new().unwrap();
    let engine = engine();
    let pair = engine.generate().unwrap();
    fs::write(
        folder.path().join("private.der"),
        pkcs8(pair.private_key.expose()),
    )
    .unwrap();
    fs::write(folder.path().join("message"), "from elsewhere").unwrap();
    let sign = [
        "pkeyutl",
        "-sign",
        "-rawin",
        "-keyform",
        "DER",
        "-inkey",
        "private.der",
        "-in",
        "message",
        "-out",
        "signature",
    ];
    assert!(openssl(&sign, folder.path()));
    let signature: [u8; 64] = fs::read(folder.path().join("signature"))
        .unwrap()
        .try_into()
        .unwrap();
    assert!(
        engine
            .verify(&pair.public_key, b"from elsewhere", &signature)
            .is_ok()
    );
}

#[test]
fn a_change_of_the_message_the_key_or_the_signature_is_noticed() {
    let engine = engine();
    let (pair, other) = (engine.generate().unwrap(), engine.generate().unwrap());
    let signature = engine.sign(&pair.private_key, b"message").unwrap();
    assert!(engine.verify(&pair.public_key, b"message", &signature).is_ok());

    assert!(engine.verify(&pair.public_key, b"massage", &signature).is_err());
    assert!(engine.verify(&other.public_key, b"message", &signature).is_err());
    for byte in 0..64 {
        let mut changed = signature;
        changed[byte] ^= 1;
        let refused = engine.verify(&pair.public_key, b"message", &changed);
        assert!(matches!(refused, Err(SigningError::BadSignature)), "byte {byte}");
    }
}

#[test]
fn weak_keys_and_malleable_signatures_are_refused() {
    let engine = engine();
    // The neutral element as key and as R, and s = 0: fits every message under the plain check.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(engine.verify(&neutral, b"anything", &signature).is_err());
    // y = 2 is on no curve point.
    let mut nowhere = [0; 32];
    nowhere[0] = 2;
    assert!(engine.verify(&nowhere, b"anything", &signature).is_err());

    // s + L is the same number modulo the group order L.
    let pair = engine.generate().unwrap();
    let mut malleable = engine.sign(&pair.private_key, b"message").unwrap();
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0_u16;
    for (digit, add) in malleable[32..].iter_mut().zip(order) {
        carry += u16::from(*digit) + u16::from(add);
        *digit = (carry & 0xff) as u8;
        carry >>= 8;
    }
    assert!(engine.verify(&pair.public_key, b"message", &malleable).is_err());
}

#[test]
fn a_malformed_key_and_missing_randomness_are_told() {
    let short = SecretBytes::new(vec![7; 31]);
    assert!(matches!(
        engine().sign(&short, b"m"),
        Err(SigningError::Malformed)
    ));
    let broken = Ed25519SigningEngine::new(Arc::new(Broken));
    assert!(matches!(broken.generate(), Err(SigningError::Randomness(_))));
}
