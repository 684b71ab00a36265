use std::fmt;

/// The smallest modulus that is accepted, in bits.
pub const MIN_BITS: u16 = 2048;
/// The largest modulus that is accepted, in bits.
pub const MAX_BITS: u16 = 8192;
/// The shortest prime that is accepted, in bits: the elliptic-curve method finds shorter factors however long the modulus is.
pub const MIN_PRIME_BITS: u32 = 512;
/// The smallest public exponent that is accepted.
pub const MIN_PUBLIC_EXPONENT: u64 = 65_537;
/// The largest public exponent that is accepted (2^33 - 1).
pub const MAX_PUBLIC_EXPONENT: u64 = (1 << 33) - 1;

/// The length of an accepted RSA modulus, in bits: 2048 to 8192.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBits(u16);

/// The sizes that a new keyset can have. Fewer than the accepted ones: 4096 unless there is a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GenerateBits {
    /// 2048 bits.
    B2048,
    /// 3072 bits.
    B3072,
    /// 4096 bits, the default.
    #[default]
    B4096,
    /// 8192 bits; generating one takes a while.
    B8192,
}

/// A key size or public exponent that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeySize {
    /// The modulus has a length outside [`MIN_BITS`] to [`MAX_BITS`].
    #[error("the RSA key has {0} bits; {MIN_BITS} to {MAX_BITS} are accepted")]
    Bits(usize),
    /// The public exponent is even or outside its range.
    #[error("the RSA key has the public exponent {0}; an odd one from 65537 to 2^33-1 is accepted")]
    Exponent(String),
    /// A new keyset of a size that is not offered.
    #[error("{0} is not a size for a new keyset; choose 2048, 3072, 4096 or 8192 bits")]
    Generate(u64),
}

impl KeyBits {
    /// Accepts a modulus length.
    ///
    /// # Errors
    /// When it lies outside 2048 to 8192 bits.
    pub fn new(bits: usize) -> Result<Self, InvalidKeySize> {
        match u16::try_from(bits) {
            Ok(bits) if (MIN_BITS..=MAX_BITS).contains(&bits) => Ok(Self(bits)),
            _ => Err(InvalidKeySize::Bits(bits)),
        }
    }

    /// The number of bits.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for KeyBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl GenerateBits {
    /// The number of bits.
    #[must_use]
    pub fn get(self) -> u16 {
        match self {
            Self::B2048 => 2048,
            Self::B3072 => 3072,
            Self::B4096 => 4096,
            Self::B8192 => 8192,
        }
    }
}

impl TryFrom<u64> for GenerateBits {
    type Error = InvalidKeySize;

    fn try_from(bits: u64) -> Result<Self, InvalidKeySize> {
        match bits {
            2048 => Ok(Self::B2048),
            3072 => Ok(Self::B3072),
            4096 => Ok(Self::B4096),
            8192 => Ok(Self::B8192),
            other => Err(InvalidKeySize::Generate(other)),
        }
    }
}

/// Checks a public exponent, given as big-endian bytes.
///
/// # Errors
/// When it is even, smaller than 65537 or larger than 2^33 - 1.
pub fn check_public_exponent(big_endian: &[u8]) -> Result<u64, InvalidKeySize> {
    let digits: &[u8] = {
        let zeros = big_endian.iter().take_while(|b| **b == 0).count();
        &big_endian[zeros..]
    };
    if digits.len() > 8 {
        return Err(InvalidKeySize::Exponent(format!("of {} bytes", digits.len())));
    }
    let exponent = digits.iter().fold(0_u64, |e, b| (e << 8) | u64::from(*b));
    if exponent % 2 == 1 && (MIN_PUBLIC_EXPONENT..=MAX_PUBLIC_EXPONENT).contains(&exponent) {
        Ok(exponent)
    } else {
        Err(InvalidKeySize::Exponent(exponent.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_at_the_edges() {
        assert!(KeyBits::new(2047).is_err());
        assert!(KeyBits::new(2048).is_ok());
        assert!(KeyBits::new(8192).is_ok());
        assert!(KeyBits::new(8193).is_err());
        assert!(KeyBits::new(16_384).is_err());
        assert!(KeyBits::new(usize::MAX).is_err());
    }

    #[test]
    fn exponents_at_the_edges() {
        assert_eq!(check_public_exponent(&[1, 0, 1]), Ok(65_537));
        assert_eq!(check_public_exponent(&[0, 0, 1, 0, 1]), Ok(65_537));
        assert!(check_public_exponent(&[3]).is_err());
        assert!(check_public_exponent(&[]).is_err());
        assert!(check_public_exponent(&[1, 0, 2]).is_err());
        assert_eq!(
            check_public_exponent(&[1, 255, 255, 255, 255]),
            Ok(MAX_PUBLIC_EXPONENT)
        );
        assert!(check_public_exponent(&[2, 0, 0, 0, 1]).is_err());
        assert!(check_public_exponent(&[1; 40]).is_err());
    }
}
