//! Officers and the policy.

use keystead_domain::{Officer, RecoveryPolicy};
use serde::{Deserialize, Serialize};

use crate::servers::removal;

/// The people who may approve recovery requests, and those who might.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfficersJson {
    /// The officers.
    pub officers: Vec<OfficerJson>,
}

/// A person who may approve recovery requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfficerJson {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// The person's name.
    pub name: String,
    /// What the person is called elsewhere.
    pub also: Vec<String>,
    /// The public SSH key, as a line.
    pub key: String,
    /// Its fingerprint, as OpenSSH shows it.
    pub key_fingerprint: String,
    /// When the person was added.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub added_at: String,
    /// When the person was taken off.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub removed_at: Option<String>,
    /// Why.
    pub removed_because: Option<String>,
}

impl OfficersJson {
    /// A list.
    #[must_use]
    pub fn new(officers: &[Officer]) -> Self {
        Self {
            officers: officers.iter().map(OfficerJson::new).collect(),
        }
    }
}

impl OfficerJson {
    /// An officer.
    #[must_use]
    pub fn new(officer: &Officer) -> Self {
        let (removed_at, removed_because) = removal(officer.removed.as_ref());
        Self {
            id: officer.id.to_string(),
            name: officer.name.to_string(),
            also: officer.also.iter().map(ToString::to_string).collect(),
            key: officer.key.to_string(),
            key_fingerprint: officer.key.fingerprint(),
            added_at: officer.added_at.to_string(),
            removed_at,
            removed_because,
        }
    }
}

/// The rules for recoveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyJson {
    /// How many distinct officers have to approve a request.
    pub approvals: u32,
    /// How long a response can be used, in hours.
    pub response_hours: u64,
    /// How many requests of one backup server are taken within 24 hours.
    pub requests_per_day: u32,
}

impl PolicyJson {
    /// The rules.
    #[must_use]
    pub fn new(policy: &RecoveryPolicy) -> Self {
        Self {
            approvals: policy.approvals(),
            response_hours: policy.response_lifetime().as_secs() / 3600,
            requests_per_day: policy.requests_per_day(),
        }
    }
}
