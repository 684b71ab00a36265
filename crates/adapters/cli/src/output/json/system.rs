use keystead_application::audit::checkpoint_key;
use keystead_application::ports::{KeyCount, SchemaStatus};
use keystead_application::use_cases::{MasterKeyState, Rotated};
use keystead_domain::{Fingerprint, Installation};
use serde::Serialize;

use crate::{Failure, Setting};

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
