use keystead_domain::{
    EnrolmentRefused, Fingerprint, InvalidPolicy, OfficerRefused, OtherMasterKey, PersonName,
    RecoveryRefused, RequestId, ServerId, ServerName, Timestamp,
};

use super::examine::MissingKeysets;
use super::fixes;
use crate::exchange::DocumentError;
use crate::ports::{
    MasterKeyError, MessageCipherError, RandomnessError, RsaError, SigningError, SshSignatureError,
    StoreError,
};
use crate::use_cases::custody::CustodyError;
use crate::use_cases::error_codes::recovery_code;
use crate::use_cases::keyset_error::store_what;
use crate::use_cases::shared::{ChangedMeanwhile, WorkerLost};
use crate::{Explain, Status};

/// Why something about recoveries is not done at the manager.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A text is not the enrolment that was expected.
    #[error("{0}")]
    Enrolment(#[source] DocumentError),
    /// A text is not a recovery request.
    #[error("{0}")]
    Request(#[source] DocumentError),
    /// The response could not be made.
    #[error("{0}")]
    Response(#[source] DocumentError),
    /// The identity is nobody's.
    #[error("it is signed by the identity {}, which no backup server of this manager has", .0.short())]
    UnknownServer(Fingerprint),
    /// The request names another server than the one whose identity signed it.
    #[error("it is signed by an identity of \"{signer}\", and asks in the name of server {named}")]
    OtherServer {
        /// Whose identity it is.
        signer: ServerName,
        /// The server that it names.
        named: ServerId,
    },
    /// The same request was received before.
    #[error("request {id} was received before, at {at}")]
    Replayed {
        /// Its id.
        id: RequestId,
        /// When.
        at: Timestamp,
    },
    /// Another request has this id.
    #[error("another request with the id {0} was received before, and this one differs from it")]
    OtherRequest(RequestId),
    /// Too many requests of one server.
    #[error("\"{server}\" has sent as many requests within a day as are taken: {limit}")]
    TooManyRequests {
        /// The server.
        server: ServerName,
        /// How many are taken.
        limit: u32,
    },
    /// There is no such request.
    #[error("there is no recovery request \"{0}\"")]
    NoSuchRequest(String),
    /// There is no such server.
    #[error("there is no backup server \"{0}\"")]
    NoSuchServer(String),
    /// There is no such officer.
    #[error("there is no officer \"{0}\"")]
    NoSuchOfficer(String),
    /// A name or beginning that several have.
    #[error("\"{0}\" names more than one")]
    Ambiguous(String),
    /// The id that the server had before belongs to another server here.
    #[error("it was enrolled elsewhere as server {id}, and here that is \"{name}\" with another identity")]
    ServerIdTaken {
        /// The id.
        id: ServerId,
        /// Whose it is.
        name: ServerName,
    },
    /// The identity belongs to another server.
    #[error("this identity is one of \"{0}\"")]
    IdentityTaken(ServerName),
    /// Another server has this name.
    #[error("there is a backup server \"{0}\" already")]
    ServerNameTaken(ServerName),
    /// The fingerprint is not the one that was read aloud.
    #[error("the fingerprint is {0}, which is not the one that was expected")]
    UnexpectedFingerprint(Fingerprint),
    /// The identity is not taken.
    #[error(transparent)]
    EnrolmentRefused(#[from] EnrolmentRefused),
    /// The officer is not taken.
    #[error(transparent)]
    OfficerRefused(#[from] OfficerRefused),
    /// The key of an officer cannot be used.
    #[error("{0}")]
    OfficerKey(#[source] SshSignatureError),
    /// The policy is not taken.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// A rule forbids to take a request in.
    #[error("{0}")]
    NotTaken(#[source] RecoveryRefused),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] RecoveryRefused),
    /// A text that is no signature.
    #[error("{0}")]
    OfficerSignature(#[source] SshSignatureError),
    /// A signature of nobody.
    #[error("the signature is of the key {0}, which no officer has")]
    NotAnOfficersKey(String),
    /// A signature that is not under this request.
    #[error("{error}; \"{officer}\" did not sign request {request} as it is here, with these permissions")]
    NotApproved {
        /// The officer.
        officer: PersonName,
        /// The request.
        request: RequestId,
        /// What is wrong with it.
        error: SshSignatureError,
    },
    /// What is stored of the request is not what was approved.
    #[error("what the database holds of request {0} was changed since it was received")]
    RequestChanged(RequestId),
    /// Servers, officers or policy are not what the manager signed.
    #[error("what the database holds of backup servers, officers and policy is not what this manager signed")]
    RegisterChanged,
    /// The register could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Some of the keysets are missing.
    #[error("{0}")]
    MissingKeysets(MissingKeysets),
    /// Some of the files cannot be opened for other reasons.
    #[error("{0}")]
    NotAllOpen(String),
    /// None of the files can be opened.
    #[error("none of the files can be opened: {0}")]
    NothingOpens(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key failed.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The master key was rotated.
    #[error(transparent)]
    Rotated(#[from] OtherMasterKey),
    /// The keys failed.
    #[error(transparent)]
    Rsa(#[from] RsaError),
    /// The response could not be encrypted.
    #[error(transparent)]
    Cipher(#[from] MessageCipherError),
    /// A worker died.
    #[error(transparent)]
    Worker(#[from] WorkerLost),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

impl From<CustodyError> for RecoveryError {
    fn from(error: CustodyError) -> Self {
        match error {
            CustodyError::Store(e) => Self::Store(e),
            CustodyError::MasterKey(e) => Self::MasterKey(e),
            CustodyError::Rsa(e) => Self::Rsa(e),
            CustodyError::Rotated(e) => Self::Rotated(e),
        }
    }
}

impl ChangedMeanwhile for RecoveryError {
    fn changed_meanwhile(&self) -> bool {
        matches!(self, Self::Store(error) if error.changed_meanwhile())
    }
}

impl Explain for RecoveryError {
    fn code(&self) -> &'static str {
        recovery_code(self)
    }

    fn what(&self) -> String {
        match self {
            Self::Enrolment(_)
            | Self::ServerIdTaken { .. }
            | Self::IdentityTaken(_)
            | Self::ServerNameTaken(_)
            | Self::UnexpectedFingerprint(_)
            | Self::EnrolmentRefused(_) => "the backup server was not enrolled",
            Self::Request(_)
            | Self::UnknownServer(_)
            | Self::OtherServer { .. }
            | Self::NotTaken(_)
            | Self::Replayed { .. }
            | Self::OtherRequest(_)
            | Self::TooManyRequests { .. } => "the recovery request was not taken",
            Self::NoSuchRequest(_) | Self::NoSuchServer(_) | Self::NoSuchOfficer(_) | Self::Ambiguous(_) => {
                "nothing was done"
            }
            Self::OfficerRefused(_) | Self::OfficerKey(_) => "the officer was not added",
            Self::Policy(_) => "the policy was not changed",
            Self::OfficerSignature(_) | Self::NotAnOfficersKey(_) | Self::NotApproved { .. } => {
                "the request was not approved"
            }
            Self::Refused(refused) => fixes::refused_what(refused),
            Self::Response(_)
            | Self::RequestChanged(_)
            | Self::MissingKeysets(_)
            | Self::NotAllOpen(_)
            | Self::NothingOpens(_)
            | Self::Cipher(_) => "the request was not answered",
            Self::RegisterChanged => "nothing was done",
            Self::Store(e) => return store_what(e),
            Self::MasterKey(_) => "the master key cannot be used",
            Self::Rotated(_) => "the master key was changed at the same time",
            Self::Rsa(_) | Self::Worker(_) | Self::Randomness(_) | Self::Signing(_) => {
                "the work could not be done"
            }
        }
        .to_owned()
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        fixes::fix(self)
    }

    fn status(&self) -> Status {
        match self {
            Self::NoSuchRequest(_)
            | Self::NoSuchServer(_)
            | Self::NoSuchOfficer(_)
            | Self::MissingKeysets(_) => Status::NotFound,
            Self::MasterKey(MasterKeyError::NotUnlocked { .. }) => Status::NotUnlocked,
            _ => Status::Refused,
        }
    }
}
