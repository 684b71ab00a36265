use crypto_bigint::{BoxedUint, ConcatenatingMul, Integer, NonZero};
use crypto_primes::{Flavor, is_prime};
use keystead_application::ports::{KeyPair, RsaError};
use keystead_domain::{MIN_PRIME_BITS, PrivateKey, SecretBytes};
use pkcs8::EncodePrivateKey;
use zeroize::Zeroizing;

use crate::private_der::{PrivateNumbers, damaged};
use crate::public;

/// Checks the numbers of a private key against each other, and encodes them anew. Cheap checks come first; the primes
/// last.
pub(crate) fn check(numbers: &PrivateNumbers<'_>) -> Result<KeyPair, RsaError> {
    check_arithmetic(numbers)?;
    encode(&assemble(numbers)?)
}

/// The key in the form of the `rsa` crate, which checks p·q = n and d once more.
pub(crate) fn assemble(numbers: &PrivateNumbers<'_>) -> Result<rsa::PrivateKey, RsaError> {
    let bits = numbers.public().modulus_bits();
    let n = uint(numbers.modulus)?;
    let e = uint(numbers.exponent)?;
    let d = uint(numbers.d)?;
    let primes = vec![uint(numbers.p)?, uint(numbers.q)?];
    // Primes of unequal length do not fit the crate's usual layout. That a key has such primes shows in its speed alone.
    let wide = primes.iter().any(|p| p.bit_width() as usize > bits.div_ceil(2));
    let key = if wide {
        rsa::PrivateKey::from_components_with_wide_primes(n, e, d, primes)
    } else {
        rsa::PrivateKey::from_components(n, e, d, primes)
    };
    key.map_err(|error| damaged(&error.to_string()))
}

/// Both halves in their canonical encodings: PKCS#8 version 1 and SubjectPublicKeyInfo.
pub(crate) fn encode(key: &rsa::PrivateKey) -> Result<KeyPair, RsaError> {
    let der = key
        .to_pkcs8_der()
        .map_err(|error| RsaError::Engine(error.to_string()))?;
    let private = PrivateKey::from_pkcs8_der(SecretBytes::from_zeroizing(der.to_bytes()));
    let public = public::from_numbers(&PrivateNumbers::read_pkcs8(private.expose())?.public())?;
    Ok(KeyPair { private, public })
}

fn check_arithmetic(numbers: &PrivateNumbers<'_>) -> Result<(), RsaError> {
    check_lengths(numbers)?;
    let n = uint(numbers.modulus)?;
    let e = uint(numbers.exponent)?;
    let d = secret(numbers.d)?;
    let p = secret(numbers.p)?;
    let q = secret(numbers.q)?;

    let even = |number: &BoxedUint| !bool::from(number.is_odd());
    if even(&n) {
        return Err(damaged("its modulus is even"));
    }
    if even(&p) || even(&q) || is_one(&p) || is_one(&q) {
        return Err(damaged("one of its primes is not a prime number"));
    }
    if let Some(short) = [&p, &q]
        .into_iter()
        .map(|prime| prime.bit_width())
        .find(|bits| *bits < MIN_PRIME_BITS)
    {
        return Err(RsaError::NotAccepted(format!(
            "one of the RSA key's primes has {short} bits, which can be found; {MIN_PRIME_BITS} at least are accepted"
        )));
    }
    if *p == *q {
        return Err(damaged("its two primes are the same"));
    }
    if p.concatenating_mul(&*q) != n {
        return Err(damaged("the product of its primes is not its modulus"));
    }
    if *d >= n || is_one(&d) {
        return Err(damaged("its private exponent is out of range"));
    }

    let de = Zeroizing::new(d.concatenating_mul(&e));
    check_half(&p, &d, &de, numbers.d_p)?;
    check_half(&q, &d, &de, numbers.d_q)?;
    check_coefficient(&p, &q, numbers.q_inv)?;

    if !is_prime(Flavor::Any, &*p) || !is_prime(Flavor::Any, &*q) {
        return Err(damaged("one of its primes is not a prime number"));
    }
    Ok(())
}

/// Lengths are checked before any number is computed with: each operation below costs what the modulus allows.
fn check_lengths(numbers: &PrivateNumbers<'_>) -> Result<(), RsaError> {
    let PrivateNumbers {
        modulus,
        exponent: _,
        d,
        p,
        q,
        d_p,
        d_q,
        q_inv,
    } = numbers;
    for number in [d, p, q, d_p, d_q, q_inv] {
        if number.iter().all(|byte| *byte == 0) {
            return Err(damaged("one of its numbers is zero"));
        }
        if number.len() > modulus.len() {
            return Err(damaged("one of its numbers is longer than its modulus"));
        }
    }
    Ok(())
}

/// d is right modulo `prime` - 1, which holds for d modulo lambda and modulo phi alike, and so is its reduced form.
fn check_half(prime: &BoxedUint, d: &BoxedUint, de: &BoxedUint, reduced: &[u8]) -> Result<(), RsaError> {
    let order = Zeroizing::new(non_zero(prime.wrapping_sub(BoxedUint::one()))?);
    if !is_one(&Zeroizing::new(de.rem(&*order))) {
        return Err(damaged(
            "its private exponent does not belong to its public exponent",
        ));
    }
    if *Zeroizing::new(d.rem(&*order)) != *secret(reduced)? {
        return Err(damaged("one of its CRT exponents is wrong"));
    }
    Ok(())
}

fn check_coefficient(p: &BoxedUint, q: &BoxedUint, q_inv: &[u8]) -> Result<(), RsaError> {
    let q_inv = secret(q_inv)?;
    let product = Zeroizing::new(q.concatenating_mul(&*q_inv));
    let modulus = Zeroizing::new(non_zero(p.clone())?);
    if *q_inv >= *p || !is_one(&Zeroizing::new(product.rem(&*modulus))) {
        return Err(damaged("its CRT coefficient is wrong"));
    }
    Ok(())
}

fn is_one(number: &BoxedUint) -> bool {
    bool::from(number.is_one())
}

fn non_zero(number: BoxedUint) -> Result<NonZero<BoxedUint>, RsaError> {
    NonZero::new(number)
        .into_option()
        .ok_or_else(|| damaged("one of its numbers is zero"))
}

fn secret(big_endian: &[u8]) -> Result<Zeroizing<BoxedUint>, RsaError> {
    uint(big_endian).map(Zeroizing::new)
}

fn uint(big_endian: &[u8]) -> Result<BoxedUint, RsaError> {
    let bits = u32::try_from(big_endian.len() * 8).unwrap_or(u32::MAX);
    BoxedUint::from_be_slice(big_endian, bits).map_err(|error| RsaError::Engine(error.to_string()))
}
