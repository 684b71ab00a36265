use std::collections::BTreeMap;

use keystead_application::audit::{AuditFinding, AuditRecord, AuditVerification, checkpoint_key};
use keystead_application::ports::{KeyCount, SchemaStatus};
use keystead_application::use_cases::{DamagedEvent, MasterKeyState, Rotated};
use keystead_domain::{AuditHead, Fingerprint, Installation, Sequence};
use serde::Serialize;

use crate::{Failure, Setting};

#[derive(Serialize)]
pub(crate) struct AuditJson {
    sequence: u64,
    at: String,
    actor: AuditActorJson,
    action: &'static str,
    outcome: &'static str,
    subject: Option<String>,
    details: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct AuditActorJson {
    kind: &'static str,
    id: String,
}

impl From<&AuditRecord> for AuditJson {
    fn from(record: &AuditRecord) -> Self {
        let event = &record.event;
        Self {
            sequence: record.sequence.0,
            at: event.at.to_string(),
            actor: AuditActorJson {
                kind: event.actor.kind.as_str(),
                id: event.actor.id.clone(),
            },
            action: event.action.as_str(),
            outcome: event.outcome.as_str(),
            subject: event.subject.clone(),
            details: event.details.clone(),
        }
    }
}

/// A row of the audit trail that holds no event.
#[derive(Serialize)]
pub(crate) struct DamagedEventJson {
    sequence: u64,
    what: String,
}

impl From<&DamagedEvent> for DamagedEventJson {
    fn from(damaged: &DamagedEvent) -> Self {
        Self {
            sequence: damaged.sequence.0,
            what: damaged.what.clone(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct DbStatusJson {
    engine: String,
    place: String,
    exists: bool,
    applied: Vec<String>,
    pending: Vec<String>,
    unknown: Vec<String>,
    installation_id: Option<String>,
    master_key_id: Option<String>,
    /// The fingerprint of the manager's identity, which backup servers compare.
    identity_fingerprint: Option<String>,
    /// The key that verifies checkpoints of the audit trail, in the form of signed notes.
    verifier_key: Option<String>,
}

impl DbStatusJson {
    pub(crate) fn new(status: &SchemaStatus, installation: Option<&Installation>) -> Self {
        let SchemaStatus {
            engine,
            place,
            exists,
            applied,
            pending,
            unknown,
        } = status.clone();
        Self {
            engine,
            place,
            exists,
            applied,
            pending,
            unknown,
            installation_id: installation.map(|i| i.id.to_string()),
            master_key_id: installation.map(|i| i.key_check.master_key_id.to_string()),
            identity_fingerprint: installation
                .map(|i| Fingerprint::of_ed25519(&i.identity.public_key).to_string()),
            verifier_key: installation
                .and_then(|i| checkpoint_key(i).ok())
                .map(|key| key.to_string()),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SettingJson {
    key: String,
    value: String,
    origin: String,
}

impl From<&Setting> for SettingJson {
    fn from(setting: &Setting) -> Self {
        let Setting { key, value, origin } = setting.clone();
        Self { key, value, origin }
    }
}

#[derive(Serialize)]
pub(crate) struct FailureJson {
    error: FailureBody,
}

#[derive(Serialize)]
struct FailureBody {
    what: String,
    why: String,
    fix: String,
    exit_status: u8,
}

impl FailureJson {
    pub(crate) fn new(failure: &Failure) -> Self {
        let Failure {
            what,
            why,
            fix,
            status,
        } = failure;
        let exit_status = *status as u8;
        Self {
            error: FailureBody {
                what: what.clone(),
                why: why.clone(),
                fix: fix.clone(),
                exit_status,
            },
        }
    }
}

/// What came of a verification of the audit trail.
#[derive(Serialize)]
pub(crate) struct AuditVerificationJson {
    sound: bool,
    events: u64,
    /// `null` when what is stored there is not one.
    chain: Option<String>,
    signed_values_compared: u64,
    signed_up_to: Option<u64>,
    /// `null` when it could not be checked.
    identity_genuine: Option<bool>,
    findings: Vec<FindingJson>,
    more_findings: bool,
}

#[derive(Serialize)]
struct FindingJson {
    kind: &'static str,
    from: Option<u64>,
    to: Option<u64>,
    text: String,
}

impl AuditVerificationJson {
    pub(crate) fn new(verified: &AuditVerification, sound: bool, identity_genuine: Option<bool>) -> Self {
        Self {
            sound,
            events: verified.events,
            chain: verified.chain.map(|chain| chain.to_string()),
            signed_values_compared: verified.signed_compared,
            signed_up_to: verified.signed_up_to.map(|place| place.0),
            identity_genuine,
            findings: verified.findings.iter().map(FindingJson::from).collect(),
            more_findings: verified.more,
        }
    }
}

impl From<&AuditFinding> for FindingJson {
    /// `from` and `to` are the first and the last event that the finding is about.
    fn from(finding: &AuditFinding) -> Self {
        let behind = |place: &Sequence| place.0.saturating_add(1);
        let (kind, from, to) = match finding {
            AuditFinding::Changed { at } | AuditFinding::Damaged { at, .. } => ("changed", at.0, at.0),
            AuditFinding::Removed { from, to } => ("removed", from.0, to.0),
            AuditFinding::OutOfPlace { from, to, .. } => ("out_of_place", from.0, to.0),
            AuditFinding::TailCut { last, head } => ("tail_cut", behind(last), head.0),
            AuditFinding::BehindHead { from, to } => ("behind_head", from.0, to.0),
            AuditFinding::HeadChanged => ("head_changed", 0, 0),
            AuditFinding::Rewritten { after, up_to, .. } => {
                ("rewritten", after.as_ref().map_or(1, behind), up_to.0)
            }
            AuditFinding::CutBeforeRecord {
                last, record_ends, ..
            } => ("cut_before_record", behind(last), record_ends.0),
            AuditFinding::CheckpointMissing { at } => ("checkpoint_missing", at.0, at.0),
            AuditFinding::CheckpointRefused { at, .. } => ("checkpoint_refused", at.0, at.0),
        };
        let place = |place: u64| (!matches!(finding, AuditFinding::HeadChanged)).then_some(place);
        Self {
            kind,
            from: place(from),
            to: place(to),
            text: finding.to_string(),
        }
    }
}

/// A checkpoint that was written.
#[derive(Serialize)]
pub(crate) struct CheckpointJson {
    events: u64,
    chain: String,
    place: String,
    /// The key that verifies it, in the form of signed notes.
    verifier_key: String,
}

impl CheckpointJson {
    pub(crate) fn new(head: AuditHead, place: &str, verifier_key: &str) -> Self {
        Self {
            events: head.sequence.0,
            chain: head.chain.to_string(),
            place: place.to_owned(),
            verifier_key: verifier_key.to_owned(),
        }
    }
}

/// An export of the audit trail that was written.
#[derive(Serialize)]
pub(crate) struct AuditExportJson {
    pub(crate) events: u64,
    pub(crate) place: String,
}

/// The state of the master key.
#[derive(Serialize)]
pub(crate) struct MasterKeyJson {
    master_key_id: String,
    provider: String,
    place: Option<String>,
    opens: bool,
    sealed: Vec<KeyCountJson>,
    staged: Vec<KeyCountJson>,
}

#[derive(Serialize)]
struct KeyCountJson {
    master_key_id: String,
    provider: String,
    private_keys: u64,
}

impl From<&KeyCount> for KeyCountJson {
    fn from(count: &KeyCount) -> Self {
        let KeyCount {
            master_key_id,
            provider,
            private_keys,
        } = count.clone();
        Self {
            master_key_id: master_key_id.to_string(),
            provider,
            private_keys,
        }
    }
}

impl From<&MasterKeyState> for MasterKeyJson {
    fn from(state: &MasterKeyState) -> Self {
        let check = &state.installation.key_check;
        Self {
            master_key_id: check.master_key_id.to_string(),
            provider: check.provider.clone(),
            place: state.place.clone(),
            opens: state.trouble.is_none(),
            sealed: state.census.sealed.iter().map(KeyCountJson::from).collect(),
            staged: state.census.staged.iter().map(KeyCountJson::from).collect(),
        }
    }
}

/// A rotation that was done.
#[derive(Serialize)]
pub(crate) struct RotatedJson {
    from: String,
    to: String,
    provider: &'static str,
    place: String,
    private_keys: u64,
    old_kept_at: Option<String>,
    to_do: Option<String>,
}

impl From<&Rotated> for RotatedJson {
    fn from(rotated: &Rotated) -> Self {
        let Rotated {
            from,
            to,
            provider,
            place,
            private_keys,
            old_kept_at,
            safekeeping: _,
            to_do,
        } = rotated.clone();
        Self {
            from: from.to_string(),
            to: to.to_string(),
            provider,
            place,
            private_keys,
            old_kept_at,
            to_do,
        }
    }
}
