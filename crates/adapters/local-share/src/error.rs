use std::io::{self, ErrorKind};
use std::path::Path;

use keystead_application::ports::{ShareError, ShareErrorKind};

/// What the operating system refused, as the share reports it.
pub(crate) fn refused(operation: &'static str, path: &Path, error: &io::Error) -> ShareError {
    let kind = kind(error);
    let message = match kind {
        ShareErrorKind::NotFound => "there is no such file".into(),
        ShareErrorKind::Exists => "there is a file already".into(),
        ShareErrorKind::NotAFile => "it is a folder, and a file is needed".into(),
        ShareErrorKind::NoFolder => "a part of the path is not a folder".into(),
        ShareErrorKind::ReadOnly => "the file system is mounted read-only".into(),
        ShareErrorKind::BadName => {
            "the file system takes no such name; it is too long, or holds a character that it does not take"
                .into()
        }
        ShareErrorKind::Denied => format!("the permissions do not allow it ({error})"),
        ShareErrorKind::NoSpace => format!("there is no room left ({error})"),
        _ => error.to_string(),
    };
    failed(kind, operation, path, message)
}

/// As [`refused`], for work in which a missing path means a missing folder.
pub(crate) fn refused_in_folder(operation: &'static str, path: &Path, error: &io::Error) -> ShareError {
    if error.kind() == ErrorKind::NotFound {
        no_folder(operation, path)
    } else {
        refused(operation, path, error)
    }
}

pub(crate) fn no_folder(operation: &'static str, path: &Path) -> ShareError {
    failed(
        ShareErrorKind::NoFolder,
        operation,
        path,
        "its folder does not exist; make it first",
    )
}

pub(crate) fn failed(
    kind: ShareErrorKind,
    operation: &'static str,
    path: &Path,
    message: impl Into<String>,
) -> ShareError {
    ShareError::new(kind, operation, path.display().to_string(), message)
}

fn kind(error: &io::Error) -> ShareErrorKind {
    match error.kind() {
        ErrorKind::NotFound => ShareErrorKind::NotFound,
        ErrorKind::AlreadyExists => ShareErrorKind::Exists,
        ErrorKind::IsADirectory => ShareErrorKind::NotAFile,
        ErrorKind::NotADirectory => ShareErrorKind::NoFolder,
        ErrorKind::PermissionDenied => ShareErrorKind::Denied,
        ErrorKind::ReadOnlyFilesystem => ShareErrorKind::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            ShareErrorKind::NoSpace
        }
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => ShareErrorKind::BadName,
        ErrorKind::Unsupported => ShareErrorKind::Unsupported,
        _ => ShareErrorKind::Unavailable,
    }
}
