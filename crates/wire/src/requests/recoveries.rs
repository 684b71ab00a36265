use serde::{Deserialize, Serialize};

use crate::{OriginsJson, SecretText};

/// Enrols a backup server by the text that it made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EnrolServerRequest {
    /// The text.
    pub enrolment: String,
    /// Name of the server; what it calls itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// Refuse another fingerprint: the one that the server's people read aloud, or 16 or more of its first digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect_fingerprint: Option<String>,
    /// Id or name of a known server that was rebuilt, and gets another identity. The one before is kept as retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

/// Makes a one-time code that enrols one backup server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ServerCodeRequest {
    /// Name of the server; what it calls itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// Id or name of a known server that was rebuilt, and gets another identity with the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

/// Enrols the backup server that asks, with a one-time code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EnrolByCodeRequest {
    /// The code.
    pub code: SecretText,
    /// The text that the server made.
    pub enrolment: String,
}

/// Adds a person who may approve recovery requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddOfficerRequest {
    /// The person's name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: String,
    /// What the person is called elsewhere, such as a user name on backup servers; nobody approves an own request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The person's public SSH key, as a line.
    #[cfg_attr(feature = "openapi", schema(example = "ssh-ed25519 AAAA… ada@laptop"))]
    pub key: String,
}

/// Changes the rules for recoveries. Absent fields stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePolicyRequest {
    /// How many distinct officers have to approve a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10))]
    pub approvals: Option<u32>,
    /// How long a response can be used, in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub response_hours: Option<u32>,
    /// How many requests of one backup server are taken within 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub requests_per_day: Option<u32>,
}

/// Takes in a recovery request of a backup server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReceiveRequest {
    /// The text that the server made.
    pub text: String,
}

/// Approves a recovery request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// The officer's signature over the statement, as `ssh-keygen -Y sign -n keystead-recovery-approval` prints it.
    #[cfg_attr(feature = "openapi", schema(example = "-----BEGIN SSH SIGNATURE-----\n…"))]
    pub signature: String,
    /// Whose files may be opened, as the signed statement says; `own` when absent.
    #[serde(default)]
    pub origins: OriginsJson,
    /// Whether a request may be answered that an identity signed that was retired, as the signed statement says.
    #[serde(default)]
    pub retired_identity: bool,
}

/// Denies a recovery request, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DenyRequest {
    /// Why; kept in the audit trail.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub reason: String,
}

/// Answers an approved recovery request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RespondRequest {
    /// Answer what can be answered; for the rest the server makes a new request later.
    #[serde(default)]
    pub partial: bool,
}
