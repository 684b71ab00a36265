use std::time::Duration;

use keystead_application::ports::StoreError;
use keystead_domain::{Officer, PersonName, RecoveryPolicy, SshPublicKey};

use super::Row;
use super::server::{removal_from_columns, removal_to_columns};
use crate::entities::{THE_ROW, officers, recovery_policy};

/// No name holds one.
const BETWEEN_NAMES: char = '\n';

pub(crate) fn officer_to_model(officer: &Officer) -> officers::Model {
    let Officer {
        id,
        version,
        name,
        also,
        key,
        added_at,
        removed,
    } = officer;
    let (removed_at, removed_reason) = removal_to_columns(removed.as_ref());
    let other_names: Vec<&str> = also.iter().map(PersonName::as_str).collect();
    officers::Model {
        id: id.to_string(),
        version: i64::from(version.0),
        name: name.as_str().into(),
        other_names: other_names.join(&BETWEEN_NAMES.to_string()),
        key_kind: key.kind().into(),
        key_wire: key.wire().into(),
        added_at: added_at.as_micros(),
        removed_at,
        removed_reason,
    }
}

pub(crate) fn officer_from_model(row: officers::Model) -> Result<Officer, StoreError> {
    let officers::Model {
        id,
        version,
        name,
        other_names,
        key_kind,
        key_wire,
        added_at,
        removed_at,
        removed_reason,
    } = row;
    let row = Row(format!("officer {id}"));
    let also = match other_names.is_empty() {
        true => Vec::new(),
        false => other_names
            .split(BETWEEN_NAMES)
            .map(|name| row.parsed("other_names", name))
            .collect::<Result<_, _>>()?,
    };
    Ok(Officer {
        id: row.parsed("id", &id)?,
        version: row.version(version)?,
        name: row.parsed("name", &name)?,
        also,
        key: SshPublicKey::new(key_kind, key_wire),
        added_at: row.time("added_at", added_at)?,
        removed: removal_from_columns(&row, removed_at, removed_reason)?,
    })
}

pub(crate) fn policy_to_model(policy: &RecoveryPolicy) -> recovery_policy::Model {
    recovery_policy::Model {
        id: THE_ROW,
        approvals: i64::from(policy.approvals()),
        // The domain keeps it within months.
        response_lifetime_seconds: i64::try_from(policy.response_lifetime().as_secs()).unwrap_or(i64::MAX),
        requests_per_day: i64::from(policy.requests_per_day()),
    }
}

pub(crate) fn policy_from_model(row: recovery_policy::Model) -> Result<RecoveryPolicy, StoreError> {
    let recovery_policy::Model {
        id: _,
        approvals,
        response_lifetime_seconds,
        requests_per_day,
    } = row;
    let row = Row("recovery policy".into());
    let lifetime =
        u64::try_from(response_lifetime_seconds).map_err(|e| row.corrupt("response_lifetime_seconds", e))?;
    RecoveryPolicy::new(
        row.number("approvals", approvals)?,
        Duration::from_secs(lifetime),
        row.number("requests_per_day", requests_per_day)?,
    )
    .map_err(|e| row.corrupt("its values", e))
}
