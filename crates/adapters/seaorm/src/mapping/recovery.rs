use keystead_application::ports::StoreError;
use keystead_domain::{Approval, Origins, Permission, PersonName, Reason, Recovery, RecoveryState, Validity};

use super::{Row, by_parent};
use crate::entities::{recoveries, recovery_approvals};

const WAITING: &str = "waiting";
const DENIED: &str = "denied";
const ANSWERED: &str = "answered";

pub(crate) fn recovery_to_model(recovery: &Recovery) -> recoveries::Model {
    let Recovery {
        id,
        version,
        server,
        identity,
        digest,
        asked_by,
        reason,
        validity,
        response_key,
        files,
        received_at,
        // A table of their own.
        approvals: _,
        state,
    } = recovery;
    let Validity {
        created_at,
        expires_at,
    } = validity;
    let row = recoveries::Model {
        id: id.to_string(),
        version: i64::from(version.0),
        server_id: server.to_string(),
        identity: identity.to_string(),
        digest: digest.to_string(),
        asked_by: asked_by.as_str().into(),
        reason: reason.as_ref().map(|reason| reason.as_str().into()),
        created_at: created_at.as_micros(),
        expires_at: expires_at.as_micros(),
        response_key: response_key.as_str().into(),
        files: i64::from(*files),
        received_at: received_at.as_micros(),
        state: WAITING.into(),
        denied_at: None,
        denied_by: None,
        denied_reason: None,
        answered_at: None,
        answered_until: None,
        answered_files: None,
    };
    match state {
        RecoveryState::Waiting => row,
        RecoveryState::Denied { at, by, reason } => recoveries::Model {
            state: DENIED.into(),
            denied_at: Some(at.as_micros()),
            denied_by: Some(by.as_str().into()),
            denied_reason: Some(reason.as_str().into()),
            ..row
        },
        RecoveryState::Answered { at, until, opened } => recoveries::Model {
            state: ANSWERED.into(),
            answered_at: Some(at.as_micros()),
            answered_until: Some(until.as_micros()),
            answered_files: Some(i64::from(*opened)),
            ..row
        },
    }
}

pub(crate) fn approvals_to_models(recovery: &Recovery) -> Vec<recovery_approvals::Model> {
    let recovery_id = recovery.id.to_string();
    (1..)
        .zip(&recovery.approvals)
        .map(|(position, approval)| approval_to_model(recovery_id.clone(), position, approval))
        .collect()
}

fn approval_to_model(recovery_id: String, position: i32, approval: &Approval) -> recovery_approvals::Model {
    let Approval {
        officer,
        name,
        permission,
        signature,
        given_at,
    } = approval;
    let Permission {
        origins,
        retired_identity,
    } = permission;
    recovery_approvals::Model {
        recovery_id,
        position,
        officer_id: officer.to_string(),
        name: name.as_str().into(),
        origins: origins.as_str().into(),
        retired_identity: i16::from(*retired_identity),
        signature: signature.clone(),
        given_at: given_at.as_micros(),
    }
}

/// Puts requests together with their approvals.
pub(crate) fn recoveries_from_models(
    rows: Vec<recoveries::Model>,
    approvals: Vec<recovery_approvals::Model>,
) -> Result<Vec<Recovery>, StoreError> {
    let mut of_recovery = by_parent(approvals, |approval| (&approval.recovery_id, approval.position));
    rows.into_iter()
        .map(|row| {
            let approvals = of_recovery.remove(&row.id).unwrap_or_default();
            recovery_from_models(row, approvals)
        })
        .collect()
}

fn recovery_from_models(
    model: recoveries::Model,
    approvals: Vec<recovery_approvals::Model>,
) -> Result<Recovery, StoreError> {
    let row = Row(format!("recovery request {}", model.id));
    row.complete("approvals", approvals.iter().map(|approval| approval.position))?;
    let recoveries::Model {
        id,
        version,
        server_id,
        identity,
        digest,
        asked_by,
        reason,
        created_at,
        expires_at,
        response_key,
        files,
        received_at,
        state,
        denied_at,
        denied_by,
        denied_reason,
        answered_at,
        answered_until,
        answered_files,
    } = model;
    let denied = (denied_at, denied_by, denied_reason);
    let answered = (answered_at, answered_until, answered_files);
    let state = match (state.as_str(), denied, answered) {
        (WAITING, (None, None, None), (None, None, None)) => RecoveryState::Waiting,
        (DENIED, (Some(at), Some(by), Some(reason)), (None, None, None)) => RecoveryState::Denied {
            at: row.time("denied_at", at)?,
            by: row.parsed::<PersonName>("denied_by", &by)?,
            reason: row.parsed::<Reason>("denied_reason", &reason)?,
        },
        (ANSWERED, (None, None, None), (Some(at), Some(until), Some(opened))) => RecoveryState::Answered {
            at: row.time("answered_at", at)?,
            until: row.time("answered_until", until)?,
            opened: row.number("answered_files", opened)?,
        },
        _ => return Err(row.corrupt("state", "it is none, or its columns are not those of this state")),
    };
    Ok(Recovery {
        id: row.parsed("id", &id)?,
        version: row.version(version)?,
        server: row.parsed("server_id", &server_id)?,
        identity: row.parsed("identity", &identity)?,
        digest: row.parsed("digest", &digest)?,
        asked_by: row.parsed("asked_by", &asked_by)?,
        reason: row.optional("reason", reason.as_deref())?,
        validity: Validity {
            created_at: row.time("created_at", created_at)?,
            expires_at: row.time("expires_at", expires_at)?,
        },
        response_key: row.parsed("response_key", &response_key)?,
        files: row.number("files", files)?,
        received_at: row.time("received_at", received_at)?,
        approvals: approvals
            .into_iter()
            .map(approval_from_model)
            .collect::<Result<_, _>>()?,
        state,
    })
}

fn approval_from_model(row: recovery_approvals::Model) -> Result<Approval, StoreError> {
    let recovery_approvals::Model {
        recovery_id,
        position,
        officer_id,
        name,
        origins,
        retired_identity,
        signature,
        given_at,
    } = row;
    let row = Row(format!("approval {position} of recovery request {recovery_id}"));
    let origins = Origins::from_word(&origins)
        .ok_or_else(|| row.corrupt("origins", "it is none that this program knows"))?;
    let retired_identity = match retired_identity {
        0 => false,
        1 => true,
        _ => return Err(row.corrupt("retired_identity", "it is neither 0 nor 1")),
    };
    Ok(Approval {
        officer: row.parsed("officer_id", &officer_id)?,
        name: row.parsed("name", &name)?,
        permission: Permission {
            origins,
            retired_identity,
        },
        signature,
        given_at: row.time("given_at", given_at)?,
    })
}
