use keystead_domain::{
    CodeRefused, InvalidTokenLifetime, InvalidUserName, JobId, Operation, SessionEnded, TokenRefused,
    TooManyAttempts, UserName, UserRefused, WeakPassword,
};

use crate::ports::{
    MasterKeyError, PasswordHasherError, RandomnessError, SigningError, StoreError, StoreErrorKind,
};
use crate::use_cases::RecoveryError;
use crate::use_cases::error_codes::{master_key_code, store_code};
use crate::use_cases::keyset_error::{store_fix, store_what};
use crate::use_cases::shared::ChangedMeanwhile;
use crate::{Explain, Status};

/// Why somebody does not get in, or something about accounts is not done.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nothing was given to be known by.
    #[error("the request names nobody: it brings neither a token nor a session")]
    NotSignedIn,
    /// What was given is not known. Which part of it is wrong is not told.
    #[error("the token, session or identity is not known here, or not valid any more")]
    NotKnown,
    /// The session is over.
    #[error(transparent)]
    SessionEnded(#[from] SessionEnded),
    /// The token does not hold.
    #[error(transparent)]
    TokenRefused(#[from] TokenRefused),
    /// The role does not allow it.
    #[error("{who} may not do that ({operation:?})")]
    Forbidden {
        /// Who asked.
        who: String,
        /// What.
        operation: Operation,
    },
    /// Name and password do not belong together. Which of them is wrong is not told.
    #[error("the name or the password is wrong")]
    WrongPassword,
    /// Too many wrong passwords.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// A private key is exported only when the password is given again.
    #[error("this exports private keys, so the password is asked for again")]
    PasswordNeeded,
    /// The one-time code is not taken.
    #[error("the code is wrong, was used, or is over")]
    CodeRefused,
    /// There are users already.
    #[error("there is a user already, so the first one cannot be made any more")]
    NotTheFirst,
    /// There is no such user.
    #[error("there is no user \"{0}\"")]
    NoSuchUser(UserName),
    /// There is no such token.
    #[error("there is no token {0}")]
    NoSuchToken(String),
    /// There is no such job, or it is somebody else's.
    #[error("there is no job {0}")]
    NoSuchJob(JobId),
    /// The name is none.
    #[error(transparent)]
    UserName(#[from] InvalidUserName),
    /// The user is not changed so.
    #[error(transparent)]
    UserRefused(#[from] UserRefused),
    /// The password is not taken.
    #[error(transparent)]
    WeakPassword(#[from] WeakPassword),
    /// The time of a token.
    #[error(transparent)]
    TokenLifetime(#[from] InvalidTokenLifetime),
    /// It is not what the person saw any more.
    #[error("it was changed since it was looked at")]
    ChangedSinceSeen,
    /// What is stored is not what the manager signed.
    #[error("what the database holds of {kind} \"{key}\" is not what this manager signed")]
    RecordChanged {
        /// Which kind of record.
        kind: &'static str,
        /// Which one.
        key: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key failed.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// Something could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A password could not be hashed.
    #[error(transparent)]
    Hasher(#[from] PasswordHasherError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The enrolment failed.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
}

impl From<CodeRefused> for AccessError {
    fn from(_: CodeRefused) -> Self {
        Self::CodeRefused
    }
}

impl ChangedMeanwhile for AccessError {
    fn changed_meanwhile(&self) -> bool {
        matches!(self, Self::Store(error) if error.kind == StoreErrorKind::Conflict)
    }
}

impl Explain for AccessError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "not-signed-in",
            Self::NotKnown
            | Self::SessionEnded(_)
            | Self::TokenRefused(TokenRefused::Expired(_) | TokenRefused::Revoked(_)) => {
                "credential-not-valid"
            }
            Self::TokenRefused(_) | Self::TokenLifetime(_) => "token-refused",
            Self::Forbidden { .. } => "forbidden",
            Self::WrongPassword => "wrong-password",
            Self::TooManyAttempts(_) => "too-many-attempts",
            Self::PasswordNeeded => "password-needed",
            Self::CodeRefused => "code-refused",
            Self::NotTheFirst => "already-set-up",
            Self::NoSuchUser(_) => "user-not-found",
            Self::NoSuchToken(_) => "token-not-found",
            Self::NoSuchJob(_) => "job-not-found",
            Self::UserName(_) => "invalid-input",
            Self::UserRefused(UserRefused::NameTaken(_)) => "user-taken",
            Self::UserRefused(_) => "user-refused",
            Self::WeakPassword(_) => "weak-password",
            Self::ChangedSinceSeen => "changed-meanwhile",
            Self::RecordChanged { .. } => "database-tampered-with",
            Self::Store(error) => store_code(error),
            Self::MasterKey(error) => master_key_code(error),
            Self::Signing(_) | Self::Hasher(_) | Self::Randomness(_) => "internal",
            Self::Recovery(error) => error.code(),
        }
    }

    fn what(&self) -> String {
        match self {
            Self::NotSignedIn | Self::NotKnown | Self::SessionEnded(_) => "you are not signed in",
            Self::TokenRefused(TokenRefused::Expired(_) | TokenRefused::Revoked(_)) => {
                "you are not signed in"
            }
            Self::TokenRefused(_) | Self::TokenLifetime(_) => "the token was not made",
            Self::Forbidden { .. } => "this is not allowed",
            Self::WrongPassword | Self::TooManyAttempts(_) => "the password was not taken",
            Self::PasswordNeeded => "nothing was exported",
            Self::CodeRefused | Self::NotTheFirst => "the code was not taken",
            Self::NoSuchUser(_) | Self::NoSuchToken(_) | Self::NoSuchJob(_) => "it was not found",
            Self::UserName(_) | Self::UserRefused(_) | Self::WeakPassword(_) => "the user was not changed",
            Self::ChangedSinceSeen => "somebody else changed the same thing at the same time",
            Self::RecordChanged { .. } => "the database was tampered with",
            Self::Store(error) => return store_what(error),
            Self::MasterKey(_) => "the master key cannot be used",
            Self::Signing(_) | Self::Hasher(_) | Self::Randomness(_) => "the work could not be done",
            Self::Recovery(error) => return error.what(),
        }
        .to_owned()
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        match self {
            Self::NotSignedIn => "give a token with --token-file FILE or in KEYSTEAD_TOKEN; an admin makes one with: keystead token create",
            Self::NotKnown | Self::SessionEnded(_) | Self::TokenRefused(TokenRefused::Expired(_) | TokenRefused::Revoked(_)) => {
                "sign in again, or use a token that holds; an admin makes one with: keystead token create"
            }
            Self::TokenRefused(_) => "choose another role or another right",
            Self::TokenLifetime(_) => "choose 1 to 366 days",
            Self::Forbidden { .. } => "ask somebody who has the role for it",
            Self::WrongPassword => "try again; an admin sets another password with: keystead user password NAME",
            Self::TooManyAttempts(_) => "wait; an admin at the manager ends it with: keystead user unlock NAME",
            Self::PasswordNeeded => "give the password of the one who is signed in, or use a token that was made with --may-export",
            Self::CodeRefused => "ask for a new code",
            Self::NotTheFirst => "sign in as the user that there is; at the manager one is added with: keystead user add NAME",
            Self::NoSuchUser(_) => "list them with: keystead user list",
            Self::NoSuchToken(_) => "list them with: keystead token list",
            Self::NoSuchJob(_) => "what came of a job is kept for 7 days, for the one who asked for it",
            Self::UserName(_) => "choose another name",
            Self::UserRefused(UserRefused::LastAdmin(_)) => "make another user admin, then repeat it",
            Self::UserRefused(_) => "look at the users with: keystead user list",
            Self::WeakPassword(_) => "choose a longer one; a few unrelated words are good",
            Self::ChangedSinceSeen => "look again and repeat it if it is still wanted",
            Self::RecordChanged { .. } => {
                "find out who can write to the database; then restore it from a backup that is older than the change"
            }
            Self::Store(error) => return store_fix(error).to_owned(),
            Self::MasterKey(_) => "use the master key of this installation; its id is shown by: keystead db status",
            Self::Signing(_) | Self::Hasher(_) => "try again; if it happens again, report it as a bug",
            Self::Randomness(_) => "check the operating system's random device",
            Self::Recovery(error) => return error.fix(),
        }
        .to_owned()
    }

    fn status(&self) -> Status {
        match self {
            Self::NoSuchUser(_) | Self::NoSuchToken(_) | Self::NoSuchJob(_) => Status::NotFound,
            Self::WrongPassword
            | Self::PasswordNeeded
            | Self::NotSignedIn
            | Self::NotKnown
            | Self::SessionEnded(_)
            | Self::MasterKey(MasterKeyError::NotUnlocked { .. }) => Status::NotUnlocked,
            Self::UserName(_) => Status::Usage,
            Self::Recovery(error) => error.status(),
            _ => Status::Refused,
        }
    }
}
