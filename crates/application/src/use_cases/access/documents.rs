//! The forms in which users, tokens, codes, sessions and failures are kept.

use keystead_domain::keyset::Version;
use keystead_domain::{Attempts, Code, CodePurpose, PasswordHash, Removal, Session, Timestamp, Token, User};
use serde::{Deserialize, Serialize};

use crate::ports::RecordKind;

/// A value that is kept as a record.
pub(super) trait Document: Sized {
    const KIND: RecordKind;
    fn key(&self) -> String;
    fn version(&self) -> Version;
    fn expires_at(&self) -> Option<Timestamp>;
    fn to_json(&self) -> serde_json::Result<String>;
    fn from_json(json: &str, version: Version) -> Option<Self>;
}

#[derive(Serialize, Deserialize)]
struct WireRemoval {
    at: String,
    reason: Option<String>,
}

impl WireRemoval {
    fn of(removal: Option<&Removal>) -> Option<Self> {
        removal.map(|removal| Self {
            at: removal.at.to_string(),
            reason: removal.reason.as_ref().map(ToString::to_string),
        })
    }

    fn read(wire: Option<Self>) -> Option<Option<Removal>> {
        let Some(wire) = wire else {
            return Some(None);
        };
        Some(Some(Removal {
            at: wire.at.parse().ok()?,
            reason: wire.reason.map(|reason| reason.parse()).transpose().ok()?,
        }))
    }
}

#[derive(Serialize, Deserialize)]
struct WireUser {
    id: String,
    name: String,
    roles: Vec<String>,
    password: String,
    password_set_at: String,
    created_at: String,
    removed: Option<WireRemoval>,
}

