use keystead_application::ports::ExportCodecError;
use keystead_domain::{Kdf, MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY};
use pkcs8::der::asn1::{AnyRef, OctetStringRef, UintRef};
use pkcs8::der::{Decode, Error as DerError, SliceReader};
use pkcs8::pkcs5::pbes2::{PBES2_OID, PBKDF2_OID, Parameters, SCRYPT_OID};
use pkcs8::pkcs5::scrypt;
use pkcs8::spki::AlgorithmIdentifierRef;

use super::{MAX_SCRYPT_LANES, names};
use crate::label::Label;

/// The longest salt that is read, in bytes; OpenSSL writes 8 or 16.
const MAX_SALT_LEN: usize = 32;

/// An EncryptedPrivateKeyInfo (RFC 5958, section 3) whose parameters are accepted and within bounds.
///
/// All parameters are read here first, because the crate that computes with them does not bound them, and stops the
/// program at some that make no sense.
pub(super) struct Envelope<'a> {
    pub(super) parameters: Parameters,
    pub(super) ciphertext: &'a [u8],
    pub(super) kdf: Kdf,
    /// How often the key derivation goes through its memory (scrypt's p).
    pub(super) lanes: u64,
}

impl<'a> Envelope<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, ExportCodecError> {
        let outer = AnyRef::from_der(der).map_err(malformed)?;
        let (algorithm, ciphertext) = sequence(outer, |reader| {
            let algorithm = AlgorithmIdentifierRef::decode(reader)?;
            Ok((algorithm, <&OctetStringRef>::decode(reader)?.as_bytes()))
        })?;
        if algorithm.oid != PBES2_OID {
            return Err(not_accepted(&names::scheme(algorithm.oid)));
        }
        let parameters = parameters_of(&algorithm)?;
        let (kdf, cipher) = sequence(parameters, |reader| {
            Ok((
                AlgorithmIdentifierRef::decode(reader)?,
                AlgorithmIdentifierRef::decode(reader)?,
            ))
        })?;
        let key_len = check_cipher(&cipher)?;
        let (kdf, lanes) = match kdf.oid {
            PBKDF2_OID => (check_pbkdf2(&kdf, key_len)?, 1),
            SCRYPT_OID => check_scrypt(&kdf, key_len)?,
            other => return Err(not_accepted(&names::kdf(other))),
        };
        Ok(Self {
            parameters: Parameters::try_from(parameters).map_err(malformed)?,
            ciphertext,
            kdf,
            lanes,
        })
    }
}

/// Returns the length of the cipher's key.
fn check_cipher(cipher: &AlgorithmIdentifierRef<'_>) -> Result<u64, ExportCodecError> {
    let (key_len, block_len) =
        names::cipher_lengths(cipher.oid).ok_or_else(|| not_accepted(&names::cipher(cipher.oid)))?;
    let iv = parameters_of(cipher)?
        .decode_as::<&OctetStringRef>()
        .map_err(malformed)?;
    if iv.as_bytes().len() != block_len {
        return Err(damaged("its initialisation vector has the wrong length"));
    }
    Ok(key_len)
}

fn check_pbkdf2(kdf: &AlgorithmIdentifierRef<'_>, cipher_key_len: u64) -> Result<Kdf, ExportCodecError> {
    let (salt, iterations, key_len, prf) = sequence(parameters_of(kdf)?, |reader| {
        Ok((
            AnyRef::decode(reader)?,
            UintRef::decode(reader)?,
            Option::<UintRef<'_>>::decode(reader)?,
            Option::<AlgorithmIdentifierRef<'_>>::decode(reader)?,
        ))
    })?;
    check_salt(salt)?;
    check_key_len(key_len, cipher_key_len)?;
    if let Some(prf) = prf
        && !names::is_known_prf(prf.oid)
    {
        return Err(not_accepted(&format!("PBKDF2 with the function {}", prf.oid)));
    }
    let asked = small(iterations);
    match u32::try_from(asked) {
        Ok(0) => Err(damaged("it asks for no PBKDF2 iterations at all")),
        Ok(iterations) if iterations <= MAX_PBKDF2_ITERATIONS => Ok(Kdf::Pbkdf2 { iterations }),
        _ => Err(ExportCodecError::TooMuchWork(format!(
            "the private key asks for {asked} PBKDF2 iterations; at most {MAX_PBKDF2_ITERATIONS} are computed"
        ))),
    }
}

