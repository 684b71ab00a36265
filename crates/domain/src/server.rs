//! Backup servers: machines that seal, each with an identity of its own.

use std::fmt;
use std::str::FromStr;

use crate::keyset::Version;
use crate::{Fingerprint, Reason, ServerId, ServerName, Timestamp};

/// A public key that messages are encrypted to: an age X25519 recipient, such as `age1…`
/// (age-encryption.org/v1, "The X25519 recipient type").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageKey(String);

/// A text that is no such key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an age recipient: it begins with \"age1\" and has 62 small letters and digits")]
pub struct InvalidMessageKey;

/// The public half of a backup server's identity: what its signatures verify with, and what is encrypted to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityKeys {
    /// The raw Ed25519 public key (RFC 8032).
    pub signing: [u8; 32],
    /// What messages to it are encrypted to.
    pub encryption: MessageKey,
}

/// An identity of a backup server, as the manager knows it. Never overwritten: a newer one retires it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// Its keys.
    pub keys: IdentityKeys,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When a newer one took its place; `None` while it is the current one.
    pub retired_at: Option<Timestamp>,
}

/// A server that was taken off, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<Reason>,
}

/// A backup server that is, or was, enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupServer {
    /// Its id, which no identity changes.
    pub id: ServerId,
    /// Counts its changes.
    pub version: Version,
    /// Its name.
    pub name: ServerName,
    /// Its identities, in the order of their enrolment; exactly one is not retired.
    pub identities: Vec<ServerIdentity>,
    /// When it was enrolled first.
    pub enrolled_at: Timestamp,
    /// Set when it was removed: its requests are refused then.
    pub removed: Option<Removal>,
}

/// Why an identity is not enrolled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentRefused {
    /// It is this server's current identity already.
    #[error("this is the server's current identity already")]
    AlreadyCurrent,
    /// There are more identities than a server ever has.
    #[error("the server has {0} identities already")]
    TooMany(usize),
}

/// More identities than any server needs.
const MAX_IDENTITIES: usize = 100;

impl IdentityKeys {
    /// The fingerprint of the signing key. The encryption key is signed by that key wherever it travels, so that this one
    /// fingerprint stands for both.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_ed25519(&self.signing)
    }
}

impl ServerIdentity {
    /// Its fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.keys.fingerprint()
    }

    /// Whether a newer one took its place.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }
}

impl BackupServer {
    /// A server with its first identity.
    #[must_use]
    pub fn enrolled(id: ServerId, name: ServerName, keys: IdentityKeys, at: Timestamp) -> Self {
        let identity = ServerIdentity {
            keys,
            enrolled_at: at,
            retired_at: None,
        };
        Self {
            id,
            version: Version(1),
            name,
            identities: vec![identity],
            enrolled_at: at,
            removed: None,
        }
    }

    /// The identity with this fingerprint.
    #[must_use]
    pub fn identity(&self, fingerprint: &Fingerprint) -> Option<&ServerIdentity> {
        self.identities
            .iter()
            .find(|identity| identity.fingerprint() == *fingerprint)
    }

    /// The identity that is not retired.
    #[must_use]
    pub fn current_identity(&self) -> Option<&ServerIdentity> {
        self.identities.iter().find(|identity| !identity.is_retired())
    }

    /// The same server with another current identity; the one before is retired. One that was retired becomes current again. A
    /// server that was removed is back.
    ///
    /// # Errors
    /// [`EnrolmentRefused`].
    pub fn re_enrolled(&self, keys: IdentityKeys, at: Timestamp) -> Result<Self, EnrolmentRefused> {
        let known = self
            .identities
            .iter()
            .position(|identity| identity.fingerprint() == keys.fingerprint());
        let is_current = known.is_some_and(|known| !self.identities[known].is_retired());
        if is_current && self.removed.is_none() {
            return Err(EnrolmentRefused::AlreadyCurrent);
        }
        if known.is_none() && self.identities.len() >= MAX_IDENTITIES {
            return Err(EnrolmentRefused::TooMany(self.identities.len()));
        }
        Ok(self.changed(|server| {
            for identity in &mut server.identities {
                identity.retired_at = identity.retired_at.or(Some(at));
            }
            match known {
                Some(known) => server.identities[known].retired_at = None,
                None => server.identities.push(ServerIdentity {
                    keys,
                    enrolled_at: at,
                    retired_at: None,
                }),
            }
            server.removed = None;
        }))
    }

    /// The same server, removed. What it was is kept, because the audit trail and old backups name it.
    #[must_use]
    pub fn removed(&self, at: Timestamp, reason: Option<Reason>) -> Self {
        self.changed(|server| server.removed = Some(Removal { at, reason }))
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.version = Version(self.version.0.saturating_add(1));
        next
    }
}

impl MessageKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MessageKey {
    type Err = InvalidMessageKey;

    /// Looks at the form alone; whether it is a key is found out when something is encrypted to it.
    fn from_str(text: &str) -> Result<Self, InvalidMessageKey> {
        let is_small = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        match text.starts_with("age1") && text.len() == 62 && text.bytes().all(is_small) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidMessageKey),
        }
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn keys(byte: u8) -> IdentityKeys {
        IdentityKeys {
            signing: [byte; 32],
            encryption: format!("age1{}", "q".repeat(58)).parse().unwrap(),
        }
    }

    fn server() -> BackupServer {
        let id = ServerId::from_random_bytes([7; 16]);
        BackupServer::enrolled(id, "db1".parse().unwrap(), keys(1), at(10))
    }

    #[test]
    fn a_newer_identity_retires_the_one_before_and_overwrites_nothing() {
        let twice = server().re_enrolled(keys(2), at(20)).unwrap();
        assert_eq!(twice.identities.len(), 2);
        assert_eq!(twice.identities[0].retired_at, Some(at(20)));
        assert_eq!(twice.current_identity().unwrap().keys, keys(2));
        assert!(twice.identity(&keys(1).fingerprint()).unwrap().is_retired());
        assert_eq!(twice.version, Version(2));
    }

    #[test]
    fn a_retired_identity_can_become_the_current_one_again() {
        let back = server()
            .re_enrolled(keys(2), at(20))
            .and_then(|server| server.re_enrolled(keys(1), at(30)))
            .unwrap();
        assert_eq!(back.identities.len(), 2);
        assert_eq!(back.current_identity().unwrap().keys, keys(1));
        assert_eq!(back.identities[1].retired_at, Some(at(30)));
    }

    #[test]
    fn the_current_identity_is_not_enrolled_twice_unless_the_server_was_removed() {
        assert_eq!(
            server().re_enrolled(keys(1), at(20)),
            Err(EnrolmentRefused::AlreadyCurrent)
        );
        let back = server()
            .removed(at(15), None)
            .re_enrolled(keys(1), at(20))
            .unwrap();
        assert_eq!(back.removed, None);
        assert_eq!(back.current_identity().unwrap().keys, keys(1));
    }

    #[test]
    fn identities_are_bounded() {
        let mut server = server();
        for byte in 2..=100 {
            server = server.re_enrolled(keys(byte), at(20)).unwrap();
        }
        assert_eq!(
            server.re_enrolled(keys(101), at(21)),
            Err(EnrolmentRefused::TooMany(100))
        );
    }

    #[test]
    fn a_message_key_has_the_form_of_an_age_recipient() {
        for wrong in [
            "",
            "age1",
            "AGE1",
            &"q".repeat(62),
            &format!("age1{}Q", "q".repeat(57)),
        ] {
            assert!(wrong.parse::<MessageKey>().is_err(), "{wrong}");
        }
    }
}
