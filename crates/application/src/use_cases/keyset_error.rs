use keystead_domain::{
    Fingerprint, KeysetId, KeysetReference, OtherMasterKey, PairingRefused, WeakPassphrase,
    keyset::{DeletionRefused, TransitionRefused},
};

use super::custody::CustodyError;
use super::error_codes::keyset_code;
use super::share_failure::{share_fix, share_status, share_what};
use super::shared::WorkerLost;
use crate::ports::{
    ExportCodecError, MasterKeyError, RandomnessError, RsaError, ShareError, StoreError, StoreErrorKind,
};
use crate::{Explain, Status};

/// Why something about keysets was not done.
#[derive(Debug, thiserror::Error)]
pub enum KeysetError {
    /// No keyset by that name.
    #[error("there is no keyset {0}")]
    NotFound(KeysetReference),
    /// More than one keyset by that name.
    #[error("more than one keyset has a fingerprint that begins with {0}")]
    Ambiguous(KeysetReference),
    /// None is Active.
    #[error("no keyset is Active")]
    NoActive,
    /// It is not what the person saw any more.
    #[error("the keyset was changed since it was looked at")]
    ChangedSinceSeen,
    /// The lifecycle does not allow it.
    #[error(transparent)]
    Transition(#[from] TransitionRefused),
    /// It must not be deleted.
    #[error(transparent)]
    Deletion(#[from] DeletionRefused),
    /// The master key was rotated while this ran.
    #[error(transparent)]
    Rotated(#[from] OtherMasterKey),
    /// The passphrase would protect nothing.
    #[error(transparent)]
    WeakPassphrase(#[from] WeakPassphrase),
    /// The private key in the file is protected and no passphrase was given.
    #[error("the private key in the file is protected by a passphrase")]
    PassphraseNeeded,
    /// The file brings no hint and none was given.
    #[error("the file holds no hint for keyset {}", .0.short())]
    HintNeeded(Fingerprint),
    /// The file's keysets are not those that were expected.
    #[error("the file holds keyset {found}, expected was {expected}")]
    OtherFingerprint {
        /// What was expected.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// The keyset is here already.
    #[error("keyset {} is here already, with the id {id}", .fingerprint.short())]
    AlreadyHere {
        /// The fingerprint.
        fingerprint: Fingerprint,
        /// Its id here.
        id: KeysetId,
    },
    /// The blocks of the file do not belong together.
    #[error(transparent)]
    Pairing(#[from] PairingRefused),
    /// The metadata block is not what the keyset signed.
    #[error("the KEYSTEAD KEYSET block of {} was changed after the export, or belongs to another keyset", .0.short())]
    MetadataChanged(Fingerprint),
    /// The file is longer than any export.
    #[error("the file is longer than {0} bytes")]
    FileTooLong(u64),
    /// Several keysets cannot go where one fits.
    #[error("{0}")]
    Destination(String),
    /// The export was written, and is not known to be what was written.
    #[error("{place}: {why}")]
    ReadBack {
        /// Where.
        place: String,
        /// Why not.
        why: String,
    },
    /// The export is there and good, and could not be recorded.
    #[error("the export at {place} is complete and verified, but this could not be recorded: {source}")]
    NotRecorded {
        /// Where.
        place: String,
        /// Why.
        source: StoreError,
    },
    /// An export of several files failed after some of them.
    #[error("{source}; exported and recorded before that: {}", .places.join(", "))]
    CutShort {
        /// The files that are there.
        places: Vec<String>,
        /// Why it did not go on.
        source: Box<KeysetError>,
    },
    /// The file is no usable export.
    #[error(transparent)]
    Codec(#[from] ExportCodecError),
    /// The key is not usable.
    #[error(transparent)]
    Rsa(#[from] RsaError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
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

impl From<CustodyError> for KeysetError {
    fn from(error: CustodyError) -> Self {
        match error {
            CustodyError::Store(e) => Self::Store(e),
            CustodyError::MasterKey(e) => Self::MasterKey(e),
            CustodyError::Rsa(e) => Self::Rsa(e),
            CustodyError::Rotated(e) => Self::Rotated(e),
        }
    }
}

impl Explain for KeysetError {
    fn code(&self) -> &'static str {
        keyset_code(self)
    }

    fn what(&self) -> String {
        match self {
            Self::NotFound(_) | Self::Ambiguous(_) | Self::NoActive => "the keyset was not found",
            Self::ChangedSinceSeen => "somebody else changed the same thing at the same time",
            Self::Transition(_) => "the keyset was not activated",
            Self::Deletion(_) => "the keyset was not deleted",
            Self::Rsa(RsaError::NotAccepted(_)) => "the key is not accepted",
            Self::Rotated(_) => "the master key was changed at the same time",
            Self::WeakPassphrase(_) => "the passphrase is not accepted",
            Self::PassphraseNeeded | Self::Codec(ExportCodecError::NotUnlocked) => {
                "the private key was not unlocked"
            }
            Self::HintNeeded(_) | Self::OtherFingerprint { .. } | Self::AlreadyHere { .. } => {
                "nothing was imported"
            }
            Self::Pairing(_) | Self::MetadataChanged(_) => {
                "the file was tampered with, or put together wrongly"
            }
            Self::FileTooLong(_) | Self::Codec(_) | Self::Rsa(RsaError::Malformed { .. }) => {
                "the file is not a usable export"
            }
            Self::Destination(_) => "nothing was exported",
            Self::ReadBack { .. } => "the export failed",
            Self::NotRecorded { .. } => "the export was not recorded",
            Self::CutShort { .. } => "not all keysets were exported",
            Self::Rsa(_) => "the key could not be used",
            Self::Store(e) => return store_what(e),
            Self::MasterKey(MasterKeyError::Unusable { .. } | MasterKeyError::NotUnlocked { .. }) => {
                "the master key cannot be used"
            }
            Self::MasterKey(_) => "the master key does not open the private key",
            Self::Share(e) => return share_what(e),
            Self::Randomness(_) | Self::Worker(_) => "the work could not be done",
        }
        .to_owned()
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        match self {
            Self::NotFound(_) => "list the keysets with: keystead keyset list",
            Self::Ambiguous(_) => "give more digits of the fingerprint, or the id",
            Self::NoActive => NO_ACTIVE_FIX,
            Self::ChangedSinceSeen => "look again and repeat the command if it is still wanted",
            Self::Transition(_) => "look at it with: keystead keyset show KEYSET",
            Self::Deletion(DeletionRefused::Active) => {
                "activate another keyset first, with: keystead keyset activate KEYSET"
            }
            Self::Deletion(DeletionRefused::NeverExported) => {
                "export it first with: keystead keyset export KEYSET --to DEST; or delete it with --force --reason TEXT"
            }
            Self::Rsa(RsaError::NotAccepted(_)) => {
                "use an RSA keyset of 2048 to 8192 bits with a public exponent from 65537"
            }
            Self::Rotated(_) => "run the command again: it will use the new master key",
            Self::WeakPassphrase(_) => "choose a longer one, or let one be made with --generate-passphrase",
            Self::PassphraseNeeded => {
                "give it with --passphrase-file FILE, in KEYSTEAD_PASSPHRASE, or at the prompt of a terminal"
            }
            Self::HintNeeded(_) => "give one with --hint TEXT",
            Self::OtherFingerprint { .. } => {
                "do not import this file unless you find out why it holds another keyset than your record says"
            }
            Self::AlreadyHere { .. } => "nothing is to be done: it opens its backups already",
            Self::Pairing(_) | Self::MetadataChanged(_) => {
                "use another copy of the export; if you must, take the PRIVATE KEY block alone and import that"
            }
            Self::FileTooLong(_) => "check that this is the exported PEM file",
            Self::Destination(_) => "make a keyset first, with: keystead keyset create --hint TEXT",
            Self::ReadBack { .. } => {
                "do not rely on the file that is there; see whether somebody else writes to the same name, or use another disk or share"
            }
            Self::NotRecorded { .. } => "keep the file, and export again when the database works",
            Self::CutShort { source, .. } => return source.fix(),
            Self::Codec(error) => return codec_fix(error),
            Self::Rsa(RsaError::Malformed { .. }) => "use another copy of the file",
            Self::Rsa(_) | Self::Worker(_) => "try again; if it happens again, report it as a bug",
            Self::Store(e) => return store_fix(e).to_owned(),
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
            Self::NotFound(_) | Self::NoActive => Status::NotFound,
            Self::Codec(ExportCodecError::NotUnlocked) | Self::PassphraseNeeded => Status::NotUnlocked,
            Self::MasterKey(MasterKeyError::NotUnlocked { .. }) => Status::NotUnlocked,
            Self::CutShort { source, .. } => source.status(),
            Self::Share(e) => share_status(e),
            _ => Status::Refused,
        }
    }
}

pub(super) const NO_ACTIVE_FIX: &str =
    "activate one with: keystead keyset activate KEYSET (list them with: keystead keyset list)";
pub(super) const MASTER_KEY_FIX: &str =
    "use the master key of this installation; its id is shown by: keystead db status";

pub(super) const MASTER_KEY_LOCKED_FIX: &str = "give the right passphrase or PIN, as the section master_key of the configuration says (config/default.toml explains each)";

fn codec_fix(error: &ExportCodecError) -> String {
    match error {
        ExportCodecError::NotAccepted { fix, .. } => fix.clone(),
        ExportCodecError::NoPrivateKey { .. } => {
            "use the PEM file of a keyset export, with its PRIVATE KEY block".to_owned()
        }
        ExportCodecError::Damaged { .. } => "use another copy of the file".to_owned(),
        ExportCodecError::NotUnlocked => {
            "try the passphrase again, or use another copy of the file".to_owned()
        }
        ExportCodecError::TooMuchWork(_) => {
            "convert the key with: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in FILE -out NEW"
                .to_owned()
        }
        ExportCodecError::Encode(_) => "try again; if it happens again, report it as a bug".to_owned(),
    }
}

pub(super) fn store_what(error: &StoreError) -> String {
    match error.kind {
        StoreErrorKind::Conflict => "somebody else changed the same thing at the same time",
        StoreErrorKind::Duplicate => "it is there already",
        StoreErrorKind::Corrupt => "the database is damaged",
        StoreErrorKind::Newer | StoreErrorKind::NotMigrated => {
            "the database has another schema than this program"
        }
        StoreErrorKind::Busy | StoreErrorKind::Undone => "the database is busy",
        StoreErrorKind::Disconnected => "the database cannot be reached",
        StoreErrorKind::CommitUnknown => "whether it was done is not known",
        StoreErrorKind::NoSpace => "the database cannot be written",
        StoreErrorKind::Unaudited | StoreErrorKind::Unavailable => "the database does not work",
    }
    .to_owned()
}

pub(super) fn store_fix(error: &StoreError) -> &'static str {
    match error.kind {
        StoreErrorKind::Conflict => "look again and repeat the command if it is still wanted",
        StoreErrorKind::Duplicate => "look at what is there with: keystead keyset list",
        StoreErrorKind::Corrupt => {
            "restore the database from a backup, or import the exported keysets into a new installation"
        }
        StoreErrorKind::Newer => "use the newer version of keystead that this database belongs to",
        StoreErrorKind::NotMigrated => "bring it up to date with: keystead db migrate",
        StoreErrorKind::Busy | StoreErrorKind::Undone => "try again in a moment",
        StoreErrorKind::Disconnected => {
            "check that the database server runs and can be reached from here, then try again; nothing was changed"
        }
        StoreErrorKind::CommitUnknown => {
            "look whether it is there (keystead keyset list, keystead audit list) before doing it again"
        }
        StoreErrorKind::NoSpace => "make room on the disk or make it writable; nothing was lost",
        StoreErrorKind::Unaudited => "report it as a bug",
        StoreErrorKind::Unavailable => "check the database with: keystead db status",
    }
}
