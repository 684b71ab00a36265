//! What is asked of an export, and what came of it.

use std::sync::Arc;

use keystead_domain::{Keyset, KeysetReference, Passphrase, SecretBytes};

use super::KeysetError;
use crate::ports::{DamagedKeyset, LocatedShare, Replace, ShareCapabilities};

/// What to export.
pub struct ExportRequest {
    /// Which keysets; all of them when empty.
    pub keysets: Vec<KeysetReference>,
    /// How the private keys are protected.
    pub protection: ExportProtection,
    /// Where to.
    pub destination: ExportDestination,
}

/// How the private keys of an export are protected.
#[derive(Clone)]
pub enum ExportProtection {
    /// Not at all, because somebody said so.
    Unprotected,
    /// By a passphrase.
    Passphrase(Arc<Passphrase>),
}

impl ExportProtection {
    /// Checks that this may protect an export.
    ///
    /// # Errors
    /// When the passphrase is too weak.
    pub fn check(&self) -> Result<(), KeysetError> {
        match self {
            Self::Unprotected => Ok(()),
            Self::Passphrase(passphrase) => Ok(passphrase.check_for_export()?),
        }
    }
}

/// Where an export goes.
pub enum ExportDestination {
    /// To a file, or into a folder with one file for each keyset.
    Share {
        /// The place.
        located: LocatedShare,
        /// Whether a file may be replaced.
        replace: Replace,
    },
    /// Back to the caller. What becomes of it cannot be verified, so it is not recorded as the last export.
    Caller,
}

/// What came of an export.
pub struct ExportReceipt {
    /// One entry for each keyset.
    pub exported: Vec<Exported>,
    /// The bytes, when they go back to the caller.
    pub content: Option<SecretBytes>,
    /// Where all keysets were asked for, those that are damaged in the store and were left out. The others are exported all
    /// the same: on such a day that is what is needed most.
    pub damaged: Vec<DamagedKeyset>,
}

impl ExportReceipt {
    /// The failure of an export of several files tells which of them are there.
    pub(super) fn cut_short_by(self, error: KeysetError) -> KeysetError {
        let mut places: Vec<String> = self
            .exported
            .into_iter()
            .filter_map(|exported| exported.place)
            .collect();
        places.dedup();
        match places.is_empty() {
            true => error,
            false => KeysetError::CutShort {
                places,
                source: Box::new(error),
            },
        }
    }
}

/// One exported keyset.
pub struct Exported {
    /// The keyset, with its last export.
    pub keyset: Keyset,
    /// The file that holds it, read back and compared; `None` when it went to the caller.
    pub place: Option<String>,
    /// What the share promised for that file.
    pub promised: Option<ShareCapabilities>,
}
