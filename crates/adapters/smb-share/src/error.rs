use keystead_application::ports::{ShareError, ShareErrorKind};
use smb2::client::Connection;
use smb2::types::Command;
use smb2::types::status::NtStatus;
use smb2::{Error, ErrorKind};

use crate::access::SmbAccess;
use crate::link::offered;

/// Codes of MS-ERREF, section 2.3.1, that the library has no names for.
mod codes {
    use smb2::types::status::NtStatus;

    pub(super) const OBJECT_PATH_INVALID: NtStatus = NtStatus(0xC000_0039);
    pub(super) const OBJECT_PATH_SYNTAX_BAD: NtStatus = NtStatus(0xC000_003B);
    pub(super) const QUOTA_EXCEEDED: NtStatus = NtStatus(0xC000_0044);
    pub(super) const PRIVILEGE_NOT_HELD: NtStatus = NtStatus(0xC000_0061);
    pub(super) const NO_SUCH_USER: NtStatus = NtStatus(0xC000_0064);
    pub(super) const WRONG_PASSWORD: NtStatus = NtStatus(0xC000_006A);
    pub(super) const MEDIA_WRITE_PROTECTED: NtStatus = NtStatus(0xC000_00A2);
    pub(super) const NETWORK_ACCESS_DENIED: NtStatus = NtStatus(0xC000_00CA);
    pub(super) const NAME_TOO_LONG: NtStatus = NtStatus(0xC000_0106);
    pub(super) const LOGON_TYPE_NOT_GRANTED: NtStatus = NtStatus(0xC000_015B);
    pub(super) const TOO_MANY_LINKS: NtStatus = NtStatus(0xC000_0265);
    pub(super) const REPARSE_POINT_ENCOUNTERED: NtStatus = NtStatus(0xC000_050B);
    pub(super) const DISK_QUOTA_EXCEEDED: NtStatus = NtStatus(0xC000_0802);
    pub(super) const FILE_TOO_LARGE: NtStatus = NtStatus(0xC000_0904);
}

pub(crate) const NO_FOLDER: &str = "its folder does not exist, or is a link that leads out of the share";

/// How the demand for encryption that cannot be met goes on, and what to do then.
pub(crate) const NO_CIPHER: &str = "and it offers no encryption that this program knows (SMB 3 with AES-128)";
pub(crate) const OFFER_CIPHER: &str = "switch SMB 3 encryption with AES-128 on at the server, or use a share without the demand, or a mounted folder";

/// What to do when somebody on the way may be changing what is sent.
pub(crate) const ON_THE_WAY: &str =
    "have the network between here and the server checked before you try again; no answer was believed";

/// A failure of the share as a whole.
pub(crate) fn failed(
    access: &SmbAccess,
    kind: ShareErrorKind,
    operation: &'static str,
    why: impl Into<String>,
) -> ShareError {
    ShareError::new(kind, operation, access.whole(), why)
}

