//! What to do about each error, in words for the person who reads it.

use keystead_domain::{APPROVAL_NAMESPACE, EnrolmentRefused, NotValidNow, RecoveryRefused};

use super::RecoveryError;
use crate::exchange::{ArmorError, DocumentError};
use crate::ports::{MasterKeyError, SshSignatureError};
use crate::use_cases::keyset_error::{MASTER_KEY_FIX, MASTER_KEY_LOCKED_FIX, store_fix};

pub(super) fn refused_what(refused: &RecoveryRefused) -> &'static str {
    match refused {
        RecoveryRefused::ServerRemoved(_) | RecoveryRefused::NotValidNow(_) => "the request is not answered",
        RecoveryRefused::RetiredIdentity { .. } => "the request needs a confirmation",
        RecoveryRefused::Denied(_) | RecoveryRefused::Answered(_) => "nothing was done with the request",
        RecoveryRefused::OwnRequest { .. }
        | RecoveryRefused::ApprovedAlready(_)
        | RecoveryRefused::NotAnOfficer(_) => "the request was not approved",
        RecoveryRefused::TooFewApprovals { .. } => "the request was not answered",
    }
}

pub(super) fn fix(error: &RecoveryError) -> String {
    match error {
        RecoveryError::Enrolment(error) => document_fix(error, "the enrolment", "keystead server enroll"),
        RecoveryError::Request(error) => document_fix(error, "the request", "keystead recovery request"),
        RecoveryError::UnknownServer(_) => {
            "enrol the server: keystead server enroll there, and with its text here; or use the manager that it is enrolled with".into()
        }
        RecoveryError::OtherServer { .. } => {
            "find out who made the request; the server itself writes its own id into it".into()
        }
        RecoveryError::Replayed { id, .. } => {
            format!("look at it with: keystead recovery show {id}; for another recovery the server makes a new request")
        }
        RecoveryError::OtherRequest(_) => {
            "find out who changed or made it; the server never uses an id twice".into()
        }
        RecoveryError::TooManyRequests { .. } => {
            "find out why it asks so often; the limit is set with: keystead policy set --requests-per-day N".into()
        }
        RecoveryError::NoSuchRequest(_) => {
            "list them with: keystead recovery list; a new text is taken in with: keystead recovery receive FILE".into()
        }
        RecoveryError::NoSuchServer(_) => "list them with: keystead server list".into(),
        RecoveryError::NoSuchOfficer(_) => "list them with: keystead officer list".into(),
        RecoveryError::Ambiguous(_) => "give the whole id".into(),
        RecoveryError::ServerIdTaken { name, .. } => format!(
            "if this is that server with a new identity: keystead server re-enroll \"{name}\" FILE; if not, find out how it came to that id"
        ),
        RecoveryError::IdentityTaken(name) => {
            format!("an identity belongs to one server; if \"{name}\" shall have it back: keystead server re-enroll \"{name}\" FILE")
        }
        RecoveryError::ServerNameTaken(name) => format!(
            "give another name with --name; or, if it is that server rebuilt: keystead server re-enroll \"{name}\" FILE"
        ),
        RecoveryError::UnexpectedFingerprint(_) => {
            "do not go on: the text is not from where it should be, or the fingerprint was misheard; compare again by telephone".into()
        }
        RecoveryError::EnrolmentRefused(EnrolmentRefused::AlreadyCurrent) => {
            "nothing is to be done; keystead server enroll with the same text gives its confirmation again".into()
        }
        RecoveryError::EnrolmentRefused(EnrolmentRefused::TooMany(_)) => {
            "enrol it as a new server under another name".into()
        }
        RecoveryError::OfficerRefused(_) => "list them with: keystead officer list".into(),
        RecoveryError::OfficerKey(_) => {
            "give the .pub file of an Ed25519, ECDSA or RSA key (ssh-keygen -t ed25519 makes one)".into()
        }
        RecoveryError::Policy(_) => "give a value within the bounds; see keystead policy set --help".into(),
        RecoveryError::OfficerSignature(_) => {
            format!("give the file that this wrote: ssh-keygen -Y sign -n {APPROVAL_NAMESPACE} -f KEY STATEMENT")
        }
        RecoveryError::NotAnOfficersKey(_) => {
            "sign with the key that was enrolled (keystead officer list), or enrol this one with: keystead officer add".into()
        }
        RecoveryError::NotApproved { request, error, .. } => match error {
            SshSignatureError::OtherNamespace { expected, .. } => format!("sign again with: ssh-keygen -Y sign -n {expected}"),
            _ => format!("sign what is printed by: keystead recovery show {request} --statement (with the same --allow options)"),
        },
        RecoveryError::Refused(refused) | RecoveryError::NotTaken(refused) => refused_fix(refused),
        RecoveryError::RequestChanged(_) => {
            "do not answer it; find out who changed the database (keystead audit verify), and let the server make a new request".into()
        }
        RecoveryError::RegisterChanged => {
            "somebody changed the database behind the manager's back: find out who (keystead audit verify), and restore it from a backup".into()
        }
        RecoveryError::MissingKeysets(_) => {
            "import the export of each with: keystead keyset import SOURCE (it may stay Inactive); or answer what can be answered with --partial".into()
        }
        RecoveryError::NotAllOpen(_) => {
            "answer what can be answered with --partial; officers can allow other files with --allow-unnamed or --allow-other-servers".into()
        }
        RecoveryError::NothingOpens(_) => {
            "import the keysets that are missing; files of others need officers who approve with --allow-unnamed or --allow-other-servers (keystead recovery show tells which)".into()
        }
        RecoveryError::Response(_) | RecoveryError::Cipher(_) | RecoveryError::Rsa(_) | RecoveryError::Worker(_)
        | RecoveryError::Signing(_) => {
            "try again; if it happens again, report it as a bug".into()
        }
        RecoveryError::Store(error) => store_fix(error).into(),
        RecoveryError::MasterKey(MasterKeyError::NotUnlocked { .. }) => MASTER_KEY_LOCKED_FIX.into(),
        RecoveryError::MasterKey(MasterKeyError::Unusable { .. }) => "see the reason above".into(),
        RecoveryError::MasterKey(_) => MASTER_KEY_FIX.into(),
        RecoveryError::Rotated(_) => "run the command again: it will use the new master key".into(),
        RecoveryError::Randomness(_) => "check the operating system's random device".into(),
    }
}

