//! The OpenSSH form of an RSA public key: the line that machines seal to.
//!
//! Source: RFC 4253, section 6.6 (`ssh-rsa`), RFC 4251, section 5 (`string`, `mpint`).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::RecipientTag;

const KEY_TYPE: &str = "ssh-rsa";
/// Longer than any accepted key: 8192 bits of modulus and 33 bits of exponent take less than 1100 bytes.
const MAX_WIRE_LEN: usize = 4096;

/// The two numbers of an RSA public key, as big-endian bytes without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaPublicNumbers {
    /// The modulus n.
    pub modulus: Vec<u8>,
    /// The public exponent e.
    pub exponent: Vec<u8>,
}

/// Something to seal to: an RSA public key in OpenSSH form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient(RsaPublicNumbers);

/// A text that is no recipient line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecipient {
    /// Another kind of key.
    #[error("a recipient line starts with \"ssh-rsa\", this one with \"{0}\"")]
    KeyType(String),
    /// The part after `ssh-rsa` is not what OpenSSH writes.
    #[error("the recipient line is damaged: {0}")]
    Damaged(&'static str),
}

impl RsaPublicNumbers {
    /// Takes big-endian numbers; leading zeros are dropped.
    #[must_use]
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Self {
        Self {
            modulus: without_leading_zeros(modulus).to_vec(),
            exponent: without_leading_zeros(exponent).to_vec(),
        }
    }

    /// The length of the modulus in bits.
    #[must_use]
    pub fn modulus_bits(&self) -> usize {
        self.modulus
            .first()
            .map_or(0, |first| self.modulus.len() * 8 - first.leading_zeros() as usize)
    }
}

impl Recipient {
    /// The recipient with these numbers.
    #[must_use]
    pub fn new(numbers: RsaPublicNumbers) -> Self {
        Self(numbers)
    }

    /// The numbers.
    #[must_use]
    pub fn numbers(&self) -> &RsaPublicNumbers {
        &self.0
    }

    /// What a slot of a sealed file names this recipient by.
    #[must_use]
    pub fn tag(&self) -> RecipientTag {
        RecipientTag::of_ssh_wire(&self.wire())
    }

    fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        put_string(&mut wire, KEY_TYPE.as_bytes());
        put_mpint(&mut wire, &self.0.exponent);
        put_mpint(&mut wire, &self.0.modulus);
        wire
    }
}

impl fmt::Display for Recipient {
    /// `ssh-rsa AAAA…`, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KEY_TYPE} {}", STANDARD.encode(self.wire()))
    }
}

impl FromStr for Recipient {
    type Err = InvalidRecipient;

    /// Reads `ssh-rsa AAAA… [comment]`.
    fn from_str(line: &str) -> Result<Self, InvalidRecipient> {
        let mut words = line.split_whitespace();
        match words.next() {
            Some(KEY_TYPE) => {}
            other => {
                let found: String = other.unwrap_or_default().chars().take(40).collect();
                return Err(InvalidRecipient::KeyType(found));
            }
        }
        let encoded = words
            .next()
            .ok_or(InvalidRecipient::Damaged("the key is missing"))?;
        if encoded.len() > MAX_WIRE_LEN * 4 / 3 + 4 {
            return Err(InvalidRecipient::Damaged(
                "the key is longer than any accepted one",
            ));
        }
        let wire = STANDARD
            .decode(encoded)
            .map_err(|_| InvalidRecipient::Damaged("the key is not base64"))?;
        let mut rest = wire.as_slice();
        let key_type = take_string(&mut rest)?;
        let exponent = take_mpint(&mut rest)?;
        let modulus = take_mpint(&mut rest)?;
        if key_type != KEY_TYPE.as_bytes() || !rest.is_empty() {
            return Err(InvalidRecipient::Damaged("the key does not hold an ssh-rsa key"));
        }
        Ok(Self(RsaPublicNumbers::new(modulus, exponent)))
    }
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    &number[zeros..]
}

fn put_string(wire: &mut Vec<u8>, bytes: &[u8]) {
    // Lengths here are those of accepted keys, far below 2^32.
    wire.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    wire.extend_from_slice(bytes);
}

fn put_mpint(wire: &mut Vec<u8>, number: &[u8]) {
    if number.first().is_some_and(|first| first & 0x80 != 0) {
        put_string(wire, &[&[0], number].concat());
    } else {
        put_string(wire, number);
    }
}

fn take_string<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], InvalidRecipient> {
    let cut = InvalidRecipient::Damaged("the key is cut off");
    let (len, tail) = rest.split_first_chunk::<4>().ok_or(cut.clone())?;
    let len = u32::from_be_bytes(*len) as usize;
    let (bytes, tail) = tail.split_at_checked(len).ok_or(cut)?;
    *rest = tail;
    Ok(bytes)
}

fn take_mpint<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], InvalidRecipient> {
    let bytes = take_string(rest)?;
    match bytes {
        [first, ..] if first & 0x80 != 0 => Err(InvalidRecipient::Damaged("a number is negative")),
        [0, second, ..] if second & 0x80 == 0 => {
            Err(InvalidRecipient::Damaged("a number has needless zeros"))
        }
        [] => Err(InvalidRecipient::Damaged("a number is missing")),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient() -> Recipient {
        Recipient::new(RsaPublicNumbers::new(&[0xc3; 256], &[1, 0, 1]))
    }

    #[test]
    fn a_line_survives_the_round_trip_with_and_without_a_comment() {
        let line = recipient().to_string();
        assert_eq!(line.parse::<Recipient>().unwrap(), recipient());
        assert_eq!(
            format!("{line} escrow@example\n").parse::<Recipient>().unwrap(),
            recipient()
        );
        assert_eq!(recipient().numbers().modulus_bits(), 2048);
    }

    #[test]
    fn other_keys_and_damaged_lines_are_refused() {
        let line = recipient().to_string();
        assert!(matches!(
            "ssh-ed25519 AAAA".parse::<Recipient>(),
            Err(InvalidRecipient::KeyType(_))
        ));
        assert!(matches!(
            "".parse::<Recipient>(),
            Err(InvalidRecipient::KeyType(_))
        ));
        for cut in [
            "ssh-rsa",
            "ssh-rsa !",
            &line[..line.len() - 8],
            &format!("{}AAAA", &line),
        ] {
            assert!(
                matches!(cut.parse::<Recipient>(), Err(InvalidRecipient::Damaged(_))),
                "{cut}"
            );
        }
    }
}
