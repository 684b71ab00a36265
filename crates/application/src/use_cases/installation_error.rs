use keystead_domain::{InstallationId, MasterKeyId};

use super::KeysetError;
use super::error_codes::installation_code;
use super::keyset_error::{MASTER_KEY_FIX, MASTER_KEY_LOCKED_FIX, store_fix, store_what};
use crate::ports::{MasterKeyError, RandomnessError, SigningError, StoreError};
use crate::{Explain, Status};

/// Why the installation was not made or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// There is none yet.
    #[error("there is no installation here yet")]
    NotInitialised,
    /// There is one already.
    #[error("there is an installation here already ({0})")]
    AlreadyInitialised(InstallationId),
    /// The master key is missing.
    #[error("the master key {expected} is missing: there is none at {place}")]
    MasterKeyMissing {
        /// The key that is needed.
        expected: MasterKeyId,
        /// Where it was looked for.
        place: String,
    },
    /// The master key is another one.
    #[error("the database is sealed under master key {expected}, the one at {place} is {found}")]
    OtherMasterKey {
        /// The key that is needed.
        expected: MasterKeyId,
        /// The key that is there.
        found: MasterKeyId,
        /// Where it is.
        place: String,
    },
    /// The provider of the master key is not one of this program's, or not set up.
    #[error(
        "the database is sealed under master key {expected} of the provider \"{provider}\", which is not set up here"
    )]
    NoProvider {
        /// The key that is needed.
        expected: MasterKeyId,
        /// The provider that has it.
        provider: String,
    },
    /// The key check value does not open.
    #[error("the master key {0} has the right id and does not open the key check value")]
    KeyCheckFailed(MasterKeyId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key failed.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The manager's identity could not be made.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The first keyset could not be made.
    #[error(transparent)]
    Keyset(#[from] KeysetError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

impl Explain for InstallationError {
    fn code(&self) -> &'static str {
        installation_code(self)
    }

    fn what(&self) -> String {
        match self {
            Self::NotInitialised => "this command needs an installation".to_owned(),
            Self::AlreadyInitialised(_) => "nothing was initialised".to_owned(),
            Self::MasterKeyMissing { .. }
            | Self::OtherMasterKey { .. }
            | Self::NoProvider { .. }
            | Self::KeyCheckFailed(_) => "the installation stays closed, and nothing was changed".to_owned(),
            Self::Store(e) => store_what(e),
            Self::MasterKey(_) => "the master key cannot be used".to_owned(),
            Self::Signing(_) | Self::Randomness(_) => "the installation was not made".to_owned(),
            Self::Keyset(e) => e.what(),
        }
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        match self {
            Self::NotInitialised => "make one with: keystead init; or point to yours with KEYSTEAD_DATA_DIR or --config",
            Self::AlreadyInitialised(_) => "use it as it is (keystead keyset list), or choose another data directory",
            Self::MasterKeyMissing { .. } => {
                "put the master key back from its backup; without it, import the exported keysets into a new installation"
            }
            Self::NoProvider { .. } => {
                "set up the provider in the section master_key of the configuration (config/default.toml explains each)"
            }
            Self::OtherMasterKey { .. } | Self::KeyCheckFailed(_) => MASTER_KEY_FIX,
            Self::Store(e) => return store_fix(e).to_owned(),
            Self::MasterKey(MasterKeyError::Unusable { .. }) => "see the reason above",
            Self::MasterKey(MasterKeyError::NotUnlocked { .. }) => MASTER_KEY_LOCKED_FIX,
            Self::MasterKey(_) => MASTER_KEY_FIX,
            Self::Signing(_) | Self::Randomness(_) => "check the operating system's random device",
            Self::Keyset(e) => return e.fix(),
        }
        .to_owned()
    }

    fn status(&self) -> Status {
        match self {
            Self::Keyset(e) => e.status(),
            Self::MasterKey(MasterKeyError::NotUnlocked { .. }) => Status::NotUnlocked,
            _ => Status::Refused,
        }
    }
}
