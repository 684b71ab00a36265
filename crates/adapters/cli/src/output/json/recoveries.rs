//! Recovery requests, on both sides.

use keystead_application::exchange::{UnopenedFile, WhyUnopened};
use keystead_application::use_cases::{
    Approved, ExaminedFile, ListedRecovery, ListedRequest, MadeRequest, NeededKeyset, Progressed, Prospect,
    Responded, ShownRecovery, TakenResponse,
};
use keystead_domain::{Approval, BackupServer, Origin, Recovery, RecoveryState, RequestId, State};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct RecoveriesJson {
    recoveries: Vec<RecoveryJson>,
}

/// A recovery request at the manager.
#[derive(Serialize)]
pub(crate) struct RecoveryJson {
    id: String,
    state: &'static str,
    server_id: String,
    server_name: String,
    identity: String,
    digest: String,
    asked_by: String,
    reason: Option<String>,
    created_at: String,
    expires_at: String,
    received_at: String,
    file_count: u32,
    approvals: Vec<ApprovalJson>,
    decided_at: Option<String>,
    denied_by: Option<String>,
    denied_because: Option<String>,
    opened: Option<u32>,
    /// Until when the response can be used.
    response_until: Option<String>,
    /// What is told only when one request is looked at closely.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    closely: Option<CloselyJson>,
}

#[derive(Serialize)]
struct ApprovalJson {
    officer: String,
    officer_id: String,
    given_at: String,
    origins: &'static str,
    retired_identity: bool,
}

#[derive(Serialize)]
struct CloselyJson {
    identity_retired_at: Option<String>,
    approvals_given: usize,
    approvals_needed: usize,
    keysets: Vec<NeededKeysetJson>,
    files: Vec<FileJson>,
}

#[derive(Serialize)]
struct NeededKeysetJson {
    fingerprint: Option<String>,
    here: bool,
    keyset_id: Option<String>,
    hint: Option<String>,
    state: Option<&'static str>,
    file_count: u32,
}

#[derive(Serialize)]
struct FileJson {
    name: Option<String>,
    origin: &'static str,
    sealed_by: Option<String>,
    /// Why it cannot be opened; absent when a keyset for it is here.
    unopened: Option<&'static str>,
}

impl RecoveriesJson {
    pub(crate) fn new(list: &[ListedRecovery]) -> Self {
        Self {
            recoveries: list
                .iter()
                .map(|listed| RecoveryJson::listed(&listed.recovery, &listed.server))
                .collect(),
        }
    }
}

