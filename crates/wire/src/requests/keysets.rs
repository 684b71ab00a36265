use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::SecretText;

/// Generates a keyset. It is Inactive unless `activate` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateKeysetRequest {
    /// What tells people which keyset this is; travels in its export.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 200, example = "Backups of 2026")
    )]
    pub hint: String,
    /// Size: 2048, 3072, 4096 or 8192; as the manager is configured when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 2048, maximum = 8192, multiple_of = 1024, example = 3072)
    )]
    pub bits: Option<u64>,
    /// Activate it at once.
    #[serde(default)]
    pub activate: bool,
}

/// Changes the hint of a keyset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EditKeysetRequest {
    /// The new hint.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub hint: String,
}

/// Exports keysets to the caller. What becomes of them there cannot be verified, and is not recorded as an export.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// Ids, beginnings of fingerprints (8 digits or more), or `active`; every keyset when empty.
    #[serde(default)]
    pub keysets: Vec<String>,
    /// Protects the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 12))]
    pub passphrase: Option<SecretText>,
    /// Do not protect the file: whoever reads it can open every backup.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unprotected: bool,
    /// The password of the person who exports, again. Tokens that may export need none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub password: Option<SecretText>,
}

/// Exports keysets to a share that the manager's configuration names. The file is read back and compared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ExportToShareRequest {
    /// Ids, beginnings of fingerprints (8 digits or more), or `active`; every keyset when empty.
    #[serde(default)]
    pub keysets: Vec<String>,
    /// The name of the share.
    #[cfg_attr(feature = "openapi", schema(example = "nas"))]
    pub share: String,
    /// File or folder on the share; the share itself when absent. A folder gets one file for each keyset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "keys/2026.pem"))]
    pub path: Option<String>,
    /// Replace a file that exists.
    #[serde(default, skip_serializing_if = "is_false")]
    pub overwrite: bool,
    /// Protects the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 12))]
    pub passphrase: Option<SecretText>,
    /// Do not protect the file: whoever reads it can open every backup.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unprotected: bool,
    /// The password of the person who exports, again. Tokens that may export need none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub password: Option<SecretText>,
}

/// Looks into an export; stores nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InspectRequest {
    /// The file, as text.
    pub file: SecretText,
    /// The passphrase of the export; with it, the private keys are checked too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretText>,
}

/// Imports the keysets of an export: all of them, or none. They are Inactive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The file, as text.
    pub file: SecretText,
    /// Where the file comes from, for the audit trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub source: Option<String>,
    /// The passphrase of the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretText>,
    /// Hint to give, instead of the one in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub hint: Option<String>,
    /// Hints for the keysets of the file that have none there, by their fingerprints.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints_for_nameless: BTreeMap<String, String>,
    /// Refuse a file that holds another keyset: fingerprints, or 16 or more of their first digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_fingerprints: Vec<String>,
}

fn is_false(value: &bool) -> bool {
    !*value
}
