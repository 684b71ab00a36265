use crate::{
    Fingerprint, Installation, Officer, OfficerId, Origins, PersonName, Recovery, ServerName, Timestamp,
};

/// What an officer allows beyond the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permission {
    /// Which files' keys may be given away.
    pub origins: Origins,
    /// Whether an identity that was retired may be answered.
    pub retired_identity: bool,
}

/// An officer's signature under a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The officer.
    pub officer: OfficerId,
    /// The officer's name at that time.
    pub name: PersonName,
    /// What is allowed.
    pub permission: Permission,
    /// The signature over the [statement](approval_statement), as OpenSSH makes it (PROTOCOL.sshsig), without its armor.
    pub signature: Vec<u8>,
    /// When it was received.
    pub given_at: Timestamp,
}

/// What the approvals of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many distinct officers' approvals count.
    pub given: usize,
    /// How many are needed.
    pub needed: usize,
    /// What enough of them allow; the usual while there are not enough.
    pub permission: Permission,
}

impl Permission {
    /// Whether it allows all that the other one allows, and more.
    #[must_use]
    pub fn is_wider_than(self, other: Self) -> bool {
        self != other && self.origins >= other.origins && self.retired_identity >= other.retired_identity
    }
}

impl Standing {
    /// Adds up the approvals whose signatures were verified. Those count whose officer is there, and each officer once, by the
    /// last approval. What is allowed beyond the usual is what as many officers allow as are needed.
    #[must_use]
    pub fn of(verified: &[Approval], officers: &[Officer], needed: u32) -> Self {
        let needed = needed.max(1) as usize;
        let counted = Self::counted(verified, officers);
        let enough =
            |allows: &dyn Fn(&Approval) -> bool| counted.iter().filter(|a| allows(a)).count() >= needed;
        let origins = Origins::ALL
            .into_iter()
            .filter(|origins| enough(&|approval| approval.permission.origins >= *origins))
            .max()
            .unwrap_or_default();
        Self {
            given: counted.len(),
            needed,
            permission: Permission {
                origins,
                retired_identity: enough(&|approval| approval.permission.retired_identity),
            },
        }
    }

    /// The approvals that count, of those whose signatures were verified: of officers who are there, each officer's last.
    #[must_use]
    pub fn counted<'a>(verified: &'a [Approval], officers: &[Officer]) -> Vec<&'a Approval> {
        let mut counted: Vec<&Approval> = Vec::new();
        for approval in verified.iter().rev() {
            let is_there = officers
                .iter()
                .any(|officer| officer.id == approval.officer && officer.removed.is_none());
            if is_there && counted.iter().all(|other| other.officer != approval.officer) {
                counted.push(approval);
            }
        }
        counted.reverse();
        counted
    }

    /// Whether there are enough.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.given >= self.needed
    }
}

/// The text that an officer signs: lines that a person can read, the digest of the request among them. Its namespace is
/// [`APPROVAL_NAMESPACE`].
#[must_use]
pub fn approval_statement(
    installation: &Installation,
    recovery: &Recovery,
    server_name: &ServerName,
    permission: Permission,
) -> String {
    let reason = plain(recovery.reason.as_ref().map_or("", |reason| reason.as_str()));
    let (server_name, asked_by) = (plain(server_name.as_str()), plain(recovery.asked_by.as_str()));
    let retired = match permission.retired_identity {
        true => "allowed",
        false => "refused",
    };
    [
        "keystead recovery approval v1".to_owned(),
        format!("installation {}", installation.id),
        format!(
            "manager {}",
            Fingerprint::of_ed25519(&installation.identity.public_key)
        ),
        format!("request {}", recovery.id),
        format!("digest {}", recovery.digest),
        format!("server {}", recovery.server),
        format!("server-name {server_name}"),
        format!("identity {}", recovery.identity),
        format!("asked-by {asked_by}"),
        format!("reason {reason}"),
        format!("files {}", recovery.files),
        format!("expires {}", recovery.validity.expires_at),
        format!("origins {}", permission.origins.as_str()),
        format!("retired-identity {retired}"),
    ]
    .map(|line| line.trim_end().to_owned() + "\n")
    .concat()
}