fn refused_fix(refused: &RecoveryRefused) -> String {
    match refused {
        RecoveryRefused::ServerRemoved(name) => {
            format!("if it shall ask again, bring it back with: keystead server re-enroll \"{name}\" FILE")
        }
        RecoveryRefused::RetiredIdentity { .. } => {
            "make sure by telephone that the right machine asks; then the officers approve with --allow-retired-identity".into()
        }
        RecoveryRefused::NotValidNow(not_valid) => not_valid_fix(not_valid, "let the server make a new request").into(),
        RecoveryRefused::Denied(_) => "if it was denied by mistake, let the server make a new request".into(),
        RecoveryRefused::Answered(_) => {
            "keystead recovery respond prints the same response again; for another one, let the server make a new request".into()
        }
        RecoveryRefused::OwnRequest { .. } => "let another officer approve it".into(),
        RecoveryRefused::ApprovedAlready(_) => "let another officer approve it, if more are needed; who has approved can allow more, with the --allow options".into(),
        RecoveryRefused::NotAnOfficer(_) => "let an officer approve it: keystead officer list".into(),
        RecoveryRefused::TooFewApprovals { .. } => {
            "officers approve with: keystead recovery approve ID; who may is told by: keystead officer list".into()
        }
    }
}

/// What to do about something signed that does not hold now.
pub(crate) fn not_valid_fix(not_valid: &NotValidNow, renew: &'static str) -> &'static str {
    match not_valid {
        NotValidNow::Expired(_, _) | NotValidNow::Span(_, _) => renew,
        NotValidNow::Clock(_, _) => "set the clocks of both machines right, then do this step again",
    }
}

/// What to do about a text that is not what it should be.
pub(crate) fn document_fix(error: &DocumentError, what: &str, made_by: &str) -> String {
    match error {
        DocumentError::Armor(ArmorError::Missing { .. }) => {
            format!("give {what}: the text that {made_by} wrote")
        }
        DocumentError::Armor(_) | DocumentError::Malformed(_) => {
            format!(
                "copy {what} again, from the first line of dashes to the last; if it stays so, attach it as a file"
            )
        }
        DocumentError::Version(_) => "use a newer version of keystead here".to_owned(),
        DocumentError::Signature(_) => {
            format!(
                "{what} was changed on its way, or is not from where it should be: get it again, and ask who sent it"
            )
        }
        DocumentError::TooLong(_) => "ask for fewer files at once".to_owned(),
    }
}
