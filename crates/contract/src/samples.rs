//! Sample values. They are well-formed for the domain, but there are no real keys behind them.

mod record;
mod recovery;

use std::error::Error;
use std::str::FromStr;

use keystead_domain::keyset::{Activation, Keyset, LastExport, Origin};
use keystead_domain::{
    Action, Actor, ActorKind, AuditEvent, FileKey, Fingerprint, Hint, Installation, InstallationId, KeyBits,
    KeysetId, ManagerIdentity, Outcome, Passphrase, PublicKey, RecipientTag, RsaPublicNumbers, SealedBytes,
    Timestamp,
};
use zeroize::Zeroizing;

use crate::Violation;

pub use self::record::record;
pub use self::recovery::{
    approval, identity_keys, message_key, officer, recovery, request_id, server, server_id,
};

/// The moment that sample times count from: 2025-11-24T16:00:00Z.
pub const EPOCH_MICROS: i64 = 1_764_000_000_000_000;

/// Numbers for [`keyset`] whose fingerprints all begin with `624b60e1`.
pub const SAME_PREFIX: [u32; 3] = [149_884, 2_733_029, 3_816_630];

/// The digits that the fingerprints of [`SAME_PREFIX`] begin with.
pub const SHARED_PREFIX: &str = "624b60e1";

/// A moment `seconds` after [`EPOCH_MICROS`], with a fraction of a second.
///
/// # Errors
/// When it lies beyond the calendar.
pub fn at(seconds: i64) -> Result<Timestamp, Violation> {
    Ok(Timestamp::from_micros(EPOCH_MICROS + seconds * 1_000_000 + 7)?)
}

/// The numbers of a public key of 2048 bits; another key for each `n`.
#[must_use]
pub fn public_numbers(n: u32) -> RsaPublicNumbers {
    let mut modulus = [0xa5; 256];
    modulus[8..12].copy_from_slice(&n.to_be_bytes());
    RsaPublicNumbers::new(&modulus, &[1, 0, 1])
}

/// A public key; another one for each `n`. Its SubjectPublicKeyInfo is no DER.
///
/// # Errors
/// Never; the numbers are accepted ones.
pub fn public_key(n: u32) -> Result<PublicKey, Violation> {
    let spki = format!("keystead sample key {n}").into_bytes();
    Ok(PublicKey::new(spki, &public_numbers(n))?)
}

/// A public key with the tag of another one: what happens by chance once in four billion keys.
///
/// # Errors
/// Never; the size is an accepted one.
pub fn public_key_with_tag(n: u32, tag: RecipientTag) -> Result<PublicKey, Violation> {
    let spki = format!("keystead sample key {n}").into_bytes();
    Ok(PublicKey::from_stored(spki, KeyBits::new(4096)?, tag))
}

/// The id of sample keyset `n`.
#[must_use]
pub fn keyset_id(n: u32) -> KeysetId {
    KeysetId::from_random_bytes(random_looking(n))
}

/// A generated keyset that was never active, made `n` seconds after the epoch of the samples.
///
/// # Errors
/// Never for a reasonable `n`.
pub fn keyset(n: u32) -> Result<Keyset, Violation> {
    keyset_made_at(n, at(i64::from(n))?)
}

/// The same with another creation time.
///
/// # Errors
/// Never; the values are accepted ones.
pub fn keyset_made_at(n: u32, created_at: Timestamp) -> Result<Keyset, Violation> {
    Ok(Keyset::new(
        keyset_id(n),
        hint(&format!("sample keyset {n}"))?,
        public_key(n)?,
        Origin::Generated,
        created_at,
    ))
}

/// A keyset whose fingerprint begins with `ffffffff`, the last of all beginnings.
///
/// # Errors
/// Never; the values are accepted ones.
pub fn keyset_with_highest_prefix() -> Result<Keyset, Violation> {
    const FOUND_BY_TRYING: u32 = 2_351_768_177;
    let spki = format!("keystead highest key {FOUND_BY_TRYING}").into_bytes();
    Ok(Keyset::new(
        keyset_id(FOUND_BY_TRYING),
        hint("keyset with the highest fingerprint")?,
        PublicKey::new(spki, &public_numbers(FOUND_BY_TRYING))?,
        Origin::Generated,
        at(1_000)?,
    ))
}

/// A hint.
///
/// # Errors
/// When the text is none.
pub fn hint(text: &str) -> Result<Hint, Violation> {
    Ok(text.parse()?)
}

/// Hints that are easily damaged on their way through an encoding or a column.
///
/// # Errors
/// Never; all of them are hints.
pub fn awkward_hints() -> Result<Vec<Hint>, Violation> {
    awkward_lines()
}

/// The same texts as names and reasons.
///
/// # Errors
/// When such a text cannot be one of these.
pub fn awkward_lines<T: FromStr<Err: Error>>() -> Result<Vec<T>, Violation> {
    let longest_in_bytes = "🔑".repeat(200);
    let longest_in_ascii = "x".repeat(200);
    [
        "Büro <b>2026</b> 🔑👩‍👩‍👧‍👦",
        "מפתח גיבוי ראשי (2026) مفتاح",
        "e\u{301} is not é",
        "it's \"quoted\" \\ back%slash_ -- ; DROP TABLE keyset",
        "\u{202e}right to left\u{202c}",
        "{\"hint\":\"json\"} -----BEGIN PRIVATE KEY-----",
        &longest_in_bytes,
        &longest_in_ascii,
    ]
    .into_iter()
    .map(|text| Ok(text.parse()?))
    .collect()
}

