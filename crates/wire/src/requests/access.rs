use serde::{Deserialize, Serialize};

use crate::SecretText;

/// Makes the first user, an admin, with the code that the manager printed when it was set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetUpRequest {
    /// The one-time code.
    pub code: SecretText,
    /// What the person will sign in as.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9._@-]+$")
    )]
    pub name: String,
    /// The person's password.
    #[cfg_attr(feature = "openapi", schema(min_length = 12, max_length = 1024))]
    pub password: SecretText,
}

/// Signs a person in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// What the person signs in as.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64, example = "ada"))]
    pub name: String,
    /// The person's password.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub password: SecretText,
}

/// Changes the password of who is signed in. Other sessions of that person end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The password until now.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub old_password: SecretText,
    /// The password from now on.
    #[cfg_attr(feature = "openapi", schema(min_length = 12, max_length = 1024))]
    pub new_password: SecretText,
}

/// Adds a person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddUserRequest {
    /// What the person signs in as: small letters, digits, dots, dashes, underscores and at signs. A name is not used again.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9._@-]+$")
    )]
    pub name: String,
    /// What the person may do: `admin`, `recovery-officer`, `auditor`.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, example = json!(["auditor"])))]
    pub roles: Vec<String>,
    /// The first password, which the person should change.
    #[cfg_attr(feature = "openapi", schema(min_length = 12, max_length = 1024))]
    pub password: SecretText,
}

/// Changes what a person may do, or sets another password. Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EditUserRequest {
    /// What the person may do from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub roles: Option<Vec<String>>,
    /// The password from now on. All sessions of the person end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 12, max_length = 1024))]
    pub password: Option<SecretText>,
}

/// Makes a token for a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateTokenRequest {
    /// What it is for.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 200, example = "nightly exports")
    )]
    pub name: String,
    /// What it may do: `admin`, `recovery-officer` or `auditor`.
    #[cfg_attr(feature = "openapi", schema(example = "auditor"))]
    pub role: String,
    /// Whether it may export private keys; only one of the role admin can be allowed to.
    #[serde(default)]
    pub may_export: bool,
    /// For how many days it holds; 90 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 366))]
    pub days: Option<u32>,
    /// The password of the person who makes it; needed for one that may export.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub password: Option<SecretText>,
}
