//! Backup servers.

use keystead_application::use_cases::EnrolledServer;
use keystead_domain::{BackupServer, Fingerprint, Removal, ServerIdentity};
use serde::{Deserialize, Serialize};

use crate::SecretText;

/// The backup servers that are enrolled, and those that were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServersJson {
    /// The servers.
    pub servers: Vec<ServerJson>,
}

/// A backup server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerJson {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When it was enrolled.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub enrolled_at: String,
    /// When it was taken off.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub removed_at: Option<String>,
    /// Why it was taken off.
    pub removed_because: Option<String>,
    /// In the order of their enrolment.
    pub identities: Vec<IdentityJson>,
}

/// An identity of a backup server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityJson {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Whether it is the one that the server has now.
    pub state: IdentityStateJson,
    /// When it was enrolled.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub enrolled_at: String,
    /// When another took its place.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub retired_at: Option<String>,
}

/// Whether an identity is the one that a server has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum IdentityStateJson {
    /// The server has it now.
    Current,
    /// The server had it before.
    Retired,
}

impl ServersJson {
    /// A list.
    #[must_use]
    pub fn new(servers: &[BackupServer]) -> Self {
        Self {
            servers: servers.iter().map(ServerJson::new).collect(),
        }
    }
}

impl ServerJson {
    /// A server.
    #[must_use]
    pub fn new(server: &BackupServer) -> Self {
        let (removed_at, removed_because) = removal(server.removed.as_ref());
        let identity = |identity: &ServerIdentity| IdentityJson {
            fingerprint: identity.fingerprint().to_string(),
            state: match identity.is_retired() {
                true => IdentityStateJson::Retired,
                false => IdentityStateJson::Current,
            },
            enrolled_at: identity.enrolled_at.to_string(),
            retired_at: identity.retired_at.map(|at| at.to_string()),
        };
        Self {
            id: server.id.to_string(),
            name: server.name.to_string(),
            enrolled_at: server.enrolled_at.to_string(),
            removed_at,
            removed_because,
            identities: server.identities.iter().map(identity).collect(),
        }
    }
}

/// When something was removed, and why.
pub(crate) fn removal(removal: Option<&Removal>) -> (Option<String>, Option<String>) {
    (
        removal.map(|removal| removal.at.to_string()),
        removal.and_then(|removal| removal.reason.as_ref().map(ToString::to_string)),
    )
}

/// A backup server that was enrolled, and the confirmation for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolledJson {
    /// The server.
    pub server: ServerJson,
    /// Whether it was enrolled with this identity before.
    pub was_enrolled: bool,
    /// The fingerprint of the manager's identity.
    pub manager: String,
    /// The fingerprint of the keyset that it seals to; `null` when no keyset is Active.
    pub recipient: Option<String>,
    /// Where the confirmation was written.
    pub place: Option<String>,
    /// The confirmation itself, when it was written nowhere.
    pub text: Option<String>,
}

impl EnrolledJson {
    /// What came of an enrolment.
    #[must_use]
    pub fn new(
        enrolled: &EnrolledServer,
        manager: &Fingerprint,
        place: Option<String>,
        text: Option<String>,
    ) -> Self {
        Self {
            server: ServerJson::new(&enrolled.server),
            was_enrolled: enrolled.was_enrolled,
            manager: manager.to_string(),
            recipient: enrolled.recipient.map(|fingerprint| fingerprint.to_string()),
            place,
            text,
        }
    }
}

/// A one-time code that enrols one backup server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerCodeJson {
    /// The code. It is not told again.
    pub code: SecretText,
    /// Until when it can be used.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
    /// The fingerprint of the manager's identity, which the server compares.
    pub manager: String,
}
