use keystead_application::ports::{ShareError, ShareErrorKind};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;

/// What a server answered instead of doing what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is no such file, or a part of the path is none.
    Missing,
    /// The user may not.
    Denied,
    /// The server cannot do this.
    Unsupported,
    /// The server does not take the request as it is: OpenSSH says so of names.
    NotTaken,
    /// It failed. OpenSSH says no more of a full disk, a file that is there already, and much else.
    Failed,
    /// There is no answer: the link broke.
    LinkLost(String),
}

pub(crate) fn answer(error: &SftpError) -> Answer {
    match error {
        SftpError::Status(status) => match status.status_code {
            StatusCode::NoSuchFile => Answer::Missing,
            StatusCode::PermissionDenied => Answer::Denied,
            StatusCode::OpUnsupported => Answer::Unsupported,
            StatusCode::BadMessage => Answer::NotTaken,
            StatusCode::NoConnection | StatusCode::ConnectionLost => {
                Answer::LinkLost("the server lost what it is connected to".to_owned())
            }
            StatusCode::Ok | StatusCode::Eof | StatusCode::Failure => Answer::Failed,
        },
        // This side refused to send it.
        SftpError::Limited(_) => Answer::Failed,
        SftpError::IO(why) => Answer::LinkLost(why.clone()),
        SftpError::Timeout => Answer::LinkLost("no answer came".to_owned()),
        SftpError::UnexpectedPacket => Answer::LinkLost("the server answered something else".to_owned()),
        // The library's words for a channel that ended are about itself.
        SftpError::UnexpectedBehavior(_) => Answer::LinkLost("it ended".to_owned()),
    }
}

/// A step that failed, as the share reports it.
pub(crate) fn failed(
    kind: ShareErrorKind,
    operation: &'static str,
    place: &str,
    message: impl Into<String>,
) -> ShareError {
    ShareError::new(kind, operation, place, message)
}

pub(crate) fn link_lost(operation: &'static str, place: &str, why: &str) -> ShareError {
    let message = format!("the connection to the server broke ({why})");
    failed(ShareErrorKind::Unavailable, operation, place, message)
}

/// An answer that needs no second look.
pub(crate) fn plainly(operation: &'static str, place: &str, answer: &Answer) -> ShareError {
    let (kind, message) = match answer {
        Answer::Missing => (ShareErrorKind::NotFound, "there is no such file"),
        Answer::Denied => (
            ShareErrorKind::Denied,
            "the permissions on the server do not allow it to this user",
        ),
        Answer::Unsupported => (ShareErrorKind::Unsupported, "the server cannot do this"),
        Answer::NotTaken => (
            ShareErrorKind::BadName,
            "the server takes no such name; it is too long, or holds a character that it does not take",
        ),
        Answer::Failed => (
            ShareErrorKind::Unsupported,
            "the server answered that it failed, and gave no reason",
        ),
        Answer::LinkLost(why) => return link_lost(operation, place, why),
    };
    let error = failed(kind, operation, place, message);
    match answer {
        // An answer is no broken link: the same request would fail again.
        Answer::Failed => error.advising(
            "look at the log of the server; servers answer so to a used-up quota, a full or broken disk, and much else",
        ),
        _ => error,
    }
}
