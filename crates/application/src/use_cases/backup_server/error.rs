use keystead_domain::{Fingerprint, MAX_REQUESTED_FILES, NotValidNow, RequestId, Timestamp};

use crate::exchange::{DocumentError, MalformedFileKeys};
use crate::ports::{
    FolderError, FolderErrorKind, MessageCipherError, RandomnessError, SigningError, SshSignatureError,
};
use crate::use_cases::BackupError;
use crate::use_cases::recovery::{document_fix, not_valid_fix};
use crate::{Explain, Status};

/// Why something about recoveries is not done at the backup server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It has no identity.
    #[error("this machine has no identity as a backup server")]
    NoIdentity,
    /// No manager is trusted yet.
    #[error("this backup server is not enrolled with a manager yet")]
    NotEnrolled,
    /// A text is not the confirmation of a manager.
    #[error("{0}")]
    Confirmation(#[source] DocumentError),
    /// A confirmation is for another machine.
    #[error("it confirms the identity {}, and this machine's is {}", .confirmed.short(), .own.short())]
    OtherIdentity {
        /// The identity in it.
        confirmed: Fingerprint,
        /// Ours.
        own: Fingerprint,
    },
    /// A newer confirmation of the same manager was trusted before.
    #[error("it was made at {found}, and one that was made at {newer} was trusted before")]
    OldConfirmation {
        /// When this one was made.
        found: Timestamp,
        /// When the newer one was.
        newer: Timestamp,
    },
    /// The fingerprint is not the one that was read aloud.
    #[error("the manager's fingerprint is {0}, which is not the one that was expected")]
    UnexpectedFingerprint(Fingerprint),
    /// The request cannot be made.
    #[error("{0}")]
    Request(#[source] DocumentError),
    /// A file that only a password opens.
    #[error("{0} has no slot for a keyset, so that no manager can open it")]
    NoKeysetSlot(String),
    /// More files than one request carries.
    #[error("{0} files were given, and a request carries at most {MAX_REQUESTED_FILES}")]
    TooManyFiles(usize),
    /// No file to ask for.
    #[error("no sealed file was given")]
    NoFiles,
    /// A text is not a response.
    #[error("{0}")]
    Response(#[source] DocumentError),
    /// Another manager signed it.
    #[error("it is signed by the manager {}, and this server trusts {}", .found.short(), .trusted.short())]
    OtherManager {
        /// Who signed it.
        found: Fingerprint,
        /// Who is trusted.
        trusted: Fingerprint,
    },
    /// It answers another server.
    #[error("it answers server {0}, which is another one than this")]
    OtherServer(String),
    /// It answers a request that was not made here.
    #[error("it answers request {0}, which was not made on this machine")]
    OtherRequest(RequestId),
    /// It answers a request with this id and another content.
    #[error("it answers a request {0} that differs from the one that was made here")]
    ChangedRequest(RequestId),
    /// It does not hold now.
    #[error("{0}")]
    NotValidNow(#[from] NotValidNow),
    /// The time for which the keys may be kept is over.
    #[error("the keys for request {0} could be used until {1}, and are destroyed")]
    KeysExpired(RequestId, Timestamp),
    /// The key that opens the response is gone.
    #[error("the key that opens the response to request {0} is not here any more")]
    NoResponseKey(RequestId),
    /// Everything was opened.
    #[error("all files of request {0} were opened, and its keys are destroyed")]
    Finished(RequestId),
    /// What a manager encrypted is not what it should be.
    #[error(transparent)]
    FileKeys(#[from] MalformedFileKeys),
    /// The identity here is another one than the manager confirmed.
    #[error("the identity {} of this machine is new, and the manager has not confirmed it yet", .0.short())]
    NotConfirmed(Fingerprint),
    /// The keys of a request are gone.
    #[error("the time of request {0} was over, and its keys are destroyed")]
    Over(RequestId),
    /// A request without an answer.
    #[error("no response to request {0} was applied yet")]
    NoResponseYet(RequestId),
    /// There is no such request.
    #[error("there is no request \"{0}\" on this machine")]
    NoSuchRequest(String),
    /// A document of our own cannot be read.
    #[error("{0} is damaged: {1}")]
    Damaged(String, String),
    /// Our folder failed.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The response does not open.
    #[error(transparent)]
    Cipher(#[from] MessageCipherError),
    /// No identity could be made.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Signing failed.
    #[error(transparent)]
    Ssh(#[from] SshSignatureError),
    /// A file failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

impl Explain for ServerError {
    fn what(&self) -> String {
        match self {
            Self::Confirmation(_)
            | Self::OtherIdentity { .. }
            | Self::OldConfirmation { .. }
            | Self::UnexpectedFingerprint(_) => "the manager is not trusted",
            Self::NoIdentity | Self::NotEnrolled | Self::NotConfirmed(_) => {
                "this command needs an enrolled backup server"
            }
            Self::Request(_) | Self::NoKeysetSlot(_) | Self::NoFiles | Self::TooManyFiles(_) => {
                "no recovery request was made"
            }
            Self::Response(_)
            | Self::OtherManager { .. }
            | Self::OtherServer(_)
            | Self::OtherRequest(_)
            | Self::ChangedRequest(_)
            | Self::NotValidNow(_)
            | Self::NoResponseKey(_)
            | Self::FileKeys(_)
            | Self::Cipher(_) => "the response was not applied",
            Self::KeysExpired(_, _)
            | Self::Finished(_)
            | Self::NoSuchRequest(_)
            | Self::Over(_)
            | Self::NoResponseYet(_) => "nothing was opened",
            Self::Damaged(_, _) => "a document of this backup server cannot be used",
            Self::Folder(_) => "the folder of this backup server cannot be used",
            Self::Signing(_) | Self::Ssh(_) | Self::Randomness(_) => "the work could not be done",
            Self::Backup(error) => return error.what(),
        }
        .to_owned()
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        match self {
            Self::NoIdentity | Self::NotEnrolled => {
                "run keystead server enroll here, and bring its text to the manager".into()
            }
            Self::NotConfirmed(_) => {
                "bring its text (keystead server enroll) to the manager, and there run: keystead server re-enroll NAME FILE".into()
            }
            Self::Confirmation(error) => {
                document_fix(error, "the confirmation", "keystead server enroll at the manager")
            }
            Self::OtherIdentity { .. } => {
                "use the confirmation for this machine; or enrol its present identity again: keystead server enroll".into()
            }
            Self::OldConfirmation { .. } => {
                "nothing is to be done; for a new one run keystead server enroll here, and with its text at the manager".into()
            }
            Self::UnexpectedFingerprint(_) => {
                "do not go on: the text is not from where it should be, or the fingerprint was misheard; compare again by telephone".into()
            }
            Self::Request(error) => document_fix(error, "the files", "keystead seal"),
            Self::NoKeysetSlot(_) => "leave the file out; it opens with its password alone".into(),
            Self::TooManyFiles(_) => "make a request for each part of them".into(),
            Self::NoResponseYet(_) => "give the text of the response: keystead recovery apply FILE".into(),
            Self::NoFiles => "name the sealed files, or give a list with --files-from FILE".into(),
            Self::Response(error) => document_fix(error, "the response", "keystead recovery respond"),
            Self::OtherManager { .. } => {
                "if the manager was replaced, enrol with the new one (keystead server enroll), and make a new request".into()
            }
            Self::OtherServer(_) | Self::OtherRequest(_) => {
                "apply it on the machine that made the request; nobody else can open it".into()
            }
            Self::ChangedRequest(_) => "find out who changed the request on its way, and make a new one".into(),
            Self::NotValidNow(not_valid) => {
                not_valid_fix(not_valid, "make a new request with: keystead recovery request").into()
            }
            Self::KeysExpired(_, _) | Self::NoResponseKey(_) | Self::Over(_) => {
                "make a new request with: keystead recovery request".into()
            }
            Self::Finished(_) => "for other files make a new request with: keystead recovery request".into(),
            Self::NoSuchRequest(_) => "list them with: keystead recovery list".into(),
            Self::FileKeys(_) => "let the manager answer a new request; if it happens again, report it as a bug".into(),
            Self::Cipher(_) => "get the response again; if it stays so, make a new request".into(),
            Self::Damaged(_, _) => {
                "restore the folder from a backup of this machine's configuration, or enrol it anew with: keystead server enroll --new-identity".into()
            }
            Self::Folder(error) => folder_fix(error).into(),
            Self::Signing(_) | Self::Ssh(_) => "try again; if it happens again, report it as a bug".into(),
            Self::Randomness(_) => "check the operating system's random device".into(),
            Self::Backup(error) => error.fix(),
        }
    }

    fn status(&self) -> Status {
        match self {
            Self::NoSuchRequest(_) | Self::NoIdentity | Self::NotEnrolled => Status::NotFound,
            Self::Cipher(_) | Self::NoResponseKey(_) => Status::NotUnlocked,
            Self::Backup(error) => error.status(),
            _ => Status::Refused,
        }
    }
}

fn folder_fix(error: &FolderError) -> &'static str {
    match error.kind {
        FolderErrorKind::Exists => "look at what is there; nothing was overwritten",
        FolderErrorKind::Busy => "wait until the other keystead has finished, then try again",
        FolderErrorKind::Unsafe => "see the reason above",
        FolderErrorKind::NoSpace => "make room on the disk or make it writable; nothing was lost",
        FolderErrorKind::Unavailable => {
            "check the data directory, or choose another one with KEYSTEAD_DATA_DIR"
        }
    }
}
