use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::Timestamp;

/// The place of an event in the audit trail, from 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// Which one.
    pub id: String,
}

/// The kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A user of the operating system, at the command line.
    OsUser,
    /// The manager itself.
    Manager,
    /// A person who signed in over the network.
    User,
    /// A program with a token.
    Token,
    /// An enrolled backup server.
    BackupServer,
    /// Somebody over the network who is not known, such as who tries to sign in.
    Network,
}

/// An actor that cannot be named so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no kind of actor")]
pub struct InvalidActor(String);

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::OsUser,
        Self::Manager,
        Self::User,
        Self::Token,
        Self::BackupServer,
        Self::Network,
    ];

    /// The word in the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OsUser => "os-user",
            Self::Manager => "manager",
            Self::User => "user",
            Self::Token => "token",
            Self::BackupServer => "backup-server",
            Self::Network => "network",
        }
    }
}

impl FromStr for ActorKind {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        let same = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        same.ok_or_else(|| InvalidActor(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// What was done or tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The installation was made.
    InstallationCreate,
    /// A keyset was generated.
    KeysetCreate,
    /// A keyset was activated.
    KeysetActivate,
    /// A keyset got another hint.
    KeysetEdit,
    /// A keyset was deleted.
    KeysetDelete,
    /// A keyset was exported.
    KeysetExport,
    /// A keyset was imported.
    KeysetImport,
    /// A backup was to be sealed; only refusals are recorded, because sealing changes nothing.
    BackupSeal,
    /// A backup was opened with a private key.
    BackupOpen,
    /// The audit trail was signed.
    AuditCheckpoint,
    /// Everything is being sealed, or was sealed, under another master key.
    MasterKeyRotate,
    /// A backup server was enrolled.
    ServerEnroll,
    /// A backup server got another identity.
    ServerReEnroll,
    /// A backup server was removed.
    ServerRemove,
    /// An officer was added.
    OfficerAdd,
    /// An officer was taken off.
    OfficerRemove,
    /// The rules for recoveries were changed.
    PolicySet,
    /// A recovery request was received.
    RecoveryReceive,
    /// A recovery request was approved by an officer.
    RecoveryApprove,
    /// A recovery request was denied.
    RecoveryDeny,
    /// A recovery request was answered.
    RecoveryRespond,
    /// A person was added who may sign in.
    UserAdd,
    /// A user got other roles.
    UserEdit,
    /// A user got another password.
    UserPassword,
    /// A user was removed.
    UserRemove,
    /// Wrong passwords of a user were forgotten.
    UserUnlock,
    /// Somebody signed in, or tried to.
    SessionBegin,
    /// Somebody signed out.
    SessionEnd,
    /// A token was made.
    TokenCreate,
    /// A token was revoked.
    TokenRevoke,
    /// A one-time code was made.
    CodeCreate,
    /// A one-time code was used, or tried.
    CodeUse,
    /// A request over the network was refused, because who made it may not do that.
    RequestRefuse,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 33] = [
        Self::InstallationCreate,
        Self::KeysetCreate,
        Self::KeysetActivate,
        Self::KeysetEdit,
        Self::KeysetDelete,
        Self::KeysetExport,
        Self::KeysetImport,
        Self::BackupSeal,
        Self::BackupOpen,
        Self::AuditCheckpoint,
        Self::MasterKeyRotate,
        Self::ServerEnroll,
        Self::ServerReEnroll,
        Self::ServerRemove,
        Self::OfficerAdd,
        Self::OfficerRemove,
        Self::PolicySet,
        Self::RecoveryReceive,
        Self::RecoveryApprove,
        Self::RecoveryDeny,
        Self::RecoveryRespond,
        Self::UserAdd,
        Self::UserEdit,
        Self::UserPassword,
        Self::UserRemove,
        Self::UserUnlock,
        Self::SessionBegin,
        Self::SessionEnd,
        Self::TokenCreate,
        Self::TokenRevoke,
        Self::CodeCreate,
        Self::CodeUse,
        Self::RequestRefuse,
    ];

    /// The word in the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InstallationCreate => "installation.create",
            Self::KeysetCreate => "keyset.create",
            Self::KeysetActivate => "keyset.activate",
            Self::KeysetEdit => "keyset.edit",
            Self::KeysetDelete => "keyset.delete",
            Self::KeysetExport => "keyset.export",
            Self::KeysetImport => "keyset.import",
            Self::BackupSeal => "backup.seal",
            Self::BackupOpen => "backup.open",
            Self::AuditCheckpoint => "audit.checkpoint",
            Self::MasterKeyRotate => "master-key.rotate",
            Self::ServerEnroll => "server.enroll",
            Self::ServerReEnroll => "server.re-enroll",
            Self::ServerRemove => "server.remove",
            Self::OfficerAdd => "officer.add",
            Self::OfficerRemove => "officer.remove",
            Self::PolicySet => "policy.set",
            Self::RecoveryReceive => "recovery.receive",
            Self::RecoveryApprove => "recovery.approve",
            Self::RecoveryDeny => "recovery.deny",
            Self::RecoveryRespond => "recovery.respond",
            Self::UserAdd => "user.add",
            Self::UserEdit => "user.edit",
            Self::UserPassword => "user.password",
            Self::UserRemove => "user.remove",
            Self::UserUnlock => "user.unlock",
            Self::SessionBegin => "session.begin",
            Self::SessionEnd => "session.end",
            Self::TokenCreate => "token.create",
            Self::TokenRevoke => "token.revoke",
            Self::CodeCreate => "code.create",
            Self::CodeUse => "code.use",
            Self::RequestRefuse => "request.refuse",
        }
    }

    /// The action of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A private key is about to be used; another event will say how it went.
    Begun,
    /// Done.
    Done,
    /// A rule forbade it.
    Refused,
    /// It was allowed and did not work.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Begun, Self::Done, Self::Refused, Self::Failed];

    /// The word in the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The outcome of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// One event of the audit trail, before it has its place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what: a keyset's id, a file's id.
    pub subject: Option<String>,
    /// How it went.
    pub outcome: Outcome,
    /// More about it, as names and values. Never a secret.
    pub details: BTreeMap<String, String>,
}

impl AuditEvent {
    /// An event without details.
    #[must_use]
    pub fn new(at: Timestamp, actor: Actor, action: Action, outcome: Outcome) -> Self {
        Self {
            at,
            actor,
            action,
            subject: None,
            outcome,
            details: BTreeMap::new(),
        }
    }

    /// Names what it was done to.
    #[must_use]
    pub fn on(mut self, subject: impl fmt::Display) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}
