//! Officers: the people whose signatures let a recovery request be answered.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use crate::keyset::Version;
use crate::{OfficerId, PersonName, Removal, Timestamp};

/// A public key of OpenSSH, of any kind that signs (RFC 4253, section 6.6, and OpenSSH's PROTOCOL documents).
#[derive(Clone, PartialEq, Eq)]
pub struct SshPublicKey {
    kind: String,
    wire: Vec<u8>,
}

/// A person who may approve recovery requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// Its id.
    pub id: OfficerId,
    /// Counts the changes.
    pub version: Version,
    /// The person's name, which no other officer has.
    pub name: PersonName,
    /// What else the person is called, such as the user names on backup servers.
    pub also: Vec<PersonName>,
    /// The key that the person signs with, which no other officer has.
    pub key: SshPublicKey,
    /// When the person was added.
    pub added_at: Timestamp,
    /// Set when the person was taken off: its approvals do not count then.
    pub removed: Option<Removal>,
}

/// Why a person is not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfficerRefused {
    /// Somebody is called so already.
    #[error("there is an officer \"{0}\" already")]
    NameTaken(PersonName),
    /// Somebody has this key already.
    #[error("officer \"{0}\" has this key already, and one key is one person")]
    KeyTaken(PersonName),
}

const ED25519: &str = "ssh-ed25519";
/// What stands before the key: the kind, and the length of the key.
const ED25519_WIRE: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";

impl SshPublicKey {
    /// A key of a kind such as `ssh-ed25519`, with its bytes in SSH wire format, which an engine has checked.
    #[must_use]
    pub fn new(kind: impl Into<String>, wire: Vec<u8>) -> Self {
        Self {
            kind: kind.into(),
            wire,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its bytes in SSH wire format.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The raw public key, when it is an Ed25519 key (RFC 8709, section 4).
    #[must_use]
    pub fn ed25519(&self) -> Option<[u8; 32]> {
        let raw = self.wire.strip_prefix(ED25519_WIRE)?;
        match self.kind == ED25519 {
            true => raw.try_into().ok(),
            false => None,
        }
    }

    /// Its fingerprint as OpenSSH prints it: `SHA256:` and the digest of the wire format in base64.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.wire)))
    }
}

/// The line of a `.pub` file, without a comment.
impl fmt::Display for SshPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, STANDARD.encode(&self.wire))
    }
}

impl fmt::Debug for SshPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Officer {
    /// A new officer, who must not share the name or the key with one who is there.
    ///
    /// # Errors
    /// [`OfficerRefused`].
    pub fn add(
        id: OfficerId,
        name: PersonName,
        also: Vec<PersonName>,
        key: SshPublicKey,
        at: Timestamp,
        others: &[Self],
    ) -> Result<Self, OfficerRefused> {
        let mut present = others.iter().filter(|officer| officer.removed.is_none());
        if let Some(same) = present.clone().find(|officer| officer.key == key) {
            return Err(OfficerRefused::KeyTaken(same.name.clone()));
        }
        let names = || std::iter::once(&name).chain(&also);
        if let Some(same) = present.find(|officer| names().any(|name| officer.is_called(name))) {
            return Err(OfficerRefused::NameTaken(same.name.clone()));
        }
        Ok(Self {
            id,
            version: Version(1),
            name,
            also,
            key,
            added_at: at,
            removed: None,
        })
    }

    /// Whether the officer may be the person with this name.
    #[must_use]
    pub fn is_called(&self, name: &PersonName) -> bool {
        std::iter::once(&self.name)
            .chain(&self.also)
            .any(|own| own.may_be(name))
    }

    /// The same officer, taken off. What the person signed is kept and does not count any more.
    #[must_use]
    pub fn taken_off(&self, removal: Removal) -> Self {
        Self {
            version: Version(self.version.0.saturating_add(1)),
            removed: Some(removal),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_micros(1).unwrap()
    }

    fn add(name: &str, also: &[&str], key: u8, others: &[Officer]) -> Result<Officer, OfficerRefused> {
        Officer::add(
            OfficerId::from_random_bytes([key; 16]),
            name.parse().unwrap(),
            also.iter().map(|name| name.parse().unwrap()).collect(),
            SshPublicKey::new("ssh-ed25519", vec![key; 51]),
            at(),
            others,
        )
    }

    #[test]
    fn one_person_and_one_key_are_one_officer() {
        let ada = add("Ada", &["root"], 1, &[]).unwrap();
        let others = [ada.clone()];
        for (name, also, key) in [("ada@work", None, 2), ("Grace", Some("Root"), 3)] {
            let refused = add(name, also.as_slice(), key, &others);
            assert_eq!(refused, Err(OfficerRefused::NameTaken(ada.name.clone())));
        }
        assert_eq!(
            add("Grace", &[], 1, &others),
            Err(OfficerRefused::KeyTaken(ada.name.clone()))
        );
        let removal = Removal {
            at: at(),
            reason: None,
        };
        assert!(add("Ada", &[], 1, &[ada.taken_off(removal)]).is_ok());
    }

    #[test]
    fn a_key_is_named_as_openssh_names_it() {
        let wire = STANDARD
            .decode("AAAAC3NzaC1lZDI1NTE5AAAAIJDeEVqnYPTnlBYDmQTvEbqfyJYIOLNjXtDNRbmLi2OC")
            .unwrap();
        let key = SshPublicKey::new("ssh-ed25519", wire);
        assert_eq!(
            key.to_string(),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJDeEVqnYPTnlBYDmQTvEbqfyJYIOLNjXtDNRbmLi2OC"
        );
        let raw = key.ed25519().unwrap();
        assert_eq!((raw[0], raw[31]), (0x90, 0x82));
        assert_eq!(SshPublicKey::new("ssh-rsa", key.wire.clone()).ed25519(), None);
        // ssh-keygen -lf
        assert_eq!(
            key.fingerprint(),
            "SHA256:N0QwuNGvo7lPBQOJwpw3brVw2x0RnIOGoEU13mIccrg"
        );
    }
}