/// What the server or the connection refused, as the share reports it.
pub(crate) fn refused(operation: &'static str, place: String, error: &Error) -> ShareError {
    let kind = kind(error);
    let message = match kind {
        // Samba does not tell one from the other.
        ShareErrorKind::NotFound => {
            "there is no such file, or only a link that leads out of the share".into()
        }
        ShareErrorKind::Exists => "there is a file already".into(),
        ShareErrorKind::NotAFile => "it is a folder, and a file is needed".into(),
        ShareErrorKind::NoFolder => NO_FOLDER.into(),
        ShareErrorKind::ReadOnly => "the medium of the server is read-only".into(),
        ShareErrorKind::NoShare => "the server has no share of this name".into(),
        ShareErrorKind::BadName => {
            "the server takes no such name; it is too long, or holds a character that it does not take".into()
        }
        ShareErrorKind::OutsideShare => "a link on the way leads out of the share".into(),
        ShareErrorKind::Denied => format!("the server does not allow it to this user ({error})"),
        ShareErrorKind::NoSpace => format!("there is no room left ({error})"),
        ShareErrorKind::Untrusted => format!(
            "the answer does not bear the server's signature, so that somebody may have changed it on the way ({error})"
        ),
        ShareErrorKind::Unsupported if error.kind() == ErrorKind::DfsReferral => {
            "it lies on another server (DFS), and this program does not sign in where a server sends it"
                .into()
        }
        ShareErrorKind::Unsupported => format!("the server cannot do this ({error})"),
        ShareErrorKind::NotSignedIn => format!("the server ended the session ({error})"),
        _ => unavailable(error),
    };
    let advice = match kind {
        ShareErrorKind::ReadOnly => Some("use another share, or have the medium made writable at the server"),
        ShareErrorKind::Untrusted => Some(ON_THE_WAY),
        ShareErrorKind::Unsupported if error.kind() == ErrorKind::DfsReferral => {
            Some("name that server's own share")
        }
        ShareErrorKind::Unavailable if is_in_use(error) => {
            Some("try again when nobody has the file open any more")
        }
        _ => None,
    };
    let refused = ShareError::new(kind, operation, place, message);
    match advice {
        Some(advice) => refused.advising(advice),
        None => refused,
    }
}

/// Why somebody could not sign in.
pub(crate) fn sign_in_refused(access: &SmbAccess, connection: &Connection, error: &Error) -> ShareError {
    let user = &access.user;
    let not_signed_in = |why: String| failed(access, ShareErrorKind::NotSignedIn, "sign in", why);
    match error {
        Error::GuestSessionRefused { .. } => not_signed_in(format!(
            "the server offers only a guest's session to {user}, which is not signed"
        )),
        Error::Auth { .. } => not_signed_in(format!(
            "the server and this program know no common way to sign in ({error})"
        ))
        .advising("allow NTLMv2 for this user at the server"),
        _ => match error.status() {
            Some(NtStatus::LOGON_FAILURE | codes::WRONG_PASSWORD | codes::NO_SUCH_USER) => not_signed_in(
                format!("the server does not take the password of {user}, or knows no such user"),
            ),
            Some(NtStatus::ACCOUNT_LOCKED_OUT) => not_signed_in(format!(
                "the account {user} is locked after too many wrong passwords"
            ))
            .advising("unlock the account on the server, and check the password before the next try"),
            Some(NtStatus::PASSWORD_EXPIRED | NtStatus::PASSWORD_MUST_CHANGE) => not_signed_in(format!(
                "the password of {user} has expired"
            ))
            .advising("set a new password on the server, and write it where the old one is configured"),
            Some(NtStatus::ACCOUNT_DISABLED) => {
                not_signed_in(format!("the account {user} is disabled on the server"))
                    .advising("enable the account on the server, or use another one")
            }
            Some(NtStatus::ACCOUNT_EXPIRED) => {
                not_signed_in(format!("the account {user} has expired on the server"))
                    .advising("renew the account on the server, or use another one")
            }
            Some(
                NtStatus::ACCOUNT_RESTRICTION
                | NtStatus::INVALID_LOGON_HOURS
                | NtStatus::INVALID_WORKSTATION
                | codes::LOGON_TYPE_NOT_GRANTED,
            ) => not_signed_in(format!(
                "the account {user} may not sign in from here or at this time ({error})"
            ))
            .advising("allow the account that on the server, or use another one"),
            // What servers say to a session that is not encrypted where all have to be.
            Some(NtStatus::ACCESS_DENIED) if offered(connection).is_none() => {
                let why = format!("the server takes only encrypted sessions, {NO_CIPHER}");
                failed(access, ShareErrorKind::Unsupported, "sign in", why).advising(OFFER_CIPHER)
            }
            _ => refused("sign in", access.whole(), error),
        },
    }
}

