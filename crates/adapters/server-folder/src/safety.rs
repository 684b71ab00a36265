//! What is refused because somebody else could have read it, or put it there.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use keystead_application::ports::{FolderError, FolderErrorKind};

use crate::error::{failed, refused};

/// Whatever others than the owner may do.
const FOR_OTHERS: u32 = 0o077;

/// That a file which was opened is a regular one of this user, and of nobody else's business.
pub(crate) fn check_file(path: &Path, file: &File) -> Result<Metadata, FolderError> {
    let found = file.metadata().map_err(|e| refused(path, e))?;
    if !found.is_file() {
        return Err(no_file(path));
    }
    check(path, &found, "600")?;
    Ok(found)
}

/// The same of a folder.
pub(crate) fn check_folder(path: &Path, folder: &File) -> Result<(), FolderError> {
    let found = folder.metadata().map_err(|e| refused(path, e))?;
    check(path, &found, "700")
}

/// What is said of a name that leads to something else than a file.
pub(crate) fn no_file(path: &Path) -> FolderError {
    failed(
        FolderErrorKind::Unsafe,
        path,
        "it is a symbolic link, a folder or a device, and a file is needed; take it away, or put the file itself there",
    )
}

/// What is said of a name that leads to something else than a folder.
pub(crate) fn no_folder(path: &Path) -> FolderError {
    failed(
        FolderErrorKind::Unsafe,
        path,
        "it is a symbolic link or a file, and a folder is needed; take it away, or put the folder itself there",
    )
}

fn check(path: &Path, found: &Metadata, right_mode: &str) -> Result<(), FolderError> {
    let me = rustix::process::geteuid().as_raw();
    let mode = found.mode() & 0o7777;
    let why = if found.uid() != me {
        format!(
            "it belongs to another user (uid {}); work as that user, or run: chown {me} {}",
            found.uid(),
            shell_word(path)
        )
    } else if mode & FOR_OTHERS != 0 {
        format!(
            "others can use it (mode {mode:04o}); run: chmod {right_mode} {}",
            shell_word(path)
        )
    } else {
        return Ok(());
    };
    Err(failed(FolderErrorKind::Unsafe, path, why))
}

fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
