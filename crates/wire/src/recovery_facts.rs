//! What a recovery request is made of: approvals, keysets, files.

use keystead_application::exchange::{UnopenedFile, WhyUnopened};
use keystead_application::use_cases::{ExaminedFile, NeededKeyset, Prospect};
use keystead_domain::{Approval, Origin, Origins};
use serde::{Deserialize, Serialize};

use crate::{InactiveReason, KeysetJson, KeysetOriginJson, KeysetStateJson};

/// An approval of an officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalJson {
    /// The officer's name.
    pub officer: String,
    /// The officer's id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub officer_id: String,
    /// When it was given.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub given_at: String,
    /// Whose files it allows to open.
    pub origins: OriginsJson,
    /// Whether it allows a request that an identity signed that was retired.
    pub retired_identity: bool,
}

/// Whose files an approval allows to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OriginsJson {
    /// Files that the asking server sealed.
    #[default]
    Own,
    /// Those, and files that do not name the server that sealed them.
    OwnOrUnnamed,
    /// Files of other servers too.
    Any,
}

impl From<Origins> for OriginsJson {
    fn from(origins: Origins) -> Self {
        match origins {
            Origins::Own => Self::Own,
            Origins::OwnOrUnnamed => Self::OwnOrUnnamed,
            Origins::Any => Self::Any,
        }
    }
}

impl From<OriginsJson> for Origins {
    fn from(origins: OriginsJson) -> Self {
        match origins {
            OriginsJson::Own => Self::Own,
            OriginsJson::OwnOrUnnamed => Self::OwnOrUnnamed,
            OriginsJson::Any => Self::Any,
        }
    }
}

impl From<&Approval> for ApprovalJson {
    fn from(approval: &Approval) -> Self {
        Self {
            officer: approval.name.to_string(),
            officer_id: approval.officer.to_string(),
            given_at: approval.given_at.to_string(),
            origins: approval.permission.origins.into(),
            retired_identity: approval.permission.retired_identity,
        }
    }
}

/// A keyset that files of a request need. Of one that is not here little is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NeededKeysetJson {
    /// Its fingerprint; `null` when the headers do not name it.
    pub fingerprint: Option<String>,
    /// Whether it is at the manager.
    pub here: bool,
    /// Its id there.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub keyset_id: Option<String>,
    /// Its hint.
    pub hint: Option<String>,
    /// Its state.
    pub state: Option<KeysetStateJson>,
    /// How many files need it.
    pub file_count: u32,
    /// Where it comes from; absent when it is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<KeysetOriginJson>,
    /// Why it is Inactive; absent when it is Active or not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive_reason: Option<InactiveReason>,
    /// The fingerprint of the keyset that took its place; absent when none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// When it became Active; absent when it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub activated_at: Option<String>,
    /// When another took its place; absent when none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub deactivated_at: Option<String>,
}

impl From<&NeededKeyset> for NeededKeysetJson {
    fn from(needed: &NeededKeyset) -> Self {
        let here = needed.here.as_ref().map(KeysetJson::from);
        let here = here.as_ref();
        Self {
            fingerprint: needed.fingerprint.map(|fingerprint| fingerprint.to_string()),
            here: here.is_some(),
            keyset_id: here.map(|keyset| keyset.id.clone()),
            hint: here.map(|keyset| keyset.hint.clone()),
            state: here.map(|keyset| keyset.state),
            file_count: needed.files,
            origin: here.map(|keyset| keyset.origin),
            inactive_reason: here.and_then(|keyset| keyset.inactive_reason),
            superseded_by: here.and_then(|keyset| keyset.superseded_by.clone()),
            activated_at: here.and_then(|keyset| keyset.activated_at.clone()),
            deactivated_at: here.and_then(|keyset| keyset.deactivated_at.clone()),
        }
    }
}

/// A file of a request. What its header says is not verified before it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileJson {
    /// What the server calls it.
    pub name: Option<String>,
    /// Who sealed it.
    pub origin: FileOriginJson,
    /// The server that sealed it, when that is another one.
    pub sealed_by: Option<String>,
    /// Why it cannot be opened; `null` when a keyset for it is here.
    pub unopened: Option<WhyUnopenedJson>,
}

/// Who sealed a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FileOriginJson {
    /// The asking server.
    Own,
    /// The header does not say.
    Unnamed,
    /// Another server.
    OtherServer,
}

/// Why a file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhyUnopenedJson {
    /// The keyset for it is not at the manager.
    NoKeyset,
    /// It is not a sealed file.
    NotSealed,
    /// The header was changed after it was sealed.
    HeaderChanged,
    /// The file id is another one than the request says.
    OtherFile,
    /// Another server sealed it.
    OtherServer,
    /// The header does not name the server that sealed it.
    Unnamed,
}

impl From<&WhyUnopened> for WhyUnopenedJson {
    fn from(why: &WhyUnopened) -> Self {
        match why {
            WhyUnopened::NoKeyset(_) => Self::NoKeyset,
            WhyUnopened::NotSealed => Self::NotSealed,
            WhyUnopened::HeaderChanged => Self::HeaderChanged,
            WhyUnopened::OtherFile => Self::OtherFile,
            WhyUnopened::OtherServer(_) => Self::OtherServer,
            WhyUnopened::Unnamed => Self::Unnamed,
        }
    }
}

impl From<&ExaminedFile> for FileJson {
    fn from(file: &ExaminedFile) -> Self {
        let (origin, sealed_by) = match &file.origin {
            Origin::Own => (FileOriginJson::Own, None),
            Origin::Unnamed => (FileOriginJson::Unnamed, None),
            Origin::OtherServer(server) => (FileOriginJson::OtherServer, Some(server.clone())),
        };
        Self {
            name: file.name.clone(),
            origin,
            sealed_by,
            unopened: match &file.prospect {
                Prospect::Opens { .. } => None,
                Prospect::Unopened(why) => Some(why.into()),
            },
        }
    }
}

/// A file that a response has no key for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnopenedJson {
    /// The place of the file in the request, from 0.
    pub file: u32,
    /// Why.
    pub why: WhyUnopenedJson,
    /// The fingerprints of the keysets that would open it, when they are not here.
    pub keysets: Vec<String>,
    /// The server that sealed it, when that is why.
    pub sealed_by: Option<String>,
}

impl From<&UnopenedFile> for UnopenedJson {
    fn from(unopened: &UnopenedFile) -> Self {
        Self {
            file: unopened.file,
            why: (&unopened.why).into(),
            keysets: match &unopened.why {
                WhyUnopened::NoKeyset(named) => named.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            },
            sealed_by: match &unopened.why {
                WhyUnopened::OtherServer(server) => Some(server.clone()),
                _ => None,
            },
        }
    }
}
