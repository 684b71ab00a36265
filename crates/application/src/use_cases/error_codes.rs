//! The words by which programs tell errors apart. One is never given another meaning; what a person reads may change.

use keystead_domain::keyset::DeletionRefused;

use super::{InstallationError, KeysetError, RecoveryError};
use crate::ports::{
    ExportCodecError, MasterKeyError, RsaError, ShareError, ShareErrorKind, StoreError, StoreErrorKind,
};

pub(super) fn keyset_code(error: &KeysetError) -> &'static str {
    use KeysetError as E;
    match error {
        E::NotFound(_) => "keyset-not-found",
        E::Ambiguous(_) => "keyset-ambiguous",
        E::NoActive => "no-active-keyset",
        E::ChangedSinceSeen => "changed-meanwhile",
        E::Transition(_) => "not-activated",
        E::Deletion(DeletionRefused::Active) => "keyset-active",
        E::Deletion(DeletionRefused::NeverExported) => "keyset-never-exported",
        E::Rotated(_) => "master-key-rotated",
        E::WeakPassphrase(_) => "weak-passphrase",
        E::PassphraseNeeded => "passphrase-needed",
        E::HintNeeded(_) => "hint-needed",
        E::OtherFingerprint { .. } => "other-fingerprint",
        E::AlreadyHere { .. } => "keyset-already-here",
        E::Pairing(_) | E::MetadataChanged(_) => "export-tampered-with",
        E::FileTooLong(_) => "export-too-long",
        E::Destination(_) => "nothing-to-export",
        E::ReadBack { .. } => "export-not-verified",
        E::NotRecorded { .. } => "export-not-recorded",
        E::CutShort { .. } => "export-cut-short",
        E::Codec(ExportCodecError::NotUnlocked) => "not-unlocked",
        E::Codec(ExportCodecError::TooMuchWork(_)) => "too-much-work",
        E::Codec(ExportCodecError::Encode(_)) => "internal",
        E::Codec(_) => "export-not-usable",
        E::Rsa(error) => rsa_code(error),
        E::Store(error) => store_code(error),
        E::MasterKey(error) => master_key_code(error),
        E::Share(error) => share_code(error),
        E::Randomness(_) | E::Worker(_) => "internal",
    }
}

pub(super) fn recovery_code(error: &RecoveryError) -> &'static str {
    use RecoveryError as E;
    match error {
        E::Enrolment(_) => "enrolment-not-usable",
        E::Request(_) => "recovery-request-not-usable",
        E::UnknownServer(_) | E::OtherServer { .. } => "server-unknown",
        E::Replayed { .. } | E::OtherRequest(_) => "recovery-request-replayed",
        E::TooManyRequests { .. } => "too-many-recovery-requests",
        E::NoSuchRequest(_) => "recovery-not-found",
        E::NoSuchServer(_) => "server-not-found",
        E::NoSuchOfficer(_) => "officer-not-found",
        E::Ambiguous(_) => "ambiguous",
        E::ServerIdTaken { .. } | E::IdentityTaken(_) | E::ServerNameTaken(_) => "server-taken",
        E::UnexpectedFingerprint(_) => "other-fingerprint",
        E::EnrolmentRefused(_) => "enrolment-refused",
        E::OfficerRefused(_) => "officer-taken",
        E::OfficerKey(_) => "officer-key-not-usable",
        E::Policy(_) => "policy-out-of-bounds",
        E::NotTaken(_) | E::Refused(_) => "recovery-refused",
        E::OfficerSignature(_) | E::NotAnOfficersKey(_) | E::NotApproved { .. } => "approval-not-valid",
        E::RequestChanged(_) | E::RegisterChanged => "database-tampered-with",
        E::MissingKeysets(_) => "keysets-missing",
        E::NotAllOpen(_) => "recovery-partial",
        E::NothingOpens(_) => "recovery-opens-nothing",
        E::Store(error) => store_code(error),
        E::MasterKey(error) => master_key_code(error),
        E::Rotated(_) => "master-key-rotated",
        E::Rsa(error) => rsa_code(error),
        E::Response(_) | E::Cipher(_) | E::Worker(_) | E::Randomness(_) | E::Signing(_) => "internal",
    }
}

pub(super) fn installation_code(error: &InstallationError) -> &'static str {
    use InstallationError as E;
    match error {
        E::NotInitialised => "not-initialised",
        E::AlreadyInitialised(_) => "already-initialised",
        E::MasterKeyMissing { .. }
        | E::OtherMasterKey { .. }
        | E::NoProvider { .. }
        | E::KeyCheckFailed(_) => "master-key-unusable",
        E::Store(error) => store_code(error),
        E::MasterKey(error) => master_key_code(error),
        E::Keyset(error) => keyset_code(error),
        E::Signing(_) | E::Randomness(_) => "internal",
    }
}

pub(super) fn store_code(error: &StoreError) -> &'static str {
    match error.kind {
        StoreErrorKind::Conflict => "changed-meanwhile",
        StoreErrorKind::Duplicate => "already-there",
        StoreErrorKind::Corrupt => "database-damaged",
        StoreErrorKind::Newer | StoreErrorKind::NotMigrated => "database-schema",
        StoreErrorKind::Busy | StoreErrorKind::Undone | StoreErrorKind::Disconnected => {
            "database-unavailable"
        }
        StoreErrorKind::CommitUnknown => "outcome-unknown",
        StoreErrorKind::NoSpace => "database-full",
        StoreErrorKind::Unaudited | StoreErrorKind::Unavailable => "database-failed",
    }
}

pub(super) fn master_key_code(error: &MasterKeyError) -> &'static str {
    match error {
        MasterKeyError::OtherKey { .. } => "master-key-rotated",
        _ => "master-key-unusable",
    }
}

fn rsa_code(error: &RsaError) -> &'static str {
    match error {
        RsaError::NotAccepted(_) => "key-not-accepted",
        RsaError::Malformed { .. } => "export-not-usable",
        _ => "internal",
    }
}

pub(super) fn share_code(error: &ShareError) -> &'static str {
    match error.kind {
        ShareErrorKind::NotFound => "share-path-not-found",
        ShareErrorKind::Exists => "share-file-exists",
        _ => "share-failed",
    }
}