/// Why a share could not be opened.
pub(crate) fn share_refused(access: &SmbAccess, connection: &Connection, error: &Error) -> ShareError {
    const OPERATION: &str = "open the share";
    const ASK_FOR_ACCESS: &str = "ask for access of this user to the share";
    match error.status() {
        Some(NtStatus::ACCESS_DENIED) if !connection.should_encrypt() => {
            let why = format!(
                "the share is not for the user {}, or it takes only encrypted requests, {NO_CIPHER}",
                access.user
            );
            failed(access, ShareErrorKind::Denied, OPERATION, why)
                .advising(format!("{ASK_FOR_ACCESS}; or {OFFER_CIPHER}"))
        }
        Some(NtStatus::ACCESS_DENIED) => {
            let why = format!("the share is not for the user {}", access.user);
            failed(access, ShareErrorKind::Denied, OPERATION, why).advising(ASK_FOR_ACCESS)
        }
        Some(NtStatus::OBJECT_NAME_NOT_FOUND | NtStatus::OBJECT_PATH_NOT_FOUND) => {
            let why = "the folder that the share is on the server does not exist there";
            failed(access, ShareErrorKind::NoShare, OPERATION, why)
                .advising("make that folder, or have the path of the share mended at the server")
        }
        _ => refused(OPERATION, access.whole(), error),
    }
}

/// Whether the connection or its session is over.
pub(crate) fn is_broken(error: &Error) -> bool {
    let gone = [
        NtStatus::NETWORK_NAME_DELETED,
        NtStatus::USER_SESSION_DELETED,
        NtStatus::NETWORK_SESSION_EXPIRED,
    ];
    error.status().is_some_and(|status| gone.contains(&status))
        || matches!(
            error.kind(),
            ErrorKind::ConnectionLost
                | ErrorKind::TimedOut
                | ErrorKind::SessionExpired
                | ErrorKind::SignatureInvalid
                | ErrorKind::Io
        )
}

/// Whether a file cannot have a second name there, or this user may not give it one.
pub(crate) fn cannot_link(error: &Error) -> bool {
    matches!(
        error,
        Error::Protocol {
            status: NtStatus::ACCESS_DENIED
                | NtStatus::INVALID_INFO_CLASS
                | NtStatus::INVALID_PARAMETER
                | NtStatus::INVALID_DEVICE_REQUEST
                | NtStatus::NOT_IMPLEMENTED
                | NtStatus::NOT_SUPPORTED
                | codes::TOO_MANY_LINKS,
            command: Command::SetInfo,
        }
    )
}

/// Whether nothing stands at a path, nor a folder that it could stand in.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(kind(error), ShareErrorKind::NotFound | ShareErrorKind::NoFolder)
}

fn kind(error: &Error) -> ShareErrorKind {
    match error.status() {
        Some(status) => kind_of(status),
        None => match error.kind() {
            ErrorKind::SignatureInvalid => ShareErrorKind::Untrusted,
            ErrorKind::AuthRequired | ErrorKind::SigningRequired | ErrorKind::GuestSessionRefused => {
                ShareErrorKind::NotSignedIn
            }
            ErrorKind::DfsReferral | ErrorKind::DfsTargetNotAllowed | ErrorKind::Unsupported => {
                ShareErrorKind::Unsupported
            }
            _ => ShareErrorKind::Unavailable,
        },
    }
}