fn check_scrypt(
    kdf: &AlgorithmIdentifierRef<'_>,
    cipher_key_len: u64,
) -> Result<(Kdf, u64), ExportCodecError> {
    let (salt, [n, r, p], key_len) = sequence(parameters_of(kdf)?, |reader| {
        Ok((
            AnyRef::decode(reader)?,
            [
                UintRef::decode(reader)?,
                UintRef::decode(reader)?,
                UintRef::decode(reader)?,
            ],
            Option::<UintRef<'_>>::decode(reader)?,
        ))
    })?;
    check_salt(salt)?;
    check_key_len(key_len, cipher_key_len)?;
    let (n, r, p) = (small(n), small(r), small(p));
    // RFC 7914, section 2. Saturated numbers stay above the bound.
    let memory = n.saturating_mul(r).saturating_mul(128);
    if memory > MAX_SCRYPT_MEMORY || p > MAX_SCRYPT_LANES {
        return Err(ExportCodecError::TooMuchWork(format!(
            "the private key asks for {} MiB of memory for scrypt, {p} times; at most {} MiB are used, at most \
             {MAX_SCRYPT_LANES} times",
            memory / 1024 / 1024,
            MAX_SCRYPT_MEMORY / 1024 / 1024
        )));
    }
    let accepted = || -> Option<()> {
        let log_n = u8::try_from(n.checked_ilog2()?).ok()?;
        let (r, p) = (u32::try_from(r).ok()?, u32::try_from(p).ok()?);
        scrypt::Params::new(log_n, r, p).ok().map(drop)
    };
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 || accepted().is_none() {
        return Err(damaged("its scrypt parameters make no sense"));
    }
    Ok((Kdf::Scrypt { memory }, p))
}

fn check_salt(salt: AnyRef<'_>) -> Result<(), ExportCodecError> {
    let salt = salt.decode_as::<&OctetStringRef>().map_err(malformed)?;
    match salt.as_bytes().len() {
        0..=MAX_SALT_LEN => Ok(()),
        len => Err(not_accepted(&format!(
            "a salt of {len} bytes (at most {MAX_SALT_LEN} are read)"
        ))),
    }
}

fn check_key_len(found: Option<UintRef<'_>>, of_cipher: u64) -> Result<(), ExportCodecError> {
    match found.map(small) {
        Some(len) if len != of_cipher => Err(damaged("its key length does not belong to its cipher")),
        _ => Ok(()),
    }
}

/// The number, or the greatest one when it is greater still.
fn small(number: UintRef<'_>) -> u64 {
    let bytes = number.as_bytes();
    if bytes.len() > 8 {
        return u64::MAX;
    }
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn parameters_of<'a>(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<AnyRef<'a>, ExportCodecError> {
    algorithm
        .parameters
        .ok_or_else(|| damaged(format!("the parameters of {} are missing", algorithm.oid)))
}

fn sequence<'a, T>(
    any: AnyRef<'a>,
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, DerError>,
) -> Result<T, ExportCodecError> {
    any.sequence(read).map_err(malformed)
}

fn malformed(error: DerError) -> ExportCodecError {
    damaged(error.to_string())
}

fn damaged(why: impl Into<String>) -> ExportCodecError {
    Label::EncryptedPrivateKey.damaged(why)
}

fn not_accepted(what: &str) -> ExportCodecError {
    ExportCodecError::NotAccepted {
        found: format!("the private key is encrypted with {what}, which is not read"),
        fix: "convert it with `openssl pkey -in FILE -aes256 -out NEW.pem` (with `-provider legacy -provider default` \
              for old ciphers) and import the new file"
            .into(),
    }
}