/// Moments that are easily damaged on their way through a column.
///
/// # Errors
/// Never; all of them are moments.
pub fn awkward_times() -> Result<Vec<Timestamp>, Violation> {
    [
        "1969-12-31T23:59:59.999999Z",
        "1901-12-13T20:45:51Z",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2026-03-29T01:30:00.000001Z",
        "2038-01-19T03:14:08Z",
        "2046-11-24T16:00:00.123456Z",
        "2106-02-07T06:28:16Z",
        "9999-12-30T21:59:59.999999Z",
    ]
    .into_iter()
    .map(|text| Ok(text.parse()?))
    .collect()
}

/// What activating `keyset` instead of `current` leads to: the one now Active, and the one superseded.
///
/// # Errors
/// When the lifecycle refuses it, or nothing changes.
pub fn activated(
    keyset: &Keyset,
    current: Option<&Keyset>,
    at: Timestamp,
) -> Result<(Keyset, Option<Keyset>), Violation> {
    match keyset.activate(current, at)? {
        Activation::Activated {
            activated,
            superseded,
        } => Ok((*activated, superseded.map(|keyset| *keyset))),
        Activation::Unchanged => Err(Violation::new("the keyset to activate is Active already")),
    }
}

/// An export of a keyset, `seconds` after the epoch of the samples.
///
/// # Errors
/// Never for a reasonable number of seconds.
pub fn last_export(seconds: i64) -> Result<LastExport, Violation> {
    Ok(LastExport {
        at: at(seconds)?,
        to: "smb://nas/Büro export/keyset 🔑.pem".to_owned(),
    })
}

/// Sealed bytes; others for each `n`. Every byte value occurs in them.
///
/// # Errors
/// Never; the id is an accepted one.
pub fn sealed(n: u32) -> Result<SealedBytes, Violation> {
    let mut ciphertext = n.to_be_bytes().to_vec();
    ciphertext.extend((0..=u8::MAX).rev().cycle().take(2_400));
    Ok(SealedBytes {
        master_key_id: format!("sample-key-{n}").parse()?,
        provider: "sample-provider".to_owned(),
        format_version: 40_000,
        ciphertext,
    })
}

/// Sealed bytes under the master key with this id; others for each `n`.
///
/// # Errors
/// When it is no id.
pub fn sealed_under(key: &str, n: u32) -> Result<SealedBytes, Violation> {
    Ok(SealedBytes {
        master_key_id: key.parse()?,
        ..sealed(n)?
    })
}

/// An installation; another one for each `n`.
///
/// # Errors
/// Never; the values are accepted ones.
pub fn installation(n: u32) -> Result<Installation, Violation> {
    let mut public_key = [0; 32];
    public_key[..16].copy_from_slice(&random_looking(n));
    Ok(Installation {
        id: InstallationId::from_random_bytes(random_looking(n ^ 0x55)),
        created_at: at(i64::from(n))?,
        key_check: sealed(n)?,
        identity: ManagerIdentity {
            public_key,
            sealed_private_key: sealed(n + 1)?,
            created_at: at(i64::from(n) + 1)?,
        },
    })
}

/// Somebody at the command line.
#[must_use]
pub fn actor() -> Actor {
    Actor {
        kind: ActorKind::OsUser,
        id: "Ada Lovelace-Müller".to_owned(),
    }
}

/// An event about a subject.
///
/// # Errors
/// Never; the time is an accepted one.
pub fn event(action: Action, subject: impl std::fmt::Display) -> Result<AuditEvent, Violation> {
    Ok(AuditEvent::new(at(99)?, actor(), action, Outcome::Done).on(subject))
}

/// A passphrase.
#[must_use]
pub fn passphrase(bytes: &[u8]) -> Passphrase {
    Passphrase::new(Zeroizing::new(bytes.to_vec()))
}

/// A file key; another one for each `n`.
#[must_use]
pub fn file_key(n: u32) -> FileKey {
    FileKey::new(Zeroizing::new(random_looking(n ^ 0xf11e)))
}

/// Bytes in which no position looks like another; the same for the same seed.
#[must_use]
pub fn bytes(seed: u32, len: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|block| random_looking(seed.wrapping_mul(0x9e37_79b9) ^ block))
        .take(len)
        .collect()
}

fn random_looking(n: u32) -> [u8; 16] {
    let digest = Fingerprint::of_spki(&n.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_have_the_prefixes_that_they_promise() {
        for n in SAME_PREFIX {
            let fingerprint = public_key(n).unwrap().fingerprint().to_string();
            assert!(fingerprint.starts_with(SHARED_PREFIX), "{fingerprint}");
        }
        let highest = keyset_with_highest_prefix().unwrap().fingerprint().to_string();
        assert!(highest.starts_with("ffffffff"), "{highest}");
    }

    #[test]
    fn the_samples_are_distinct() {
        assert_ne!(keyset(1).unwrap().id(), keyset(2).unwrap().id());
        assert_ne!(public_key(1).unwrap().tag(), public_key(2).unwrap().tag());
        assert_ne!(bytes(1, 64), bytes(2, 64));
        assert!(awkward_hints().unwrap().len() > 5);
    }
}
