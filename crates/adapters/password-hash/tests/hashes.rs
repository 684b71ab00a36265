//! Passwords are recognised, and nothing else is; hashes are those of other implementations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use keystead_application::ports::{PasswordHasher, PasswordHasherError, Randomness, RandomnessError};
use keystead_domain::{Passphrase, PasswordHash};
use keystead_password_hash::Argon2PasswordHasher;
use zeroize::Zeroizing;

const PASSWORD: &str = "correct horse battery staple";

/// Made with argon2-cffi 25.1.0, which is the reference implementation in C:
/// `hash_secret(b"correct horse battery staple", bytes(range(16)), 2, 19456, 1, 32, Type.ID)`
const BY_THE_REFERENCE: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";

/// `hash_secret("Kennwörter, 12 lang".encode(), bytes(range(16, 48)), 3, 65536, 4, 48, Type.ID)`
const WITH_OTHER_PARAMETERS: &str = "$argon2id$v=19$m=65536,t=3,p=4$EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8\
     $ThCAL/aq3uj6oMI0isN5meNLK95ObLU1wC3qRuTIxbij6mYkRP7RVC1GEKxO+z2g";

/// Salts that count up: `00 01 02 …`, then `10 11 12 …`.
struct Counting(AtomicU8);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

struct Nothing;

impl Randomness for Nothing {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomnessError> {
        Err(RandomnessError("none left".to_owned()))
    }
}

fn hasher() -> Argon2PasswordHasher {
    Argon2PasswordHasher::new(Arc::new(Counting(AtomicU8::new(0))))
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec()))
}

async fn verified(password: &str, hash: &str) -> Result<bool, PasswordHasherError> {
    let hash = PasswordHash::new(hash);
    hasher().verify(&passphrase(password), Some(&hash)).await
}

#[tokio::test]
async fn a_hash_is_the_one_that_the_reference_makes() {
    let hash = hasher().hash(&passphrase(PASSWORD)).await.unwrap();
    assert_eq!(hash.as_str(), BY_THE_REFERENCE);
}

#[tokio::test]
async fn hashes_of_the_reference_are_verified() {
    assert!(verified(PASSWORD, BY_THE_REFERENCE).await.unwrap());
    assert!(
        verified("Kennwörter, 12 lang", WITH_OTHER_PARAMETERS)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn only_the_password_is_taken() {
    let hasher = hasher();
    let hash = hasher.hash(&passphrase(PASSWORD)).await.unwrap();
    assert!(hasher.verify(&passphrase(PASSWORD), Some(&hash)).await.unwrap());
    for wrong in [
        "",
        "correct horse battery stapl",
        "correct horse battery staple\n",
        "Correct horse battery staple",
    ] {
        assert!(
            !hasher.verify(&passphrase(wrong), Some(&hash)).await.unwrap(),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn a_password_has_another_hash_each_time() {
    let hasher = hasher();
    let first = hasher.hash(&passphrase(PASSWORD)).await.unwrap();
    let second = hasher.hash(&passphrase(PASSWORD)).await.unwrap();
    assert_ne!(first.as_str(), second.as_str());
    assert!(hasher.verify(&passphrase(PASSWORD), Some(&second)).await.unwrap());
}

#[tokio::test]
async fn nobody_has_no_password() {
    for password in ["", PASSWORD] {
        assert!(!hasher().verify(&passphrase(password), None).await.unwrap());
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_malformed() {
    let of_another_kind = BY_THE_REFERENCE.replace("argon2id", "argon2i");
    let of_another_version = BY_THE_REFERENCE.replace("v=19", "v=16");
    let without_version = BY_THE_REFERENCE.replace("$v=19", "");
    let with_a_short_salt = BY_THE_REFERENCE.replace("AAECAwQFBgcICQoLDA0ODw", "AAEC");
    let with_a_stranger = BY_THE_REFERENCE.replace("p=1", "p=1,x=1");
    let with_no_pass = BY_THE_REFERENCE.replace("t=2", "t=0");
    let (without_output, _) = BY_THE_REFERENCE.rsplit_once('$').unwrap();
    let all = [
        "",
        "$",
        "correct horse battery staple",
        "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        "$argon2id$v=19$m=19456,t=2,p=1",
        &of_another_kind,
        &of_another_version,
        &without_version,
        &with_a_short_salt,
        &with_a_stranger,
        &with_no_pass,
        without_output,
        &format!("{BY_THE_REFERENCE}$"),
        &format!("{BY_THE_REFERENCE}="),
    ];
    for malformed in all {
        let answer = verified(PASSWORD, malformed).await;
        assert!(
            matches!(answer, Err(PasswordHasherError::Malformed(_))),
            "{malformed}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn work_beyond_the_bounds_is_not_done() {
    for (of_the_reference, too_much) in [
        ("m=19456", "m=262145"),
        ("m=19456", "m=4294967295"),
        ("t=2", "t=17"),
        ("t=2", "t=4294967295"),
        ("p=1", "p=5"),
    ] {
        let hash = BY_THE_REFERENCE.replace(of_the_reference, too_much);
        let Err(PasswordHasherError::Malformed(why)) = verified(PASSWORD, &hash).await else {
            panic!("{too_much} was not refused");
        };
        assert!(why.contains("at most 262144 KiB, 16 passes and 4 lanes"), "{why}");
    }
}

#[tokio::test]
async fn without_randomness_there_is_no_hash() {
    let hasher = Argon2PasswordHasher::new(Arc::new(Nothing));
    let answer = hasher.hash(&passphrase(PASSWORD)).await;
    assert!(
        matches!(answer, Err(PasswordHasherError::Randomness(_))),
        "{answer:?}"
    );
}
