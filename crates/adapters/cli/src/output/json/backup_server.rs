//! A backup server as it sees itself.

use keystead_application::use_cases::{MadeEnrolment, OwnState, TrustedManager};
use keystead_domain::Fingerprint;
use serde::Serialize;

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
