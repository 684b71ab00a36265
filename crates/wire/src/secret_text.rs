use std::fmt;

use keystead_domain::Passphrase;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A text that is a secret: a passphrase, a password, a token or a one-time code. It is overwritten in memory when dropped,
/// and its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = Password))]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes over a text.
    #[must_use]
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&Passphrase> for SecretText {
    /// What is no UTF-8 cannot travel in JSON; it becomes replacement characters.
    fn from(passphrase: &Passphrase) -> Self {
        Self(Zeroizing::new(
            String::from_utf8_lossy(passphrase.expose()).into_owned(),
        ))
    }
}

impl From<&SecretText> for Passphrase {
    fn from(text: &SecretText) -> Self {
        Self::new(Zeroizing::new(text.expose().as_bytes().to_vec()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_travels_and_is_not_shown() {
        let secret: SecretText = serde_json::from_str("\"hunter2 ü\"").unwrap();
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"hunter2 ü\"");
        assert!(!format!("{secret:?}").contains("hunter"));
        assert_eq!(Passphrase::from(&secret).expose(), "hunter2 ü".as_bytes());
    }
}
