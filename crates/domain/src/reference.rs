use std::fmt;
use std::str::FromStr;

use crate::{FingerprintPrefix, InvalidFingerprint, KeysetId};

/// How people name a keyset: by its id, by the beginning of its fingerprint, or as the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysetReference {
    /// The id, as `keyset list` prints it.
    Id(KeysetId),
    /// At least eight leading digits of the fingerprint.
    Fingerprint(FingerprintPrefix),
    /// Whichever keyset is Active.
    Active,
}

impl FromStr for KeysetReference {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        if text == "active" {
            Ok(Self::Active)
        } else if let Ok(id) = text.parse() {
            Ok(Self::Id(id))
        } else {
            text.parse().map(Self::Fingerprint)
        }
    }
}

impl fmt::Display for KeysetReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Fingerprint(prefix) => prefix.fmt(f),
            Self::Active => f.write_str("active"),
        }
    }
}
