use keystead_application::ports::WriteReceipt;
use keystead_application::use_cases::{Opened, Sealed, SlotView};
use keystead_wire::PromisesJson;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct SealedJson {
    file_id: String,
    keysets: Vec<String>,
    password: bool,
    content_bytes: u64,
    place: String,
    /// Whether it was read back and compared.
    verified: bool,
    promises: PromisesJson,
}

impl SealedJson {
    pub(crate) fn new(sealed: &Sealed, receipt: &WriteReceipt, verified: bool) -> Self {
        let Sealed {
            file_id,
            fingerprints,
            has_password,
            content_bytes,
        } = sealed;
        Self {
            file_id: file_id.to_string(),
            keysets: fingerprints.iter().map(ToString::to_string).collect(),
            password: *has_password,
            content_bytes: *content_bytes,
            place: receipt.place.clone(),
            verified,
            promises: receipt.promised.into(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct OpenedJson {
    opened_with: &'static str,
    keyset: Option<String>,
    place: String,
    content_bytes: u64,
    /// Whether it was read back and compared.
    verified: bool,
    promises: PromisesJson,
}

impl OpenedJson {
    pub(crate) fn new(with: &Opened, receipt: &WriteReceipt, verified: bool) -> Self {
        let (opened_with, keyset) = match with {
            Opened::Keyset(fingerprint) => ("keyset", Some(fingerprint.to_string())),
            Opened::Password => ("password", None),
            Opened::Recovered(_) => ("recovery", None),
        };
        Self {
            opened_with,
            keyset,
            place: receipt.place.clone(),
            content_bytes: receipt.bytes,
            verified,
            promises: receipt.promised.into(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SlotsJson {
    pub(crate) file_id: Option<String>,
    pub(crate) sealed_at: Option<String>,
    pub(crate) server_id: Option<String>,
    pub(crate) verified: bool,
    /// Whether there was an installation to look the keysets up in.
    pub(crate) looked_up: bool,
    pub(crate) slots: Vec<SlotJson>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum SlotJson {
    Keyset {
        fingerprint: Option<String>,
        keyset_id: Option<String>,
    },
    Password {
        hint: Option<String>,
    },
    Other {
        name: String,
    },
}

impl From<&SlotView> for SlotJson {
    fn from(view: &SlotView) -> Self {
        match view {
            SlotView::Keyset { slot, here } => Self::Keyset {
                fingerprint: slot
                    .fingerprint
                    .or_else(|| here.as_ref().map(|k| k.fingerprint()))
                    .map(|f| f.to_string()),
                keyset_id: here.as_ref().map(|k| k.id().to_string()),
            },
            SlotView::Password { hint } => Self::Password { hint: hint.clone() },
            SlotView::Other(name) => Self::Other { name: name.clone() },
        }
    }
}
