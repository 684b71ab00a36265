use std::fmt;
use std::str::FromStr;

/// What somebody is to the manager, over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks after keysets, servers, people and rules. Does not approve recoveries.
    Admin,
    /// Decides about recovery requests, and answers those that enough officers approved.
    RecoveryOfficer,
    /// Sees what was done and what there is, and changes nothing.
    Auditor,
    /// A machine that seals: fetches the key to seal to, and asks for recoveries of its own.
    BackupServer,
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Roles(u8);

/// What can be done over the network. Each route does one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Fetch public keys to seal to.
    ReadPublicKeys,
    /// Look at keysets.
    ReadKeysets,
    /// Create, edit, activate, delete, inspect and import keysets.
    ChangeKeysets,
    /// Export private keys.
    ExportKeysets,
    /// Look at the shares that exports can go to, and try them out.
    UseShares,
    /// Look at backup servers.
    ReadServers,
    /// Enrol and remove backup servers.
    ChangeServers,
    /// Look at officers and at the rules for recoveries.
    ReadRules,
    /// Add and take off officers, and change the rules for recoveries.
    ChangeRules,
    /// Look at recovery requests.
    ReadRecoveries,
    /// Take in a request that came by another way.
    ReceiveRecoveries,
    /// Approve and deny recovery requests.
    DecideRecoveries,
    /// Answer recovery requests.
    AnswerRecoveries,
    /// Send recovery requests as a backup server, and fetch the answers to them.
    OwnRecoveries,
    /// Look at the audit trail, verify and export it.
    ReadAudit,
    /// Look after users.
    ManageUsers,
    /// Look after tokens.
    ManageTokens,
    /// Read the metrics.
    ReadMetrics,
    /// Look at the jobs that one began.
    ReadJobs,
    /// Look at one's own account, and change what is one's own.
    OwnAccount,
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a role; there are admin, recovery-officer and auditor for people and programs, and backup-server"
)]
pub struct InvalidRole(String);

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [
        Self::Admin,
        Self::RecoveryOfficer,
        Self::Auditor,
        Self::BackupServer,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::RecoveryOfficer => "recovery-officer",
            Self::Auditor => "auditor",
            Self::BackupServer => "backup-server",
        }
    }

    /// Whether this role may do that: the one place where it is decided.
    #[must_use]
    pub fn may(self, operation: Operation) -> bool {
        use Operation as Op;
        use Role::{Admin, Auditor, BackupServer, RecoveryOfficer};
        match operation {
            Op::ReadPublicKeys => true,
            Op::ReadKeysets | Op::ReadAudit | Op::ReadMetrics => matches!(self, Admin | Auditor),
            Op::ReadServers | Op::ReadRules | Op::ReadRecoveries => {
                matches!(self, Admin | Auditor | RecoveryOfficer)
            }
            Op::ChangeKeysets
            | Op::ExportKeysets
            | Op::UseShares
            | Op::ChangeServers
            | Op::ChangeRules
            | Op::ManageUsers
            | Op::ManageTokens => self == Admin,
            Op::ReceiveRecoveries | Op::DecideRecoveries | Op::AnswerRecoveries => self == RecoveryOfficer,
            Op::ReadJobs => matches!(self, Admin | RecoveryOfficer),
            Op::OwnRecoveries => self == BackupServer,
            Op::OwnAccount => self != BackupServer,
        }
    }
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 20] = [
        Self::ReadPublicKeys,
        Self::ReadKeysets,
        Self::ChangeKeysets,
        Self::ExportKeysets,
        Self::UseShares,
        Self::ReadServers,
        Self::ChangeServers,
        Self::ReadRules,
        Self::ChangeRules,
        Self::ReadRecoveries,
        Self::ReceiveRecoveries,
        Self::DecideRecoveries,
        Self::AnswerRecoveries,
        Self::OwnRecoveries,
        Self::ReadAudit,
        Self::ManageUsers,
        Self::ManageTokens,
        Self::ReadMetrics,
        Self::ReadJobs,
        Self::OwnAccount,
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        let same = Self::ALL.into_iter().find(|role| role.as_str() == text);
        same.ok_or_else(|| InvalidRole(text.chars().take(40).collect()))
    }
}

impl Roles {
    /// Whether this role is among them.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of them may do that.
    #[must_use]
    pub fn may(self, operation: Operation) -> bool {
        self.iter().any(|role| role.may(operation))
    }

    /// Each of them, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    fn bit(role: Role) -> u8 {
        1 << role as u8
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |all, role| all | Self::bit(role)))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Role::as_str).collect();
        f.write_str(&words.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_cannot_decide_about_recoveries_and_an_officer_cannot_reach_keys() {
        use Operation as Op;
        for operation in [Op::DecideRecoveries, Op::AnswerRecoveries, Op::OwnRecoveries] {
            assert!(!Role::Admin.may(operation), "{operation:?}");
        }
        for operation in [
            Op::ExportKeysets,
            Op::ChangeKeysets,
            Op::ChangeRules,
            Op::ManageTokens,
        ] {
            assert!(!Role::RecoveryOfficer.may(operation), "{operation:?}");
        }
    }

    #[test]
    fn an_auditor_changes_nothing_and_a_server_sees_its_own_alone() {
        use Operation as Op;
        let may = |role: Role| {
            Op::ALL
                .into_iter()
                .filter(move |op| role.may(*op))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            may(Role::Auditor),
            [
                Op::ReadPublicKeys,
                Op::ReadKeysets,
                Op::ReadServers,
                Op::ReadRules,
                Op::ReadRecoveries,
                Op::ReadAudit,
                Op::ReadMetrics,
                Op::OwnAccount
            ]
        );
        assert_eq!(may(Role::BackupServer), [Op::ReadPublicKeys, Op::OwnRecoveries]);
    }

    #[test]
    fn every_operation_is_somebodys() {
        for operation in Operation::ALL {
            assert!(
                Role::ALL.into_iter().any(|role| role.may(operation)),
                "{operation:?}"
            );
        }
    }

    #[test]
    fn a_set_of_roles_may_what_one_of_them_may() {
        let roles: Roles = [Role::Auditor, Role::RecoveryOfficer].into_iter().collect();
        assert!(roles.may(Operation::ReadAudit) && roles.may(Operation::DecideRecoveries));
        assert!(!roles.may(Operation::ExportKeysets));
        assert_eq!(roles.to_string(), "recovery-officer,auditor");
        assert!(Roles::default().is_empty() && !Roles::default().may(Operation::OwnAccount));
        assert_eq!("auditor".parse(), Ok(Role::Auditor));
        assert!("Admin".parse::<Role>().is_err());
    }
}
