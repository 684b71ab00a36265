//! The form in which jobs are kept.

use keystead_domain::keyset::Version;
use keystead_domain::{Actor, Job, JobFailure, JobState, JobWork, Timestamp};
use serde::{Deserialize, Serialize};

use super::documents::Document;
use crate::ports::RecordKind;

/// Jobs that are not over stand behind those that are, so that who looks for work need not look through old ones.
pub(super) const OPEN_JOBS: &str = "open/";
pub(super) const OVER_JOBS: &str = "done/";

#[derive(Serialize, Deserialize)]
struct WireJob {
    id: String,
    work: WireWork,
    by_kind: String,
    by: String,
    created_at: String,
    state: WireState,
    tries: u32,
    done: u64,
    total: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireWork {
    CreateKeyset { hint: String, bits: u16, activate: bool },
    AnswerRecovery { request: String, partial: bool },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireState {
    Queued,
    Running {
        runner: String,
        until: String,
    },
    Done {
        at: String,
    },
    Failed {
        at: String,
        code: String,
        what: String,
        why: String,
        fix: String,
        exit_status: u8,
    },
}

impl Document for Job {
    const KIND: RecordKind = RecordKind::Job;

    fn key(&self) -> String {
        match self.is_over() {
            true => format!("{OVER_JOBS}{}", self.id),
            false => format!("{OPEN_JOBS}{}", self.id),
        }
    }

    fn version(&self) -> Version {
        self.version
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.kept_until()
    }

    fn to_json(&self) -> serde_json::Result<String> {
        let work = match &self.work {
            JobWork::CreateKeyset { hint, bits, activate } => WireWork::CreateKeyset {
                hint: hint.to_string(),
                bits: bits.get(),
                activate: *activate,
            },
            JobWork::AnswerRecovery { request, partial } => WireWork::AnswerRecovery {
                request: request.to_string(),
                partial: *partial,
            },
        };
        let state = match self.state.clone() {
            JobState::Queued => WireState::Queued,
            JobState::Running { runner, until } => WireState::Running {
                runner,
                until: until.to_string(),
            },
            JobState::Done { at } => WireState::Done { at: at.to_string() },
            JobState::Failed { at, failure } => WireState::Failed {
                at: at.to_string(),
                code: failure.code,
                what: failure.what,
                why: failure.why,
                fix: failure.fix,
                exit_status: failure.exit_status,
            },
        };
        serde_json::to_string(&WireJob {
            id: self.id.to_string(),
            work,
            by_kind: self.by.kind.as_str().to_owned(),
            by: self.by.id.clone(),
            created_at: self.created_at.to_string(),
            state,
            tries: self.tries,
            done: self.done,
            total: self.total,
        })
    }

    fn from_json(json: &str, version: Version) -> Option<Self> {
        let wire: WireJob = serde_json::from_str(json).ok()?;
        let work = match wire.work {
            WireWork::CreateKeyset { hint, bits, activate } => JobWork::CreateKeyset {
                hint: hint.parse().ok()?,
                bits: u64::from(bits).try_into().ok()?,
                activate,
            },
            WireWork::AnswerRecovery { request, partial } => JobWork::AnswerRecovery {
                request: request.parse().ok()?,
                partial,
            },
        };
        let state = match wire.state {
            WireState::Queued => JobState::Queued,
            WireState::Running { runner, until } => JobState::Running {
                runner,
                until: until.parse().ok()?,
            },
            WireState::Done { at } => JobState::Done { at: at.parse().ok()? },
            WireState::Failed {
                at,
                code,
                what,
                why,
                fix,
                exit_status,
            } => JobState::Failed {
                at: at.parse().ok()?,
                failure: JobFailure {
                    code,
                    what,
                    why,
                    fix,
                    exit_status,
                },
            },
        };
        Some(Self {
            id: wire.id.parse().ok()?,
            version,
            work,
            by: Actor {
                kind: wire.by_kind.parse().ok()?,
                id: wire.by,
            },
            created_at: wire.created_at.parse().ok()?,
            state,
            tries: wire.tries,
            done: wire.done,
            total: wire.total,
        })
    }
}
