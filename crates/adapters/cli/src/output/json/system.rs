use std::collections::BTreeMap;

use keystead_application::ports::{AuditRecord, SchemaStatus};
use keystead_domain::Installation;
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
