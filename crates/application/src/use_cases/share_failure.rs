//! What a failure of a share means for the person at the command.

use thiserror::Error;

use super::error_codes::share_code;
use crate::ports::{ShareError, ShareErrorKind};
use crate::{Explain, Status};

/// A failure of work with a share alone, such as a test of it.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct ShareFailure(#[from] pub ShareError);

impl Explain for ShareFailure {
    fn code(&self) -> &'static str {
        share_code(&self.0)
    }

    fn what(&self) -> String {
        share_what(&self.0)
    }

    fn why(&self) -> String {
        self.0.to_string()
    }

    fn fix(&self) -> String {
        share_fix(&self.0)
    }

    fn status(&self) -> Status {
        share_status(&self.0)
    }
}

pub(super) fn share_what(error: &ShareError) -> String {
    match error.kind {
        ShareErrorKind::NotFound => "the file was not found",
        ShareErrorKind::Exists => "the file was not written",
        ShareErrorKind::NotAFile | ShareErrorKind::NoFolder | ShareErrorKind::BadLocation => {
            "the location cannot be used"
        }
        ShareErrorKind::BadName => "the name of the file cannot be used",
        ShareErrorKind::OutsideShare => "the path leads out of the file share",
        ShareErrorKind::Denied => "the file share does not allow it",
        ShareErrorKind::ReadOnly => "the file share is read-only",
        ShareErrorKind::NoSpace => "the file share has no room left",
        ShareErrorKind::NoShare => "the file share was not found",
        ShareErrorKind::NotSignedIn => "the file share did not let us sign in",
        ShareErrorKind::Untrusted => "the server has not proven who it is",
        ShareErrorKind::NotAsWritten => "the file share did not keep what was written",
        ShareErrorKind::Unsupported => "the file share cannot do this",
        ShareErrorKind::Unavailable => "the file share does not work",
    }
    .to_owned()
}

pub(super) fn share_fix(error: &ShareError) -> String {
    error
        .advice
        .clone()
        .unwrap_or_else(|| usual_fix(error.kind).to_owned())
}

fn usual_fix(kind: ShareErrorKind) -> &'static str {
    match kind {
        ShareErrorKind::NotFound => "check the path",
        ShareErrorKind::Exists => "choose another name, or allow it with --overwrite",
        ShareErrorKind::NotAFile => "give the path of a file",
        ShareErrorKind::NoFolder => "create the folder first, and check that the disk or share is mounted",
        ShareErrorKind::BadLocation => {
            "give a path, such as /mnt/safe/keyset.pem, a URL, or share:NAME/path; write ./ before a name with a colon in it"
        }
        ShareErrorKind::BadName => "choose a shorter name, without unusual characters",
        ShareErrorKind::OutsideShare => {
            "give a path on the share itself, without .. and without links that lead elsewhere"
        }
        ShareErrorKind::Denied => "check what the user may do on the share, in the folder and with the file",
        ShareErrorKind::ReadOnly => {
            "use another file share, or allow writing to this one (read_only in its configuration)"
        }
        ShareErrorKind::NoSpace => "make room and try again; no half-written file was left under the name",
        ShareErrorKind::NoShare => {
            "list the configured shares with: keystead share list; check the name on the server"
        }
        ShareErrorKind::NotSignedIn => {
            "check the user name and the password or key: username and password_file of the share in the configuration, or KEYSTEAD_SHARE_PASSWORD_FILE for a URL"
        }
        ShareErrorKind::Untrusted => {
            "go on only when the administrator of the server has confirmed its host key or certificate; then configure that"
        }
        ShareErrorKind::NotAsWritten => "do not rely on the file; use another disk or share",
        ShareErrorKind::Unsupported => {
            "check the address, and what the server can do; or use another file share"
        }
        ShareErrorKind::Unavailable => {
            "try again, and check that the disk or share is mounted and the server is reached"
        }
    }
}

pub(super) fn share_status(error: &ShareError) -> Status {
    match error.kind {
        ShareErrorKind::NotFound | ShareErrorKind::NoShare => Status::NotFound,
        ShareErrorKind::NotSignedIn => Status::NotUnlocked,
        _ => Status::Refused,
    }
}