fn kind_of(status: NtStatus) -> ShareErrorKind {
    match status {
        NtStatus::OBJECT_NAME_NOT_FOUND | NtStatus::NO_SUCH_FILE | NtStatus::NOT_FOUND => {
            ShareErrorKind::NotFound
        }
        NtStatus::OBJECT_NAME_COLLISION => ShareErrorKind::Exists,
        NtStatus::FILE_IS_A_DIRECTORY => ShareErrorKind::NotAFile,
        NtStatus::OBJECT_PATH_NOT_FOUND | NtStatus::NOT_A_DIRECTORY => ShareErrorKind::NoFolder,
        NtStatus::ACCESS_DENIED
        | NtStatus::CANNOT_DELETE
        | codes::NETWORK_ACCESS_DENIED
        | codes::PRIVILEGE_NOT_HELD => ShareErrorKind::Denied,
        NtStatus::DISK_FULL | codes::QUOTA_EXCEEDED | codes::DISK_QUOTA_EXCEEDED | codes::FILE_TOO_LARGE => {
            ShareErrorKind::NoSpace
        }
        NtStatus::OBJECT_NAME_INVALID
        | codes::NAME_TOO_LONG
        | codes::OBJECT_PATH_INVALID
        | codes::OBJECT_PATH_SYNTAX_BAD => ShareErrorKind::BadName,
        NtStatus::STOPPED_ON_SYMLINK | codes::REPARSE_POINT_ENCOUNTERED => ShareErrorKind::OutsideShare,
        codes::MEDIA_WRITE_PROTECTED => ShareErrorKind::ReadOnly,
        NtStatus::BAD_NETWORK_NAME | NtStatus::BAD_NETWORK_PATH => ShareErrorKind::NoShare,
        NtStatus::LOGON_FAILURE
        | NtStatus::ACCOUNT_RESTRICTION
        | NtStatus::ACCOUNT_DISABLED
        | NtStatus::ACCOUNT_EXPIRED
        | NtStatus::ACCOUNT_LOCKED_OUT
        | NtStatus::PASSWORD_EXPIRED
        | NtStatus::PASSWORD_MUST_CHANGE => ShareErrorKind::NotSignedIn,
        NtStatus::NOT_SUPPORTED
        | NtStatus::NOT_IMPLEMENTED
        | NtStatus::INVALID_DEVICE_REQUEST
        | NtStatus::FILE_SYSTEM_LIMITATION
        | NtStatus::PATH_NOT_COVERED => ShareErrorKind::Unsupported,
        _ => ShareErrorKind::Unavailable,
    }
}

fn is_in_use(error: &Error) -> bool {
    let in_use = [
        NtStatus::SHARING_VIOLATION,
        NtStatus::FILE_LOCK_CONFLICT,
        NtStatus::DELETE_PENDING,
    ];
    error.status().is_some_and(|status| in_use.contains(&status))
}

fn unavailable(error: &Error) -> String {
    if is_in_use(error) {
        return format!("somebody else has the file open ({error})");
    }
    match error {
        Error::ConnectFailed { attempts, .. } => {
            let tried: Vec<String> = attempts.iter().map(ToString::to_string).collect();
            format!("the server cannot be reached ({})", tried.join("; "))
        }
        Error::Timeout | Error::SendTimeout { .. } | Error::CreditStarvation { .. } => {
            format!("the server does not answer ({error})")
        }
        Error::Disconnected | Error::SendFailed { .. } | Error::ServerUnresponsive { .. } => {
            format!("the connection was cut ({error})")
        }
        _ => format!("the server cannot be reached or used ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_by_its_number() {
        let kind = |status| {
            kind(&Error::Protocol {
                status: NtStatus(status),
                command: Command::Create,
            })
        };
        for (status, expected) in [
            (0xC000_0034, ShareErrorKind::NotFound),
            (0xC000_0035, ShareErrorKind::Exists),
            (0xC000_003A, ShareErrorKind::NoFolder),
            (0xC000_00BA, ShareErrorKind::NotAFile),
            (0xC000_0022, ShareErrorKind::Denied),
            (0xC000_007F, ShareErrorKind::NoSpace),
            (0xC000_0044, ShareErrorKind::NoSpace),
            (0xC000_0033, ShareErrorKind::BadName),
            (0xC000_0106, ShareErrorKind::BadName),
            (0x8000_002D, ShareErrorKind::OutsideShare),
            (0xC000_00A2, ShareErrorKind::ReadOnly),
            (0xC000_00CC, ShareErrorKind::NoShare),
            (0xC000_006D, ShareErrorKind::NotSignedIn),
            (0xC000_0257, ShareErrorKind::Unsupported),
            (0xC000_0043, ShareErrorKind::Unavailable),
            (0xC000_00C9, ShareErrorKind::Unavailable),
            (0xC000_DEAD, ShareErrorKind::Unavailable),
        ] {
            assert_eq!(kind(status), expected, "{status:X}");
        }
    }
}
