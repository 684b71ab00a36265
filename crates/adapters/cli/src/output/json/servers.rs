//! Backup servers, officers and the policy.

use keystead_application::use_cases::{EnrolledServer, MadeEnrolment, OwnState, TrustedManager};
use keystead_domain::{BackupServer, Fingerprint, Officer, RecoveryPolicy, Removal, ServerIdentity};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct ServersJson {
    servers: Vec<ServerJson>,
}

#[derive(Serialize)]
pub(crate) struct ServerJson {
    id: String,
    name: String,
    enrolled_at: String,
    removed_at: Option<String>,
    removed_because: Option<String>,
    /// In the order of their enrolment.
    identities: Vec<IdentityJson>,
}

#[derive(Serialize)]
struct IdentityJson {
    fingerprint: String,
    state: &'static str,
    enrolled_at: String,
    retired_at: Option<String>,
}

impl ServersJson {
    pub(crate) fn new(servers: &[BackupServer]) -> Self {
        Self {
            servers: servers.iter().map(ServerJson::new).collect(),
        }
    }
}

impl ServerJson {
    pub(crate) fn new(server: &BackupServer) -> Self {
        let (removed_at, removed_because) = removal(server.removed.as_ref());
        let identity = |identity: &ServerIdentity| IdentityJson {
            fingerprint: identity.fingerprint().to_string(),
            state: if identity.is_retired() {
                "retired"
            } else {
                "current"
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

fn removal(removal: Option<&Removal>) -> (Option<String>, Option<String>) {
    (
        removal.map(|removal| removal.at.to_string()),
        removal.and_then(|removal| removal.reason.as_ref().map(ToString::to_string)),
    )
}

/// The text that enrols a backup server.
#[derive(Serialize)]
pub(crate) struct EnrolmentJson<'a> {
    fingerprint: String,
    new_identity: bool,
    /// Where the text was written.
    place: Option<&'a str>,
    /// The text itself, when it was written nowhere.
    text: Option<&'a str>,
}

impl<'a> EnrolmentJson<'a> {
    pub(crate) fn new(made: &MadeEnrolment, place: Option<&'a str>, text: Option<&'a str>) -> Self {
        Self {
            fingerprint: made.fingerprint.to_string(),
            new_identity: made.is_new,
            place,
            text,
        }
    }
}

/// A backup server that was enrolled, and the confirmation for it.
#[derive(Serialize)]
pub(crate) struct EnrolledJson<'a> {
    server: ServerJson,
    was_enrolled: bool,
    manager: String,
    recipient: Option<String>,
    place: Option<&'a str>,
    text: Option<&'a str>,
}

impl<'a> EnrolledJson<'a> {
    pub(crate) fn new(
        enrolled: &EnrolledServer,
        manager: &Fingerprint,
        place: Option<&'a str>,
        text: Option<&'a str>,
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

/// The manager that a backup server trusts.
#[derive(Serialize)]
pub(crate) struct ConfirmedJson {
    server_id: String,
    server_name: String,
    identity: String,
    manager: String,
    installation: String,
    trusted_at: String,
}

impl ConfirmedJson {
    pub(crate) fn new(manager: &TrustedManager) -> Self {
        Self {
            server_id: manager.server.to_string(),
            server_name: manager.name.to_string(),
            identity: manager.identity.to_string(),
            manager: manager.fingerprint().to_string(),
            installation: manager.installation.to_string(),
            trusted_at: manager.trusted_at.to_string(),
        }
    }
}

/// A backup server as it sees itself.
#[derive(Serialize)]
pub(crate) struct OwnStateJson {
    identity: Option<String>,
    trusts: Option<ConfirmedJson>,
    recipients: Vec<String>,
    /// The fingerprint of the manager that is on this machine.
    manager_here: Option<String>,
}

impl OwnStateJson {
    pub(crate) fn new(state: &OwnState, manager_here: Option<&Fingerprint>) -> Self {
        let OwnState {
            identity,
            manager,
            recipients,
        } = state;
        Self {
            identity: identity.map(|fingerprint| fingerprint.to_string()),
            trusts: manager.as_ref().map(ConfirmedJson::new),
            recipients: recipients.iter().map(ToString::to_string).collect(),
            manager_here: manager_here.map(ToString::to_string),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct OfficersJson {
    officers: Vec<OfficerJson>,
}

#[derive(Serialize)]
pub(crate) struct OfficerJson {
    id: String,
    name: String,
    also: Vec<String>,
    key: String,
    key_fingerprint: String,
    added_at: String,
    removed_at: Option<String>,
    removed_because: Option<String>,
}

impl OfficersJson {
    pub(crate) fn new(officers: &[Officer]) -> Self {
        Self {
            officers: officers.iter().map(OfficerJson::new).collect(),
        }
    }
}

impl OfficerJson {
    pub(crate) fn new(officer: &Officer) -> Self {
        let (removed_at, removed_because) = removal(officer.removed.as_ref());
        Self {
            id: officer.id.to_string(),
            name: officer.name.to_string(),
            also: officer.also.iter().map(ToString::to_string).collect(),
            key: officer.key.to_string(),
            key_fingerprint: officer.key.fingerprint(),
            added_at: officer.added_at.to_string(),
            removed_at,
            removed_because,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct PolicyJson {
    approvals: u32,
    response_hours: u64,
    requests_per_day: u32,
}

impl PolicyJson {
    pub(crate) fn new(policy: &RecoveryPolicy) -> Self {
        Self {
            approvals: policy.approvals(),
            response_hours: policy.response_lifetime().as_secs() / 3600,
            requests_per_day: policy.requests_per_day(),
        }
    }
}
