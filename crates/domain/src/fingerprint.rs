use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// SHA-256 of a public key's DER SubjectPublicKeyInfo: what
/// `openssl pkey -pubin -outform DER | sha256sum` prints. It names a keyset across installations.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// At least eight leading hexadecimal digits of a fingerprint, as people type it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FingerprintPrefix(String);

/// What a person expects a keyset to be: enough leading digits of its fingerprint that nobody can make another keyset that
/// has them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedFingerprint(FingerprintPrefix);

/// A text that is no fingerprint, or no usable beginning of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a fingerprint (expected {1} hexadecimal digits)")]
pub struct InvalidFingerprint(String, &'static str);

impl Fingerprint {
    /// The digits shown to people where a full fingerprint would be too long to read.
    pub const SHORT_DIGITS: usize = 16;

    /// The fingerprint of a DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    #[must_use]
    pub fn of_spki(spki_der: &[u8]) -> Self {
        Self(Sha256::digest(spki_der).into())
    }

    /// The fingerprint of an Ed25519 public key, by its DER SubjectPublicKeyInfo (RFC 8410, section 4): how identities are
    /// named.
    #[must_use]
    pub fn of_ed25519(public_key: &[u8; 32]) -> Self {
        const PREFIX: [u8; 12] = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        Self::of_spki(&[&PREFIX[..], public_key].concat())
    }

    /// All digits in groups of four, to be read aloud and compared.
    #[must_use]
    pub fn in_groups(&self) -> String {
        let groups = |bytes: &[u8]| {
            let group = |pair: &[u8]| pair.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            bytes.chunks(2).map(group).collect::<Vec<_>>().join(" ")
        };
        groups(&self.0)
    }

    /// The 32 bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..Self::SHORT_DIGITS].to_owned()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    /// Reads 64 hexadecimal digits. Upper case and the colons or blanks that people copy along are accepted.
    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let digits = hex_digits(text);
        let invalid = || InvalidFingerprint(text.chars().take(80).collect(), "64");
        let digits = digits.filter(|d| d.len() == 64).ok_or_else(invalid)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl FingerprintPrefix {
    /// Fewer digits than this name too many keysets to be safe.
    pub const MIN_DIGITS: usize = 8;

    /// The digits, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a fingerprint begins with these digits.
    #[must_use]
    pub fn matches(&self, fingerprint: &Fingerprint) -> bool {
        fingerprint.to_string().starts_with(&self.0)
    }
}

impl FromStr for FingerprintPrefix {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        match hex_digits(text) {
            Some(digits) if (Self::MIN_DIGITS..=64).contains(&digits.len()) => Ok(Self(digits)),
            _ => Err(InvalidFingerprint(text.chars().take(80).collect(), "8 to 64")),
        }
    }
}

impl ExpectedFingerprint {
    /// Fewer digits could be met by a keyset that somebody made for the purpose.
    pub const MIN_DIGITS: usize = 16;

    /// Whether this is the keyset that was expected.
    #[must_use]
    pub fn matches(&self, fingerprint: &Fingerprint) -> bool {
        self.0.matches(fingerprint)
    }
}

impl FromStr for ExpectedFingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let prefix: FingerprintPrefix = text.parse()?;
        match prefix.as_str().len() >= Self::MIN_DIGITS {
            true => Ok(Self(prefix)),
            false => Err(InvalidFingerprint(prefix.0, "at least 16")),
        }
    }
}

impl fmt::Display for ExpectedFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for FingerprintPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hex_digits(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ':' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sha256_of_the_bytes() {
        // printf abc | sha256sum
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let fingerprint = Fingerprint::of_spki(b"abc");
        assert_eq!(fingerprint.to_string(), expected);
        assert_eq!(fingerprint.short(), "ba7816bf8f01cfea");
        assert_eq!(expected.parse::<Fingerprint>().unwrap(), fingerprint);
        assert_eq!(
            expected.to_uppercase().parse::<Fingerprint>().unwrap(),
            fingerprint
        );
    }

    #[test]
    fn a_prefix_needs_eight_digits() {
        assert!("ba7816b".parse::<FingerprintPrefix>().is_err());
        assert!("ba7816bg".parse::<FingerprintPrefix>().is_err());
        let prefix: FingerprintPrefix = "BA7816BF".parse().unwrap();
        assert!(prefix.matches(&Fingerprint::of_spki(b"abc")));
        assert!(!prefix.matches(&Fingerprint::of_spki(b"abd")));
        assert!("ba7816bf8f01cfe".parse::<ExpectedFingerprint>().is_err());
        assert!("ba7816bf8f01cfea".parse::<ExpectedFingerprint>().is_ok());
    }
}
