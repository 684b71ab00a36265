//! Who may ask and who decides, signed by the manager: whoever can write to the database, and does not have the master key,
//! cannot add an officer or a server of their own.

use std::fmt;
use std::str::FromStr;

use crate::{
    BackupServer, ContentDigest, InstallationId, Officer, RecoveryPolicy, Removal, ServerIdentity,
    Sha256Digest,
};

const FIRST_LINE: &str = "keystead recovery register v1";

/// What the manager signs about its backup servers, its officers and its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The manager's installation.
    pub installation: InstallationId,
    /// How many changes there were, from 1.
    pub change: u64,
    /// The digest of all of them.
    pub digest: Sha256Digest,
}

/// A text that is no register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the text of a recovery register")]
pub struct InvalidRegister;

/// The digest of everything that decides who may ask and who approves, in every field.
#[must_use]
pub fn register_digest(
    servers: &[BackupServer],
    officers: &[Officer],
    policy: Option<&RecoveryPolicy>,
) -> Sha256Digest {
    let mut fields = Fields(ContentDigest::new());
    let mut servers: Vec<&BackupServer> = servers.iter().collect();
    servers.sort_by_key(|server| server.id);
    fields.number(servers.len());
    servers.into_iter().for_each(|server| fields.server(server));
    let mut officers: Vec<&Officer> = officers.iter().collect();
    officers.sort_by_key(|officer| officer.id);
    fields.number(officers.len());
    officers.into_iter().for_each(|officer| fields.officer(officer));
    fields.number(usize::from(policy.is_some()));
    if let Some(policy) = policy {
        fields.text(policy.approvals());
        fields.text(policy.response_lifetime().as_secs());
        fields.text(policy.requests_per_day());
    }
    Sha256Digest::from_bytes(fields.0.finish())
}

/// Takes in fields, each with its length before it, so that no two lists of fields give the same bytes.
struct Fields(ContentDigest);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, value: impl fmt::Display) {
        self.bytes(value.to_string().as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.text(number);
    }

    fn server(&mut self, server: &BackupServer) {
        let BackupServer {
            id,
            version,
            name,
            identities,
            enrolled_at,
            removed,
        } = server;
        self.bytes(id.as_bytes());
        self.text(version.0);
        self.text(name);
        self.text(enrolled_at.as_micros());
        self.removal(removed.as_ref());
        self.number(identities.len());
        for ServerIdentity {
            keys,
            enrolled_at,
            retired_at,
        } in identities
        {
            self.bytes(&keys.signing);
            self.text(&keys.encryption);
            self.text(enrolled_at.as_micros());
            self.text(retired_at.map_or_else(String::new, |at| at.as_micros().to_string()));
        }
    }

    fn officer(&mut self, officer: &Officer) {
        let Officer {
            id,
            version,
            name,
            also,
            key,
            added_at,
            removed,
        } = officer;
        self.bytes(id.as_bytes());
        self.text(version.0);
        self.text(name);
        self.number(also.len());
        also.iter().for_each(|name| self.text(name));
        self.text(key.kind());
        self.bytes(key.wire());
        self.text(added_at.as_micros());
        self.removal(removed.as_ref());
    }

    fn removal(&mut self, removal: Option<&Removal>) {
        self.number(usize::from(removal.is_some()));
        if let Some(Removal { at, reason }) = removal {
            self.text(at.as_micros());
            self.text(reason.as_ref().map_or("", |reason| reason.as_str()));
        }
    }
}

/// The text that is signed: four lines, each with its line feed.
impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "installation {}", self.installation)?;
        writeln!(f, "change {}", self.change)?;
        writeln!(f, "digest {}", self.digest)
    }
}

impl FromStr for Register {
    type Err = InvalidRegister;

    /// Reads the one spelling that is written.
    fn from_str(text: &str) -> Result<Self, InvalidRegister> {
        let mut lines = text.lines();
        let mut value = |word: &str| lines.next()?.strip_prefix(word);
        let read = value(FIRST_LINE).filter(|rest| rest.is_empty()).and_then(|_| {
            Some(Self {
                installation: value("installation ")?.parse().ok()?,
                change: value("change ")?.parse().ok()?,
                digest: value("digest ")?.parse().ok()?,
            })
        });
        read.filter(|register| register.to_string() == text)
            .ok_or(InvalidRegister)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IdentityKeys, OfficerId, Reason, ServerId, SshPublicKey, Timestamp};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn server(byte: u8) -> BackupServer {
        let keys = IdentityKeys {
            signing: [byte; 32],
            encryption: format!("age1{}", "q".repeat(58)).parse().unwrap(),
        };
        let id = ServerId::from_random_bytes([byte; 16]);
        BackupServer::enrolled(id, "db1".parse().unwrap(), keys, at(1))
    }

    fn officer(byte: u8) -> Officer {
        Officer::add(
            OfficerId::from_random_bytes([byte; 16]),
            format!("officer {byte}").parse().unwrap(),
            vec!["root".parse().unwrap()],
            SshPublicKey::new("ssh-ed25519", vec![byte]),
            at(1),
            &[],
        )
        .unwrap()
    }

    #[test]
    fn every_change_changes_the_digest() {
        let (servers, officers) = ([server(1), server(2)], [officer(1), officer(2)]);
        let policy = RecoveryPolicy::default();
        let of = |servers: &[BackupServer], officers: &[Officer], policy: Option<&RecoveryPolicy>| {
            register_digest(servers, officers, policy)
        };
        let whole = of(&servers, &officers, Some(&policy));
        let removal = |reason: Option<Reason>| Removal { at: at(5), reason };
        let removed = |reason: Option<&str>| {
            let reason = reason.map(|reason| reason.parse().unwrap());
            [server(1).removed(at(5), reason), server(2)]
        };
        let mut renamed = servers.clone();
        renamed[0].name = "db2".parse().unwrap();
        let mut lesser = officers.clone();
        lesser[1].also.clear();
        let other_policy =
            RecoveryPolicy::new(2, policy.response_lifetime(), policy.requests_per_day()).unwrap();
        let taken_off = [officer(1), officer(2).taken_off(removal(None))];
        let again = server(1)
            .re_enrolled(server(3).identities[0].keys.clone(), at(9))
            .unwrap();
        let all = [
            whole,
            of(&servers[..1], &officers, Some(&policy)),
            of(&servers, &officers[..1], Some(&policy)),
            of(&servers, &officers, None),
            of(&servers, &officers, Some(&other_policy)),
            of(&removed(None), &officers, Some(&policy)),
            of(&removed(Some("sold")), &officers, Some(&policy)),
            of(&renamed, &officers, Some(&policy)),
            of(&servers, &lesser, Some(&policy)),
            of(&servers, &taken_off, Some(&policy)),
            of(&[again, server(2)], &officers, Some(&policy)),
            of(&[], &[], None),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        let turned = [server(2), server(1)];
        assert_eq!(
            of(&turned, &officers, Some(&policy)),
            whole,
            "the order does not matter"
        );
    }

    #[test]
    fn a_register_survives_its_text() {
        let register = Register {
            installation: InstallationId::from_random_bytes([1; 16]),
            change: 7,
            digest: Sha256Digest::of(b"x"),
        };
        let text = register.to_string();
        assert_eq!(text.parse(), Ok(register));
        for wrong in [
            text.trim_end(),
            &text.replace("v1", "v2"),
            &text.replace("change 7", "change 07"),
        ] {
            assert_eq!(wrong.parse::<Register>(), Err(InvalidRegister));
        }
    }
}
