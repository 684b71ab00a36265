use keystead_domain::{KeysetId, MasterKeyId};

use super::InstallationError;
use crate::ports::{MasterKeyError, StoreError};
use crate::{Explain, Status};

/// Why the master key was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// There is no installation, or its master key does not open it.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// There is no provider by that name.
    #[error("the master key provider \"{name}\" is not set up here; these are: {}", .known.join(", "))]
    NoProvider {
        /// The name.
        name: String,
        /// The providers that are set up.
        known: Vec<&'static str>,
    },
    /// Somebody else's rotation came to its end first.
    #[error("another rotation came to its end at the same time; the master key is {0} now")]
    RotatedMeanwhile(MasterKeyId),
    /// The provider could not finish what an earlier rotation left undone.
    #[error(
        "what an earlier rotation left undone at the provider of the present key cannot be finished: {0}"
    )]
    Unfinished(#[source] MasterKeyError),
    /// The new key could not be made.
    #[error("the new master key: {0}")]
    Successor(#[source] MasterKeyError),
    /// Private keys that the old master key does not open.
    #[error("{} of the private keys cannot be opened under the old master key, the first of keyset {}", .0.len(), first(.0))]
    Damaged(Vec<KeysetId>),
    /// Others made keysets faster than they were sealed anew.
    #[error("others made keysets all the time")]
    NeverDone,
    /// Everything is sealed under the new key, and the provider could not make it the current one.
    #[error(
        "everything is sealed under the new master key, but it could not be put in the place of the old one: {0}"
    )]
    NotPromoted(#[source] MasterKeyError),
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        InstallationError::from(error).into()
    }
}

impl Explain for RotationError {
    fn what(&self) -> String {
        match self {
            Self::NotPromoted(_) => "the rotation is not quite complete".to_owned(),
            Self::Installation(e) => e.what(),
            Self::RotatedMeanwhile(_) => "this rotation was given up".to_owned(),
            _ => "the master key was not rotated; the old one still holds".to_owned(),
        }
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        match self {
            Self::Installation(e) => return e.fix(),
            Self::RotatedMeanwhile(_) => "look at it with: keystead master-key status; rotate again if it is still wanted",
            Self::Unfinished(_) => "mend the reason and run it again; nothing was changed",
            Self::NoProvider { .. } => {
                "set it up in the section master_key of the configuration (config/default.toml explains each)"
            }
            Self::Successor(_) => "see the reason above; then run it again",
            Self::Damaged(_) => {
                "import these keysets again from their exports: delete the damaged one first, with: keystead keyset delete KEYSET --force --reason TEXT"
            }
            Self::NeverDone => "run it again when it is quieter; it goes on where it was",
            Self::NotPromoted(_) => "mend the reason and run it again; nothing is lost, the new key is used already",
        }
        .to_owned()
    }

    fn status(&self) -> Status {
        match self {
            Self::Installation(e) => e.status(),
            Self::Successor(MasterKeyError::NotUnlocked { .. })
            | Self::NotPromoted(MasterKeyError::NotUnlocked { .. }) => Status::NotUnlocked,
            _ => Status::Refused,
        }
    }
}

fn first(keysets: &[KeysetId]) -> String {
    keysets.first().map(ToString::to_string).unwrap_or_default()
}
