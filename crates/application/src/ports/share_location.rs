use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_domain::SecretBytes;

use super::{FileShare, ShareAddress, ShareError, ShareErrorKind, SharePath};

/// What people write for a place: a path, or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The URL's scheme, in lower case; `None` for a plain path.
    pub scheme: Option<String>,
    /// The whole text.
    pub text: String,
}

impl Location {
    /// Splits off the scheme. One letter before a colon is a drive, not a scheme.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| {
            scheme.len() > 1
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        });
        Self {
            scheme: scheme.map(str::to_ascii_lowercase),
            text: text.to_owned(),
        }
    }
}

/// A share, and a path in it.
#[derive(Clone)]
pub struct LocatedShare {
    /// The share.
    pub share: Arc<dyn FileShare>,
    /// The path.
    pub path: SharePath,
}

/// How a share is reached. Paths on it are counted from the path of its address, and do not leave it.
#[derive(Clone)]
pub struct ShareAccess {
    /// Where it is. The path is the top of the share.
    pub address: ShareAddress,
    /// Who signs in; the user of the address when there is no other.
    pub username: Option<String>,
    /// What that user signs in with: a password, the secret half of an access key, or the passphrase of a private key.
    pub password: Option<Arc<SecretBytes>>,
    /// How long it is waited and tried again.
    pub patience: SharePatience,
    /// The settings of this kind of share (see [`ShareProvider::settings`]), those that are set.
    pub settings: BTreeMap<String, String>,
}

/// How long a share is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharePatience {
    /// How long one step may go without an answer.
    pub answer: Duration,
    /// How long steps that failed for a passing reason are tried again.
    pub retry: Duration,
}

impl Default for SharePatience {
    /// 30 seconds for an answer, and 30 seconds of trying again.
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            retry: Duration::from_secs(30),
        }
    }
}

impl ShareAccess {
    /// Access without credentials and with no setting set.
    #[must_use]
    pub fn to(address: ShareAddress) -> Self {
        Self {
            username: address.user.clone(),
            address,
            password: None,
            patience: SharePatience::default(),
            settings: BTreeMap::new(),
        }
    }

    /// A setting that is set to something.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The password as text.
    ///
    /// # Errors
    /// [`ShareErrorKind::NotSignedIn`] when it is no text.
    pub fn password_text(&self) -> Result<Option<&str>, ShareError> {
        let text = self.password.as_ref().map(|p| std::str::from_utf8(p.expose()));
        text.transpose().map_err(|_| {
            ShareError::new(
                ShareErrorKind::NotSignedIn,
                "sign in",
                self.address.to_string(),
                "the password is not UTF-8 text",
            )
        })
    }
}

impl fmt::Debug for ShareAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShareAccess({})", self.address)
    }
}

/// A setting that shares of one kind have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareSetting {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Whether it is the path of a file of this machine. It comes as an absolute one.
    pub is_path: bool,
}

impl ShareSetting {
    /// A text.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self { name, is_path: false }
    }

    /// The path of a file of this machine.
    #[must_use]
    pub const fn path(name: &'static str) -> Self {
        Self { name, is_path: true }
    }
}

/// Knows how to reach the shares of some schemes.
///
/// A network protocol implements [`ShareProvider::connect`] and leaves the rest as it is.
#[async_trait]
pub trait ShareProvider: Send + Sync {
    /// The URL schemes that it answers for, in lower case.
    fn schemes(&self) -> &[&'static str];

    /// Whether it answers for a plain path.
    fn takes_plain_paths(&self) -> bool {
        false
    }

    /// The settings that a configured share of its schemes may have, beside those that every share has. None of them is
    /// a secret.
    fn settings(&self) -> &[ShareSetting] {
        &[]
    }

    /// The port that a URL without one means, so that both are known to be the same place.
    fn default_port(&self, scheme: &str) -> Option<u16> {
        let _ = scheme;
        None
    }

    /// How many names at the beginning of a URL's path say which share is meant, rather than where on it: one for SMB.
    fn names_of_share(&self) -> usize {
        0
    }

    /// Reaches a share. It may wait with the connection until the share is used.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadLocation`] when the address or a setting cannot be understood.
    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError>;

    /// Reaches the share that a location names which no configured share has. The password is the one for such
    /// locations, if there is one.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadLocation`] when the location cannot be understood.
    async fn locate(
        &self,
        location: &Location,
        password: Option<Arc<SecretBytes>>,
    ) -> Result<LocatedShare, ShareError> {
        let whole = ShareAddress::parse(&location.text)?;
        let (top, path) = whole.split(self.names_of_share());
        let access = ShareAccess {
            password,
            ..ShareAccess::to(top)
        };
        Ok(LocatedShare {
            share: self.connect(&access).await?,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_or_a_url() {
        let scheme = |text: &str| Location::parse(text).scheme;
        assert_eq!(scheme("/mnt/safe/k.pem"), None);
        assert_eq!(scheme("k.pem"), None);
        assert_eq!(scheme("C:/safe/k.pem"), None);
        assert_eq!(scheme("FILE:/mnt/safe"), Some("file".into()));
        assert_eq!(scheme("smb://nas/escrow"), Some("smb".into()));
        assert_eq!(scheme("./odd:name"), None);
    }
}