impl Document for User {
    const KIND: RecordKind = RecordKind::User;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn version(&self) -> Version {
        self.version
    }

    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&WireUser {
            id: self.id.to_string(),
            name: self.name.to_string(),
            roles: self.roles.iter().map(|role| role.to_string()).collect(),
            password: self.password.as_str().to_owned(),
            password_set_at: self.password_set_at.to_string(),
            created_at: self.created_at.to_string(),
            removed: WireRemoval::of(self.removed.as_ref()),
        })
    }

    fn from_json(json: &str, version: Version) -> Option<Self> {
        let wire: WireUser = serde_json::from_str(json).ok()?;
        let roles: Result<_, _> = wire.roles.iter().map(|role| role.parse()).collect();
        Some(Self {
            id: wire.id.parse().ok()?,
            version,
            name: wire.name.parse().ok()?,
            roles: roles.ok()?,
            password: PasswordHash::new(wire.password),
            password_set_at: wire.password_set_at.parse().ok()?,
            created_at: wire.created_at.parse().ok()?,
            removed: WireRemoval::read(wire.removed)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct WireToken {
    id: String,
    name: String,
    role: String,
    may_export: bool,
    digest: String,
    created_by: String,
    created_at: String,
    expires_at: String,
    revoked: Option<WireRemoval>,
}

impl Document for Token {
    const KIND: RecordKind = RecordKind::Token;

    fn key(&self) -> String {
        self.digest.to_string()
    }

    fn version(&self) -> Version {
        self.version
    }

    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&WireToken {
            id: self.id.to_string(),
            name: self.name.to_string(),
            role: self.role.to_string(),
            may_export: self.may_export,
            digest: self.digest.to_string(),
            created_by: self.created_by.clone(),
            created_at: self.created_at.to_string(),
            expires_at: self.expires_at.to_string(),
            revoked: WireRemoval::of(self.revoked.as_ref()),
        })
    }

    fn from_json(json: &str, version: Version) -> Option<Self> {
        let wire: WireToken = serde_json::from_str(json).ok()?;
        Some(Self {
            id: wire.id.parse().ok()?,
            version,
            name: wire.name.parse().ok()?,
            role: wire.role.parse().ok()?,
            may_export: wire.may_export,
            digest: wire.digest.parse().ok()?,
            created_by: wire.created_by,
            created_at: wire.created_at.parse().ok()?,
            expires_at: wire.expires_at.parse().ok()?,
            revoked: WireRemoval::read(wire.revoked)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct WireCode {
    digest: String,
    purpose: WirePurpose,
    created_by: String,
    created_at: String,
    expires_at: String,
    used_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WirePurpose {
    FirstAdmin,
    EnrolServer {
        name: Option<String>,
        again: Option<String>,
    },
}

impl Document for Code {
    const KIND: RecordKind = RecordKind::Code;

    fn key(&self) -> String {
        self.digest.to_string()
    }

    fn version(&self) -> Version {
        self.version
    }

    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    fn to_json(&self) -> serde_json::Result<String> {
        let purpose = match &self.purpose {
            CodePurpose::FirstAdmin => WirePurpose::FirstAdmin,
            CodePurpose::EnrolServer { name, again } => WirePurpose::EnrolServer {
                name: name.as_ref().map(ToString::to_string),
                again: again.map(|id| id.to_string()),
            },
        };
        serde_json::to_string(&WireCode {
            digest: self.digest.to_string(),
            purpose,
            created_by: self.created_by.clone(),
            created_at: self.created_at.to_string(),
            expires_at: self.expires_at.to_string(),
            used_at: self.used_at.map(|at| at.to_string()),
        })
    }

    fn from_json(json: &str, version: Version) -> Option<Self> {
        let wire: WireCode = serde_json::from_str(json).ok()?;
        let purpose = match wire.purpose {
            WirePurpose::FirstAdmin => CodePurpose::FirstAdmin,
            WirePurpose::EnrolServer { name, again } => CodePurpose::EnrolServer {
                name: name.map(|name| name.parse()).transpose().ok()?,
                again: again.map(|id| id.parse()).transpose().ok()?,
            },
        };
        Some(Self {
            digest: wire.digest.parse().ok()?,
            version,
            purpose,
            created_by: wire.created_by,
            created_at: wire.created_at.parse().ok()?,
            expires_at: wire.expires_at.parse().ok()?,
            used_at: wire.used_at.map(|at| at.parse()).transpose().ok()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct WireSession {
    digest: String,
    user: String,
    began_at: String,
    seen_at: String,
}

impl Document for Session {
    const KIND: RecordKind = RecordKind::Session;

    fn key(&self) -> String {
        self.digest.to_string()
    }

    fn version(&self) -> Version {
        self.version
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.ends_at())
    }

    fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&WireSession {
            digest: self.digest.to_string(),
            user: self.user.to_string(),
            began_at: self.began_at.to_string(),
            seen_at: self.seen_at.to_string(),
        })
    }

    fn from_json(json: &str, version: Version) -> Option<Self> {
        let wire: WireSession = serde_json::from_str(json).ok()?;
        Some(Self {
            digest: wire.digest.parse().ok()?,
            version,
            user: wire.user.parse().ok()?,
            began_at: wire.began_at.parse().ok()?,
            seen_at: wire.seen_at.parse().ok()?,
        })
    }
}

/// Failures to sign in, of one user from one kind of place.
pub(super) struct CountedAttempts {
    pub(super) key: String,
    pub(super) attempts: Attempts,
}

#[derive(Serialize, Deserialize)]
struct WireAttempts {
    of: String,
    failures: u32,
    last_at: String,
}

impl Document for CountedAttempts {
    const KIND: RecordKind = RecordKind::Attempts;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn version(&self) -> Version {
        self.attempts.version
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.attempts.forgotten_at())
    }

    fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&WireAttempts {
            of: self.key.clone(),
            failures: self.attempts.failures,
            last_at: self.attempts.last_at.to_string(),
        })
    }

    fn from_json(json: &str, version: Version) -> Option<Self> {
        let wire: WireAttempts = serde_json::from_str(json).ok()?;
        Some(Self {
            key: wire.of,
            attempts: Attempts {
                version,
                failures: wire.failures,
                last_at: wire.last_at.parse().ok()?,
            },
        })
    }
}
