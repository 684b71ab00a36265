use super::custody::CustodyError;
use super::keyset_error::{MASTER_KEY_FIX, MASTER_KEY_LOCKED_FIX, NO_ACTIVE_FIX, store_fix, store_what};
use super::share_failure::{share_fix, share_status, share_what};
use super::shared::WorkerLost;
use super::{InstallationError, KeysetError};
use crate::ports::{MasterKeyError, RandomnessError, RsaError, SealedFormatError, ShareError, StoreError};
use crate::{Explain, Status};

/// Why a backup was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// No keyset is Active and no recipient was given.
    #[error("no keyset is Active, and no recipient was given")]
    NoActive,
    /// Neither a password nor a keyset would open the file.
    #[error("the sealed file would have no slot at all")]
    NoSlot,
    /// None of the keysets that open the file is here.
    #[error("the file opens with {needed}, and none of that is at hand")]
    NoKeyHere {
        /// What would open it.
        needed: String,
        /// Whether a password is among that.
        password: bool,
    },
    /// The exported keyset opens none of the slots.
    #[error("the keyset in the export opens none of the file's slots; they are for {needed}")]
    OtherIdentity {
        /// What would open it.
        needed: String,
    },
    /// The password opens none of the slots.
    #[error("the password opens none of the file's slots")]
    WrongPassword,
    /// The file has no password slot.
    #[error("the file has no password slot")]
    NoPasswordSlot,
    /// A recipient cannot be used.
    #[error("recipient: {0}")]
    Recipient(RsaError),
    /// The file is not a sealed file, damaged or cut off.
    #[error(transparent)]
    Format(#[from] SealedFormatError),
    /// The input could not be read.
    #[error("the input could not be read: {0}")]
    Input(std::io::Error),
    /// The text armor of the input is damaged or cut off.
    #[error("the text armor of the file is damaged or cut off")]
    Armor,
    /// The RSA engine failed.
    #[error(transparent)]
    Rsa(#[from] RsaError),
    /// The export that serves as identity is not usable.
    #[error(transparent)]
    Keyset(#[from] KeysetError),
    /// The installation is not usable.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key was rotated while this ran.
    #[error(transparent)]
    Rotated(#[from] keystead_domain::OtherMasterKey),
    /// The master key failed.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The share failed.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// A worker thread died.
    #[error(transparent)]
    Worker(#[from] WorkerLost),
}

impl BackupError {
    /// Tells a fault of the armor from one of the disk or the pipe.
    pub(super) fn of_input(error: std::io::Error) -> Self {
        match error
            .get_ref()
            .is_some_and(|inner| inner.is::<SealedFormatError>())
        {
            true => Self::Armor,
            false => Self::Input(error),
        }
    }
}

impl From<CustodyError> for BackupError {
    fn from(error: CustodyError) -> Self {
        match error {
            CustodyError::Store(e) => Self::Store(e),
            CustodyError::MasterKey(e) => Self::MasterKey(e),
            CustodyError::Rsa(e) => Self::Rsa(e),
            CustodyError::Rotated(e) => Self::Rotated(e),
        }
    }
}

impl Explain for BackupError {
    fn what(&self) -> String {
        match self {
            Self::NoActive | Self::NoSlot | Self::Recipient(_) => "nothing was sealed",
            Self::NoKeyHere { .. }
            | Self::OtherIdentity { .. }
            | Self::WrongPassword
            | Self::NoPasswordSlot => "the file was not opened",
            Self::Format(SealedFormatError::PayloadDamaged(_) | SealedFormatError::PayloadCut(_)) => {
                "the file was not opened to its end"
            }
            Self::Format(_) | Self::Armor => "the file was not opened",
            Self::Input(_) => "the input failed",
            Self::Rsa(_) | Self::Worker(_) | Self::Randomness(_) => "the work could not be done",
            Self::Keyset(e) => return e.what(),
            Self::Installation(e) => return e.what(),
            Self::Store(e) => return store_what(e),
            Self::Rotated(_) => "the master key was changed at the same time",
            Self::MasterKey(MasterKeyError::Unusable { .. } | MasterKeyError::NotUnlocked { .. }) => {
                "the master key cannot be used"
            }
            Self::MasterKey(_) => "the master key does not open the private key",
            Self::Share(e) => return share_what(e),
        }
        .to_owned()
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        match self {
            Self::NoActive => NO_ACTIVE_FIX,
            Self::NoSlot => "give a password, or a recipient with --recipient",
            Self::Recipient(_) => "give a line from: keystead keyset recipient, or the PUBLIC KEY block of an export",
            Self::NoKeyHere { password: true, .. } => {
                "give the password with --password-file FILE, or the exported keyset with --identity EXPORT, or import that"
            }
            Self::NoKeyHere { password: false, .. } => {
                "import the exported keyset with: keystead keyset import SOURCE; or open with --identity EXPORT"
            }
            Self::OtherIdentity { .. } => "find the export of that keyset; keystead slots FILE lists what opens the file",
            Self::WrongPassword => "try another password, or open it with a keyset",
            Self::NoPasswordSlot => "open it with a keyset: keystead slots FILE lists which",
            Self::Format(SealedFormatError::NotSealed(_)) => "check that this is the sealed backup",
            Self::Format(SealedFormatError::PayloadCut(_)) => {
                "use another copy of the file; what came out before is authentic, and not all"
            }
            Self::Format(SealedFormatError::Cipher(_)) => "try again; if it happens again, report it as a bug",
            Self::Format(_) | Self::Armor => "use another copy of the file",
            Self::Input(_) => "check the disk or the pipe that the input comes from",
            Self::Rsa(_) | Self::Worker(_) => "try again; if it happens again, report it as a bug",
            Self::Keyset(e) => return e.fix(),
            Self::Installation(e) => return e.fix(),
            Self::Store(e) => {
                return format!("{}; --identity EXPORT opens without the database", store_fix(e));
            }
            Self::Rotated(_) => "run the command again: it will use the new master key",
            Self::MasterKey(MasterKeyError::NotUnlocked { .. }) => MASTER_KEY_LOCKED_FIX,
            Self::MasterKey(MasterKeyError::Unusable { .. }) => "see the reason above",
            Self::MasterKey(_) => MASTER_KEY_FIX,
            Self::Share(e) => return share_fix(e),
            Self::Randomness(_) => "check the operating system's random device",
        }
        .to_owned()
    }

    fn status(&self) -> Status {
        match self {
            Self::NoKeyHere { .. }
            | Self::OtherIdentity { .. }
            | Self::WrongPassword
            | Self::NoPasswordSlot
            | Self::Format(SealedFormatError::NotUnlocked) => Status::NotUnlocked,
            Self::Keyset(e) => e.status(),
            Self::Installation(e) => e.status(),
            Self::Share(e) => share_status(e),
            _ => Status::Refused,
        }
    }
}