impl RecoveryJson {
    pub(crate) fn listed(recovery: &Recovery, server: &BackupServer) -> Self {
        let (mut decided_at, mut denied_by, mut denied_because) = (None, None, None);
        let (mut opened, mut response_until) = (None, None);
        let state = match &recovery.state {
            RecoveryState::Waiting => "waiting",
            RecoveryState::Denied { at, by, reason } => {
                decided_at = Some(at.to_string());
                denied_by = Some(by.to_string());
                denied_because = Some(reason.to_string());
                "denied"
            }
            RecoveryState::Answered {
                at,
                opened: count,
                until,
            } => {
                decided_at = Some(at.to_string());
                opened = Some(*count);
                response_until = Some(until.to_string());
                "answered"
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
            closely: None,
        }
    }

    pub(crate) fn closely(shown: &ShownRecovery) -> Self {
        let closely = CloselyJson {
            identity_retired_at: shown.identity_retired_at.map(|at| at.to_string()),
            approvals_given: shown.standing.given,
            approvals_needed: shown.standing.needed,
            keysets: shown
                .examination
                .keysets
                .iter()
                .map(NeededKeysetJson::from)
                .collect(),
            files: shown.examination.files.iter().map(FileJson::from).collect(),
        };
        Self {
            closely: Some(closely),
            approvals: shown.counted.iter().map(ApprovalJson::from).collect(),
            ..Self::listed(&shown.recovery, &shown.server)
        }
    }
}

impl From<&Approval> for ApprovalJson {
    fn from(approval: &Approval) -> Self {
        Self {
            officer: approval.name.to_string(),
            officer_id: approval.officer.to_string(),
            given_at: approval.given_at.to_string(),
            origins: approval.permission.origins.as_str(),
            retired_identity: approval.permission.retired_identity,
        }
    }
}

impl From<&NeededKeyset> for NeededKeysetJson {
    fn from(needed: &NeededKeyset) -> Self {
        let here = needed.here.as_ref();
        Self {
            fingerprint: needed.fingerprint.map(|fingerprint| fingerprint.to_string()),
            here: here.is_some(),
            keyset_id: here.map(|keyset| keyset.id().to_string()),
            hint: here.map(|keyset| keyset.hint().to_string()),
            state: here.map(|keyset| match keyset.state() {
                State::Active { .. } => "active",
                State::NeverActivated | State::Superseded { .. } => "inactive",
            }),
            file_count: needed.files,
        }
    }
}

impl From<&ExaminedFile> for FileJson {
    fn from(file: &ExaminedFile) -> Self {
        let (origin, sealed_by) = match &file.origin {
            Origin::Own => ("own", None),
            Origin::Unnamed => ("unnamed", None),
            Origin::OtherServer(server) => ("other-server", Some(server.clone())),
        };
        Self {
            name: file.name.clone(),
            origin,
            sealed_by,
            unopened: match &file.prospect {
                Prospect::Opens { .. } => None,
                Prospect::Unopened(why) => Some(why.as_str()),
            },
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ApprovedJson {
    request: String,
    officer: String,
    approvals_given: usize,
    approvals_needed: usize,
}

impl ApprovedJson {
    pub(crate) fn new(approved: &Approved) -> Self {
        Self {
            request: approved.recovery.id.to_string(),
            officer: approved.officer.to_string(),
            approvals_given: approved.standing.given,
            approvals_needed: approved.standing.needed,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct RespondedJson<'a> {
    request: String,
    /// Whether this is the response that was given before.
    again: bool,
    opened: u32,
    unopened: Vec<UnopenedJson>,
    place: Option<&'a str>,
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct UnopenedJson {
    /// The place of the file in the request, from 0.
    file: u32,
    why: &'static str,
    keysets: Vec<String>,
    /// The server that sealed it, when that is why.
    sealed_by: Option<String>,
}

impl From<&UnopenedFile> for UnopenedJson {
    fn from(unopened: &UnopenedFile) -> Self {
        Self {
            file: unopened.file,
            why: unopened.why.as_str(),
            keysets: match &unopened.why {
                WhyUnopened::NoKeyset(named) => named.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            },
            sealed_by: match &unopened.why {
                WhyUnopened::OtherServer(server) => Some(server.clone()),
                _ => None,
            },
        }
    }
}

impl<'a> RespondedJson<'a> {
    pub(crate) fn new(responded: &Responded, place: Option<&'a str>, text: Option<&'a str>) -> Self {
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

/// A request that a backup server made.
#[derive(Serialize)]
pub(crate) struct RequestMadeJson<'a> {
    id: String,
    digest: String,
    expires_at: String,
    file_count: usize,
    keysets: Vec<String>,
    place: Option<&'a str>,
    text: Option<&'a str>,
}

impl<'a> RequestMadeJson<'a> {
    pub(crate) fn new(made: &MadeRequest, place: Option<&'a str>, text: Option<&'a str>) -> Self {
        Self {
            id: made.id.to_string(),
            digest: made.digest.to_string(),
            expires_at: made.expires_at.to_string(),
            file_count: made.files,
            keysets: made.keysets.keys().map(ToString::to_string).collect(),
            place,
            text,
        }
    }
}

/// The requests of a backup server.
#[derive(Serialize)]
pub(crate) struct OwnRequestsJson {
    requests: Vec<OwnRequestJson>,
}

#[derive(Serialize)]
struct OwnRequestJson {
    id: String,
    state: &'static str,
    digest: String,
    created_at: String,
    expires_at: String,
    files: Vec<Option<String>>,
}

impl OwnRequestsJson {
    pub(crate) fn new(list: &[ListedRequest]) -> Self {
        let request = |listed: &ListedRequest| OwnRequestJson {
            id: listed.request.id.to_string(),
            state: match listed.progressed {
                Progressed::Waiting => "waiting",
                Progressed::Keys => "keys",
                Progressed::Finished => "finished",
                Progressed::Over => "over",
            },
            digest: listed.request.digest.to_string(),
            created_at: listed.request.validity.created_at.to_string(),
            expires_at: listed.request.validity.expires_at.to_string(),
            files: listed
                .request
                .files
                .iter()
                .map(|file| file.place.clone())
                .collect(),
        };
        Self {
            requests: list.iter().map(request).collect(),
        }
    }
}

/// A response that was applied.
#[derive(Serialize)]
pub(crate) struct AppliedJson<'a> {
    request: String,
    /// Until when the keys can be used; absent when no response was read by this command.
    keys_until: Option<String>,
    unopened: Vec<UnopenedJson>,
    opened: Vec<RestoredJson<'a>>,
    opened_before: usize,
    failed: Vec<FailedJson<'a>>,
    /// Whether everything is open, and the keys are destroyed.
    finished: bool,
}

/// A file that was opened.
#[derive(Serialize)]
pub(crate) struct RestoredJson<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

#[derive(Serialize)]
pub(crate) struct FailedJson<'a> {
    pub(crate) file: &'a str,
    pub(crate) why: &'a str,
}

impl<'a> AppliedJson<'a> {
    pub(crate) fn new(
        request: RequestId,
        taken: Option<&TakenResponse>,
        opened: Vec<RestoredJson<'a>>,
        opened_before: usize,
        failed: Vec<FailedJson<'a>>,
        finished: bool,
    ) -> Self {
        Self {
            request: request.to_string(),
            keys_until: taken.map(|taken| taken.until.to_string()),
            unopened: taken.map_or_else(Vec::new, |taken| {
                taken.unopened.iter().map(UnopenedJson::from).collect()
            }),
            opened,
            opened_before,
            failed,
            finished,
        }
    }
}
