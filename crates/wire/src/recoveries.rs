//! Recovery requests, as the manager sees them.

use keystead_application::use_cases::{Approved, ListedRecovery, Responded, ShownRecovery};
use keystead_domain::{BackupServer, Recovery, RecoveryState};
use serde::{Deserialize, Serialize};

use crate::{ApprovalJson, FileJson, NeededKeysetJson, UnopenedJson};

/// A recovery request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryJson {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// What became of it.
    pub state: RecoveryStateJson,
    /// The id of the server that asks.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub server_id: String,
    /// What the manager calls that server.
    pub server_name: String,
    /// The fingerprint of the identity that signed the request.
    pub identity: String,
    /// SHA-256 of what was signed: what approvals are given for.
    pub digest: String,
    /// The person who asks, as the server says.
    pub asked_by: String,
    /// What for.
    pub reason: Option<String>,
    /// When the server made it.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// Until when it can be answered.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
    /// When it was taken in.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub received_at: String,
    /// How many files it is for.
    pub file_count: u32,
    /// The approvals that were given; of one request that is looked at closely, those that count.
    pub approvals: Vec<ApprovalJson>,
    /// When it was denied or answered.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub decided_at: Option<String>,
    /// Who denied it.
    pub denied_by: Option<String>,
    /// Why it was denied.
    pub denied_because: Option<String>,
    /// For how many files the response has keys.
    pub opened: Option<u32>,
    /// Until when the response can be used.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub response_until: Option<String>,
}

/// What became of a recovery request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecoveryStateJson {
    /// Nobody decided yet.
    Waiting,
    /// It was denied, for good.
    Denied,
    /// It was answered.
    Answered,
}

impl From<&RecoveryState> for RecoveryStateJson {
    fn from(state: &RecoveryState) -> Self {
        match state {
            RecoveryState::Waiting => Self::Waiting,
            RecoveryState::Denied { .. } => Self::Denied,
            RecoveryState::Answered { .. } => Self::Answered,
        }
    }
}

/// Recovery requests, the last received first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveriesJson {
    /// The requests.
    pub recoveries: Vec<ListedRecoveryJson>,
    /// What to give as `after` for the rest; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A recovery request in a list. The approvals' signatures are not verified for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedRecoveryJson {
    /// The request.
    #[serde(flatten)]
    pub recovery: RecoveryJson,
    /// How many distinct officers' approvals count.
    pub approvals_given: u32,
    /// How many are needed.
    pub approvals_needed: u32,
}

/// A recovery request, seen closely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShownRecoveryJson {
    /// The request.
    #[serde(flatten)]
    pub recovery: RecoveryJson,
    /// Since when the identity that signed it is retired; `null` when it is not.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub identity_retired_at: Option<String>,
    /// How many distinct officers' approvals count.
    pub approvals_given: u32,
    /// How many are needed.
    pub approvals_needed: u32,
    /// The keysets that it needs, those that are missing first.
    pub keysets: Vec<NeededKeysetJson>,
    /// Its files, in their order.
    pub files: Vec<FileJson>,
}

/// Far more than there are officers or files.
fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

impl RecoveriesJson {
    /// A whole list, or a page of one.
    #[must_use]
    pub fn new(list: &[ListedRecovery], next: Option<String>) -> Self {
        Self {
            recoveries: list.iter().map(ListedRecoveryJson::from).collect(),
            next,
        }
    }
}

impl From<&ListedRecovery> for ListedRecoveryJson {
    fn from(listed: &ListedRecovery) -> Self {
        Self {
            recovery: RecoveryJson::new(&listed.recovery, &listed.server),
            approvals_given: count(listed.standing.given),
            approvals_needed: count(listed.standing.needed),
        }
    }
}

