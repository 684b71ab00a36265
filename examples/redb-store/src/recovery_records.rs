//! What is kept of recoveries, and how it becomes what it was.

use std::time::Duration;

use keystead_application::ports::{StoreError, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{
    Approval, BackupServer, IdentityKeys, Officer, Origins, Permission, Recovery, RecoveryPolicy,
    RecoveryState, Removal, ServerIdentity, Sha256Digest, SshPublicKey, Timestamp, Validity,
};
use serde::{Deserialize, Serialize};

use crate::records::time;
use crate::rows::corrupt;

/// Id, version, name, identities, time, removal.
#[derive(Serialize, Deserialize)]
pub(crate) struct ServerRecord(
    String,
    u32,
    String,
    Vec<IdentityRecord>,
    i64,
    Option<RemovalRecord>,
);

/// The signing key, the encryption key, and when the identity was enrolled and retired. Their order is that of enrolment,
/// whatever the clock said.
#[derive(Serialize, Deserialize)]
struct IdentityRecord([u8; 32], String, i64, Option<i64>);

/// When, and why.
#[derive(Serialize, Deserialize)]
struct RemovalRecord(i64, Option<String>);

impl From<&BackupServer> for ServerRecord {
    fn from(server: &BackupServer) -> Self {
        let identity = |identity: &ServerIdentity| {
            IdentityRecord(
                identity.keys.signing,
                identity.keys.encryption.to_string(),
                identity.enrolled_at.as_micros(),
                identity.retired_at.map(Timestamp::as_micros),
            )
        };
        Self(
            server.id.to_string(),
            server.version.0,
            server.name.to_string(),
            server.identities.iter().map(identity).collect(),
            server.enrolled_at.as_micros(),
            server.removed.as_ref().map(RemovalRecord::from),
        )
    }
}

impl ServerRecord {
    pub(crate) fn into_server(self) -> Result<BackupServer, StoreError> {
        let Self(id, version, name, identities, enrolled_at, removed) = self;
        let identity = |IdentityRecord(signing, encryption, enrolled_at, retired_at)| {
            let encryption = parsed(&encryption)?;
            Ok(ServerIdentity {
                keys: IdentityKeys { signing, encryption },
                enrolled_at: time(enrolled_at)?,
                retired_at: retired_at.map(time).transpose()?,
            })
        };
        Ok(BackupServer {
            id: parsed(&id)?,
            version: Version(version),
            name: parsed(&name)?,
            identities: identities
                .into_iter()
                .map(identity)
                .collect::<Result<_, StoreError>>()?,
            enrolled_at: time(enrolled_at)?,
            removed: removed.map(RemovalRecord::into_removal).transpose()?,
        })
    }
}

impl From<&Removal> for RemovalRecord {
    fn from(removal: &Removal) -> Self {
        Self(
            removal.at.as_micros(),
            removal.reason.as_ref().map(ToString::to_string),
        )
    }
}

impl RemovalRecord {
    fn into_removal(self) -> Result<Removal, StoreError> {
        let reason = self.1.as_deref().map(parsed).transpose()?;
        Ok(Removal {
            at: time(self.0)?,
            reason,
        })
    }
}

/// Id, version, name, other names, the key's kind and bytes, time, removal.
#[derive(Serialize, Deserialize)]
pub(crate) struct OfficerRecord(
    String,
    u32,
    String,
    Vec<String>,
    String,
    Vec<u8>,
    i64,
    Option<RemovalRecord>,
);

impl From<&Officer> for OfficerRecord {
    fn from(officer: &Officer) -> Self {
        Self(
            officer.id.to_string(),
            officer.version.0,
            officer.name.to_string(),
            officer.also.iter().map(ToString::to_string).collect(),
            officer.key.kind().to_owned(),
            officer.key.wire().to_vec(),
            officer.added_at.as_micros(),
            officer.removed.as_ref().map(RemovalRecord::from),
        )
    }
}

impl OfficerRecord {
    pub(crate) fn into_officer(self) -> Result<Officer, StoreError> {
        let Self(id, version, name, also, kind, wire, added_at, removed) = self;
        Ok(Officer {
            id: parsed(&id)?,
            version: Version(version),
            name: parsed(&name)?,
            also: also.iter().map(|name| parsed(name)).collect::<Result<_, _>>()?,
            key: SshPublicKey::new(kind, wire),
            added_at: time(added_at)?,
            removed: removed.map(RemovalRecord::into_removal).transpose()?,
        })
    }
}

/// Approvals, seconds that a response holds for, requests a day.
#[derive(Serialize, Deserialize)]
pub(crate) struct PolicyRecord(u32, u64, u32);

impl From<&RecoveryPolicy> for PolicyRecord {
    fn from(policy: &RecoveryPolicy) -> Self {
        let seconds = policy.response_lifetime().as_secs();
        Self(policy.approvals(), seconds, policy.requests_per_day())
    }
}

impl PolicyRecord {
    pub(crate) fn into_policy(self) -> Result<RecoveryPolicy, StoreError> {
        RecoveryPolicy::new(self.0, Duration::from_secs(self.1), self.2).map_err(corrupt)
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RecoveryRecord {
    id: String,
    version: u32,
    server: String,
    identity: String,
    digest: [u8; 32],
    asked_by: String,
    reason: Option<String>,
    created_at: i64,
    expires_at: i64,
    response_key: String,
    files: u32,
    received_at: i64,
    approvals: Vec<ApprovalRecord>,
    state: StateRecord,
}

/// The officer, the name at that time, the permission, the signature, and when it was given.
#[derive(Serialize, Deserialize)]
struct ApprovalRecord(String, String, (String, bool), Vec<u8>, i64);

#[derive(Serialize, Deserialize)]
enum StateRecord {
    Waiting,
    Denied { at: i64, by: String, reason: String },
    Answered { at: i64, until: i64, opened: u32 },
}

impl From<&Recovery> for RecoveryRecord {
    fn from(recovery: &Recovery) -> Self {
        Self {
            id: recovery.id.to_string(),
            version: recovery.version.0,
            server: recovery.server.to_string(),
            identity: recovery.identity.to_string(),
            digest: *recovery.digest.as_bytes(),
            asked_by: recovery.asked_by.to_string(),
            reason: recovery.reason.as_ref().map(ToString::to_string),
            created_at: recovery.validity.created_at.as_micros(),
            expires_at: recovery.validity.expires_at.as_micros(),
            response_key: recovery.response_key.to_string(),
            files: recovery.files,
            received_at: recovery.received_at.as_micros(),
            approvals: recovery.approvals.iter().map(ApprovalRecord::from).collect(),
            state: StateRecord::from(&recovery.state),
        }
    }
}

impl RecoveryRecord {
    pub(crate) fn into_recovery(self) -> Result<Recovery, StoreError> {
        let approvals = self.approvals.into_iter().map(ApprovalRecord::into_approval);
        Ok(Recovery {
            id: parsed(&self.id)?,
            version: Version(self.version),
            server: parsed(&self.server)?,
            identity: parsed(&self.identity)?,
            digest: Sha256Digest::from_bytes(self.digest),
            asked_by: parsed(&self.asked_by)?,
            reason: self.reason.as_deref().map(parsed).transpose()?,
            validity: Validity {
                created_at: time(self.created_at)?,
                expires_at: time(self.expires_at)?,
            },
            response_key: parsed(&self.response_key)?,
            files: self.files,
            received_at: time(self.received_at)?,
            approvals: approvals.collect::<Result<_, _>>()?,
            state: self.state.into_state()?,
        })
    }
}

impl From<&Approval> for ApprovalRecord {
    fn from(approval: &Approval) -> Self {
        let Permission {
            origins,
            retired_identity,
        } = approval.permission;
        Self(
            approval.officer.to_string(),
            approval.name.to_string(),
            (origins.as_str().to_owned(), retired_identity),
            approval.signature.clone(),
            approval.given_at.as_micros(),
        )
    }
}

impl ApprovalRecord {
    fn into_approval(self) -> Result<Approval, StoreError> {
        let Self(officer, name, (origins, retired_identity), signature, given_at) = self;
        let unknown = || {
            StoreError::new(
                StoreErrorKind::Corrupt,
                "read",
                "a permission is none that there is",
            )
        };
        let origins = Origins::from_word(&origins).ok_or_else(unknown)?;
        Ok(Approval {
            officer: parsed(&officer)?,
            name: parsed(&name)?,
            permission: Permission {
                origins,
                retired_identity,
            },
            signature,
            given_at: time(given_at)?,
        })
    }
}

impl From<&RecoveryState> for StateRecord {
    fn from(state: &RecoveryState) -> Self {
        match state {
            RecoveryState::Waiting => Self::Waiting,
            RecoveryState::Denied { at, by, reason } => Self::Denied {
                at: at.as_micros(),
                by: by.to_string(),
                reason: reason.to_string(),
            },
            RecoveryState::Answered { at, until, opened } => Self::Answered {
                at: at.as_micros(),
                until: until.as_micros(),
                opened: *opened,
            },
        }
    }
}

impl StateRecord {
    fn into_state(self) -> Result<RecoveryState, StoreError> {
        Ok(match self {
            Self::Waiting => RecoveryState::Waiting,
            Self::Denied { at, by, reason } => RecoveryState::Denied {
                at: time(at)?,
                by: parsed(&by)?,
                reason: parsed(&reason)?,
            },
            Self::Answered { at, until, opened } => RecoveryState::Answered {
                at: time(at)?,
                until: time(until)?,
                opened,
            },
        })
    }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, StoreError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(corrupt)
}