/// A text in which nothing turns the direction of writing or breaks a line: characters that do are written as `\u{…}`.
fn plain(text: &str) -> String {
    let deceives = |c: char| matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match deceives(c) {
            true => plain.extend(c.escape_unicode()),
            false => plain.push(c),
        }
    }
    plain
}

/// The namespace of an officer's signature (PROTOCOL.sshsig): a signature that was made for another purpose is none.
pub const APPROVAL_NAMESPACE: &str = "keystead-recovery-approval";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Removal, SshPublicKey};

    fn officer(byte: u8) -> Officer {
        Officer::add(
            OfficerId::from_random_bytes([byte; 16]),
            format!("officer {byte}").parse().unwrap(),
            Vec::new(),
            SshPublicKey::new("ssh-ed25519", vec![byte]),
            Timestamp::from_micros(0).unwrap(),
            &[],
        )
        .unwrap()
    }

    fn approval(byte: u8, origins: Origins, retired_identity: bool) -> Approval {
        let officer = officer(byte);
        Approval {
            officer: officer.id,
            name: officer.name,
            permission: Permission {
                origins,
                retired_identity,
            },
            signature: Vec::new(),
            given_at: Timestamp::from_micros(1).unwrap(),
        }
    }

    #[test]
    fn a_name_cannot_rearrange_what_is_signed() {
        assert_eq!(
            plain("ok\u{2028}origins any\u{202e}"),
            "ok\\u{2028}origins any\\u{202e}"
        );
        assert_eq!(plain("Büro 🔑 \u{5d0}"), "Büro 🔑 \u{5d0}");
    }

    #[test]
    fn each_officer_counts_once_and_only_while_there() {
        let officers = [officer(1), officer(2)];
        let approvals = [1, 1, 2, 3].map(|byte| approval(byte, Origins::Own, false));
        let standing = Standing::of(&approvals, &officers, 2);
        assert_eq!((standing.given, standing.is_enough()), (2, true));
        let removal = Removal {
            at: Timestamp::from_micros(2).unwrap(),
            reason: None,
        };
        let officers = [officer(1), officer(2).taken_off(removal)];
        assert!(!Standing::of(&approvals, &officers, 2).is_enough());
    }

    #[test]
    fn an_officer_can_allow_more_and_still_counts_once() {
        let officers = [officer(1), officer(2)];
        let widened = [approval(1, Origins::Own, false), approval(1, Origins::Any, false)];
        let standing = Standing::of(&widened, &officers, 1);
        assert_eq!((standing.given, standing.permission.origins), (1, Origins::Any));
        assert!(!Standing::of(&widened, &officers, 2).is_enough());
        let wider = |origins, retired_identity| Permission {
            origins,
            retired_identity,
        };
        assert!(wider(Origins::Any, true).is_wider_than(wider(Origins::Own, true)));
        assert!(!wider(Origins::Any, false).is_wider_than(wider(Origins::Own, true)));
        assert!(!wider(Origins::Own, true).is_wider_than(wider(Origins::Own, true)));
    }

    #[test]
    fn an_override_needs_as_many_officers_as_an_approval() {
        let officers = [officer(1), officer(2), officer(3)];
        let approvals = [
            approval(1, Origins::Any, true),
            approval(2, Origins::OwnOrUnnamed, false),
            approval(3, Origins::Own, true),
        ];
        let allowed = |needed| Standing::of(&approvals, &officers, needed).permission;
        assert_eq!(allowed(1).origins, Origins::Any);
        assert_eq!(allowed(2).origins, Origins::OwnOrUnnamed);
        assert_eq!(allowed(3).origins, Origins::Own);
        assert_eq!(allowed(4), Permission::default());
        assert!(allowed(2).retired_identity && !allowed(3).retired_identity);
    }
}
