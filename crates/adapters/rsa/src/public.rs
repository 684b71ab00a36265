use crypto_bigint::BoxedUint;
use keystead_application::ports::{EncodedPublicKey, RsaError};
use keystead_domain::{KeyBits, PublicKey, RsaPublicNumbers, SecretBytes, check_public_exponent};
use pkcs1::{RsaPublicKeyRef, UintRef};
use pkcs8::SubjectPublicKeyInfoRef;
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::{Decode, Encode, Error as DerError};
use rsa::Oaep;
use sha2::{Digest, Sha256};

use crate::oid;
use crate::random::{PortRng, no_randomness};

const WHAT: &str = "public key";

/// Reads a public key. Whatever way it was encoded, the result is encoded in the one way that fingerprints are taken of.
pub(crate) fn read(key: &EncodedPublicKey) -> Result<PublicKey, RsaError> {
    let numbers = match key {
        EncodedPublicKey::Spki(der) => read_spki(der)?,
        EncodedPublicKey::Pkcs1(der) => read_pkcs1(der)?,
    };
    from_numbers(&numbers)
}

/// Encodes as SubjectPublicKeyInfo with NULL parameters (RFC 3279, section 2.3.1), as OpenSSL does.
pub(crate) fn from_numbers(numbers: &RsaPublicNumbers) -> Result<PublicKey, RsaError> {
    // Numbers may come from anywhere; leading zeros must not lead to a second encoding of one key.
    let numbers = RsaPublicNumbers::new(&numbers.modulus, &numbers.exponent);
    check(&numbers)?;
    let encoded = || -> Result<Vec<u8>, DerError> {
        let key = RsaPublicKeyRef {
            modulus: UintRef::new(&numbers.modulus)?,
            public_exponent: UintRef::new(&numbers.exponent)?,
        }
        .to_der()?;
        SubjectPublicKeyInfoRef {
            algorithm: pkcs1::ALGORITHM_ID,
            subject_public_key: BitStringRef::from_bytes(&key)?,
        }
        .to_der()
    };
    let spki = encoded().map_err(malformed)?;
    Ok(PublicKey::new(spki, &numbers)?)
}

pub(crate) fn numbers(key: &PublicKey) -> Result<RsaPublicNumbers, RsaError> {
    read_spki(key.spki_der())
}

pub(crate) fn read_pkcs1(der: &[u8]) -> Result<RsaPublicNumbers, RsaError> {
    let key = RsaPublicKeyRef::from_der(der).map_err(malformed)?;
    Ok(RsaPublicNumbers::new(
        key.modulus.as_bytes(),
        key.public_exponent.as_bytes(),
    ))
}

pub(crate) fn encrypt(
    key: &PublicKey,
    label: &[u8],
    plaintext: &SecretBytes,
    rng: &mut PortRng<'_>,
) -> Result<Vec<u8>, RsaError> {
    let public = load(key)?;
    // RFC 8017, section 7.1.1: the modulus holds the text, two hashes and two bytes.
    let room = usize::from(key.bits().get()).div_ceil(8) - 2 * Sha256::output_size() - 2;
    let len = plaintext.expose().len();
    if len > room {
        return Err(RsaError::NotAccepted(format!(
            "{len} bytes are too many to encrypt with this RSA key; at most {room} fit"
        )));
    }
    public
        .encrypt(rng, Oaep::<Sha256>::new_with_label(label), plaintext.expose())
        .map_err(|error| match error {
            rsa::Error::Rng => no_randomness(),
            other => RsaError::Engine(other.to_string()),
        })
}

pub(crate) fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), RsaError> {
    load(key)?
        .pss_verify::<Sha256>(message, signature)
        .map_err(|_| RsaError::BadSignature)
}

fn read_spki(der: &[u8]) -> Result<RsaPublicNumbers, RsaError> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(malformed)?;
    oid::check_rsa(&info.algorithm, WHAT)?;
    let key = info
        .subject_public_key
        .as_bytes()
        .ok_or_else(|| RsaError::Malformed {
            what: WHAT,
            why: "it does not end with a whole byte".into(),
        })?;
    read_pkcs1(key)
}

fn check(numbers: &RsaPublicNumbers) -> Result<(), RsaError> {
    KeyBits::new(numbers.modulus_bits())?;
    check_public_exponent(&numbers.exponent)?;
    if numbers.modulus.last().is_none_or(|last| last % 2 == 0) {
        return Err(RsaError::Malformed {
            what: WHAT,
            why: "its modulus is even".into(),
        });
    }
    Ok(())
}

fn load(key: &PublicKey) -> Result<rsa::PublicKey, RsaError> {
    let numbers = numbers(key)?;
    check(&numbers)?;
    rsa::PublicKey::new(uint(&numbers.modulus)?, uint(&numbers.exponent)?).map_err(|error| {
        RsaError::Malformed {
            what: WHAT,
            why: error.to_string(),
        }
    })
}

fn uint(big_endian: &[u8]) -> Result<BoxedUint, RsaError> {
    // Only lengths that fit are passed: `check` has bounded them.
    let bits = u32::try_from(big_endian.len() * 8).unwrap_or(u32::MAX);
    BoxedUint::from_be_slice(big_endian, bits).map_err(|error| RsaError::Engine(error.to_string()))
}

fn malformed(error: DerError) -> RsaError {
    RsaError::Malformed {
        what: WHAT,
        why: error.to_string(),
    }
}
