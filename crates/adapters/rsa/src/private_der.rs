use keystead_application::ports::{EncodedPrivateKey, RsaError};
use keystead_domain::{KeyBits, RsaPublicNumbers, check_public_exponent};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::{Decode, Error as DerError};

use crate::{oid, public};

const WHAT: &str = "private key";
/// Longer than any accepted key (8192 bits take less than 5 KiB), and long enough to read how long a key that is too
/// long says it is.
const MAX_DER_LEN: usize = 64 * 1024;

/// The numbers of a two-prime RSA private key (RFC 8017, section 3.2), big-endian and without leading zeros. They are
/// borrowed from the DER bytes, so that reading makes no copy of a secret.
///
/// The sizes of the modulus and of the public exponent are accepted ones; nothing else has been checked.
pub struct PrivateNumbers<'a> {
    /// The modulus n.
    pub modulus: &'a [u8],
    /// The public exponent e.
    pub exponent: &'a [u8],
    /// The private exponent d.
    pub d: &'a [u8],
    /// The first prime p.
    pub p: &'a [u8],
    /// The second prime q.
    pub q: &'a [u8],
    /// d modulo p - 1.
    pub d_p: &'a [u8],
    /// d modulo q - 1.
    pub d_q: &'a [u8],
    /// The inverse of q modulo p.
    pub q_inv: &'a [u8],
}

impl<'a> PrivateNumbers<'a> {
    pub(crate) fn read(key: &'a EncodedPrivateKey) -> Result<Self, RsaError> {
        match key {
            EncodedPrivateKey::Pkcs8(der) => Self::read_pkcs8(der.expose()),
            EncodedPrivateKey::Pkcs1(der) => Self::read_pkcs1(der.expose()),
        }
    }

    pub(crate) fn read_pkcs8(der: &'a [u8]) -> Result<Self, RsaError> {
        check_length(der)?;
        let info = PrivateKeyInfoRef::from_der(der).map_err(malformed)?;
        oid::check_rsa(&info.algorithm, WHAT)?;
        let numbers = Self::read_pkcs1(info.private_key.as_bytes())?;
        if let Some(public) = info.public_key {
            // RFC 5958 allows a copy of the public key beside the private one.
            let copy = public::read_pkcs1(public.raw_bytes())?;
            if copy != numbers.public() {
                return Err(damaged("the public key beside it belongs to another key"));
            }
        }
        Ok(numbers)
    }

    pub(crate) fn read_pkcs1(der: &'a [u8]) -> Result<Self, RsaError> {
        check_length(der)?;
        let key = RsaPrivateKeyRef::from_der(der).map_err(malformed)?;
        let numbers = Self {
            modulus: key.modulus.as_bytes(),
            exponent: key.public_exponent.as_bytes(),
            d: key.private_exponent.as_bytes(),
            p: key.prime1.as_bytes(),
            q: key.prime2.as_bytes(),
            d_p: key.exponent1.as_bytes(),
            d_q: key.exponent2.as_bytes(),
            q_inv: key.coefficient.as_bytes(),
        };
        // Before anything is computed with them.
        KeyBits::new(numbers.public().modulus_bits())?;
        check_public_exponent(numbers.exponent)?;
        if let Some(more) = &key.other_prime_infos {
            return Err(RsaError::NotAccepted(format!(
                "this is a multi-prime RSA key (with {} primes); a keyset is an RSA key with two primes",
                more.len() + 2
            )));
        }
        Ok(numbers)
    }

    pub(crate) fn public(&self) -> RsaPublicNumbers {
        RsaPublicNumbers::new(self.modulus, self.exponent)
    }
}

fn check_length(der: &[u8]) -> Result<(), RsaError> {
    if der.len() > MAX_DER_LEN {
        return Err(RsaError::NotAccepted(format!(
            "the private key takes {} bytes; one of 8192 bits, the largest accepted, takes less than 5000",
            der.len()
        )));
    }
    Ok(())
}

// The messages of the DER reader name tags and positions, never content.
fn malformed(error: DerError) -> RsaError {
    damaged(&error.to_string())
}

pub(crate) fn damaged(why: &str) -> RsaError {
    RsaError::Malformed {
        what: WHAT,
        why: why.to_owned(),
    }
}
