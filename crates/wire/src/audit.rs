//! The audit trail.

use std::collections::BTreeMap;

use keystead_application::audit::{AuditFinding, AuditRecord, AuditVerification};
use keystead_application::use_cases::DamagedEvent;
use keystead_domain::{AuditHead, Sequence};
use serde::{Deserialize, Serialize};

/// A part of the audit trail, the oldest event first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditJson {
    /// The events.
    pub events: Vec<AuditEventJson>,
    /// Rows that hold no event.
    pub damaged: Vec<DamagedEventJson>,
    /// The sequence number to give as `after` for the rest; `null` when there is none.
    pub next_after: Option<u64>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEventJson {
    /// Its place in the trail, from 1.
    pub sequence: u64,
    /// When it happened.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub at: String,
    /// Who did it.
    pub actor: AuditActorJson,
    /// What was done or tried, such as `keyset.create`.
    pub action: String,
    /// What came of it: `begun`, `done`, `refused` or `failed`.
    pub outcome: String,
    /// What it was done to: an id.
    pub subject: Option<String>,
    /// More about it.
    pub details: BTreeMap<String, String>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditActorJson {
    /// What kind of actor: `os-user`, `manager`, `user`, `token`, `backup-server` or `network`.
    pub kind: String,
    /// Which one.
    pub id: String,
}

impl From<&AuditRecord> for AuditEventJson {
    fn from(record: &AuditRecord) -> Self {
        let event = &record.event;
        Self {
            sequence: record.sequence.0,
            at: event.at.to_string(),
            actor: AuditActorJson {
                kind: event.actor.kind.as_str().to_owned(),
                id: event.actor.id.clone(),
            },
            action: event.action.as_str().to_owned(),
            outcome: event.outcome.as_str().to_owned(),
            subject: event.subject.clone(),
            details: event.details.clone(),
        }
    }
}

/// A row of the audit trail that holds no event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DamagedEventJson {
    /// Its place in the trail.
    pub sequence: u64,
    /// What is wrong with it.
    pub what: String,
}

impl From<&DamagedEvent> for DamagedEventJson {
    fn from(damaged: &DamagedEvent) -> Self {
        Self {
            sequence: damaged.sequence.0,
            what: damaged.what.clone(),
        }
    }
}

/// What came of a verification of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditVerificationJson {
    /// Whether nothing was found.
    pub sound: bool,
    /// How many events were verified.
    pub events: u64,
    /// `null` when what is stored there is not one.
    pub chain: Option<String>,
    /// How many signed values the trail was compared with.
    pub signed_values_compared: u64,
    /// The last event that a signature covers.
    pub signed_up_to: Option<u64>,
    /// `null` when it could not be checked.
    pub identity_genuine: Option<bool>,
    /// What was found.
    pub findings: Vec<FindingJson>,
    /// Whether there is more than that.
    pub more_findings: bool,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingJson {
    /// What kind of finding.
    pub kind: FindingKind,
    /// The first event that it is about.
    pub from: Option<u64>,
    /// The last event that it is about.
    pub to: Option<u64>,
    /// The finding in words.
    pub text: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// An event is not as it was written, or cannot be read.
    Changed,
    /// Events are missing between others.
    Removed,
    /// Events do not stand where they were written.
    OutOfPlace,
    /// The last events are missing.
    TailCut,
    /// There are events behind the end that is recorded.
    BehindHead,
    /// The record of the end was changed.
    HeadChanged,
    /// Events were made anew.
    Rewritten,
    /// The trail ends before a record that was kept elsewhere.
    CutBeforeRecord,
    /// A checkpoint that an event tells of is missing.
    CheckpointMissing,
    /// The signature of a checkpoint is not right.
    CheckpointRefused,
}

impl AuditVerificationJson {
    /// What was found.
    #[must_use]
    pub fn new(verified: &AuditVerification, sound: bool, identity_genuine: Option<bool>) -> Self {
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
    fn from(finding: &AuditFinding) -> Self {
        let behind = |place: &Sequence| place.0.saturating_add(1);
        let (kind, from, to) = match finding {
            AuditFinding::Changed { at } | AuditFinding::Damaged { at, .. } => {
                (FindingKind::Changed, at.0, at.0)
            }
            AuditFinding::Removed { from, to } => (FindingKind::Removed, from.0, to.0),
            AuditFinding::OutOfPlace { from, to, .. } => (FindingKind::OutOfPlace, from.0, to.0),
            AuditFinding::TailCut { last, head } => (FindingKind::TailCut, behind(last), head.0),
            AuditFinding::BehindHead { from, to } => (FindingKind::BehindHead, from.0, to.0),
            AuditFinding::HeadChanged => (FindingKind::HeadChanged, 0, 0),
            AuditFinding::Rewritten { after, up_to, .. } => {
                (FindingKind::Rewritten, after.as_ref().map_or(1, behind), up_to.0)
            }
            AuditFinding::CutBeforeRecord {
                last, record_ends, ..
            } => (FindingKind::CutBeforeRecord, behind(last), record_ends.0),
            AuditFinding::CheckpointMissing { at } => (FindingKind::CheckpointMissing, at.0, at.0),
            AuditFinding::CheckpointRefused { at, .. } => (FindingKind::CheckpointRefused, at.0, at.0),
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

/// A checkpoint that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckpointJson {
    /// The last event that it covers.
    pub events: u64,
    /// The value of the chain there.
    pub chain: String,
    /// Where it was written; `null` when the text is in `note`.
    pub place: Option<String>,
    /// The key that verifies it, in the form of signed notes.
    pub verifier_key: String,
    /// The signed note itself, when it was written nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl CheckpointJson {
    /// A checkpoint of the trail up to a head.
    #[must_use]
    pub fn new(head: AuditHead, place: Option<String>, verifier_key: &str, note: Option<String>) -> Self {
        Self {
            events: head.sequence.0,
            chain: head.chain.to_string(),
            place,
            verifier_key: verifier_key.to_owned(),
            note,
        }
    }
}
