use std::io::{self, ErrorKind};
use std::path::Path;

use keystead_application::ports::{FolderError, FolderErrorKind};

/// What the operating system refused, as the folder reports it.
pub(crate) fn refused(path: &Path, error: impl Into<io::Error>) -> FolderError {
    let error = error.into();
    let kind = kind(&error);
    let message = match error.kind() {
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is mounted read-only; mount it for writing".to_owned()
        }
        _ if kind == FolderErrorKind::NoSpace => {
            format!("there is no room left ({error}); make room on the disk")
        }
        ErrorKind::AlreadyExists => "there is a document with this name already".to_owned(),
        ErrorKind::PermissionDenied => format!("the permissions do not allow it ({error})"),
        ErrorKind::NotADirectory => "a part of the path is a file, and a folder is needed".to_owned(),
        _ => error.to_string(),
    };
    failed(kind, path, message)
}

pub(crate) fn failed(kind: FolderErrorKind, path: &Path, message: impl Into<String>) -> FolderError {
    FolderError {
        kind,
        place: path.display().to_string(),
        message: message.into(),
    }
}

fn kind(error: &io::Error) -> FolderErrorKind {
    match error.kind() {
        ErrorKind::AlreadyExists => FolderErrorKind::Exists,
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::FileTooLarge
        | ErrorKind::ReadOnlyFilesystem => FolderErrorKind::NoSpace,
        _ => FolderErrorKind::Unavailable,
    }
}