impl From<&ShownRecovery> for ShownRecoveryJson {
    fn from(shown: &ShownRecovery) -> Self {
        let ShownRecovery {
            recovery,
            server,
            identity_retired_at,
            counted,
            standing,
            examination,
        } = shown;
        Self {
            recovery: RecoveryJson {
                approvals: counted.iter().map(ApprovalJson::from).collect(),
                ..RecoveryJson::new(recovery, server)
            },
            identity_retired_at: identity_retired_at.map(|at| at.to_string()),
            approvals_given: count(standing.given),
            approvals_needed: count(standing.needed),
            keysets: examination.keysets.iter().map(NeededKeysetJson::from).collect(),
            files: examination.files.iter().map(FileJson::from).collect(),
        }
    }
}

impl RecoveryJson {
    /// A request of a server.
    #[must_use]
    pub fn new(recovery: &Recovery, server: &BackupServer) -> Self {
        let (mut decided_at, mut denied_by, mut denied_because) = (None, None, None);
        let (mut opened, mut response_until) = (None, None);
        let state = match &recovery.state {
            RecoveryState::Waiting => RecoveryStateJson::Waiting,
            RecoveryState::Denied { at, by, reason } => {
                decided_at = Some(at.to_string());
                denied_by = Some(by.to_string());
                denied_because = Some(reason.to_string());
                RecoveryStateJson::Denied
            }
            RecoveryState::Answered {
                at,
                opened: count,
                until,
            } => {
                decided_at = Some(at.to_string());
                opened = Some(*count);
                response_until = Some(until.to_string());
                RecoveryStateJson::Answered
            }
        };
        Self {
            id: recovery.id.to_string(),
            state,
            server_id: server.id.to_string(),
            server_name: server.name.to_string(),
            identity: recovery.identity.to_string(),
            digest: recovery.digest.to_string(),
            asked_by: recovery.asked_by.to_string(),
            reason: recovery.reason.as_ref().map(ToString::to_string),
            created_at: recovery.validity.created_at.to_string(),
            expires_at: recovery.validity.expires_at.to_string(),
            received_at: recovery.received_at.to_string(),
            file_count: recovery.files,
            approvals: recovery.approvals.iter().map(ApprovalJson::from).collect(),
            decided_at,
            denied_by,
            denied_because,
            opened,
            response_until,
        }
    }
}

/// An approval that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovedJson {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub request: String,
    /// The name of the officer whose key signed.
    pub officer: String,
    /// How many distinct officers' approvals count now.
    pub approvals_given: u32,
    /// How many are needed.
    pub approvals_needed: u32,
}

impl From<&Approved> for ApprovedJson {
    fn from(approved: &Approved) -> Self {
        Self {
            request: approved.recovery.id.to_string(),
            officer: approved.officer.to_string(),
            approvals_given: count(approved.standing.given),
            approvals_needed: count(approved.standing.needed),
        }
    }
}

/// A recovery request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RespondedJson {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub request: String,
    /// Whether this is the response that was given before.
    pub again: bool,
    /// For how many files it has keys.
    pub opened: u32,
    /// The other files.
    pub unopened: Vec<UnopenedJson>,
    /// Where the response was written.
    pub place: Option<String>,
    /// The response itself, when it was written nowhere. Only the server that asked can read the keys in it.
    pub text: Option<String>,
}

impl RespondedJson {
    /// What came of an answer.
    #[must_use]
    pub fn new(responded: &Responded, place: Option<String>, text: Option<String>) -> Self {
        let opened = match responded.recovery.state {
            RecoveryState::Answered { opened, .. } => opened,
            RecoveryState::Waiting | RecoveryState::Denied { .. } => 0,
        };
        Self {
            request: responded.recovery.id.to_string(),
            again: responded.again,
            opened,
            unopened: responded.unopened.iter().map(UnopenedJson::from).collect(),
            place,
            text,
        }
    }
}

/// A recovery request, for the server that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnRecoveryJson {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// What became of it.
    pub state: RecoveryStateJson,
    /// How many distinct officers' approvals count.
    pub approvals_given: u32,
    /// How many are needed.
    pub approvals_needed: u32,
    /// The response, once there is one.
    pub response: Option<String>,
}
