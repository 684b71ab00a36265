use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use keystead_application::ports::{Replace, ShareError, ShareErrorKind};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::error::{failed, refused, refused_in_folder};
use crate::temporary::{Temporary, is_still_there};

/// Flushes a finished file and puts it under its name.
pub(crate) fn publish(
    temporary: Temporary,
    file: &File,
    path: &Path,
    replace: Replace,
) -> Result<(), ShareError> {
    file.sync_all()
        .map_err(|e| refused("flush the file to the medium", path, &e))?;
    if !temporary.is(file).unwrap_or(false) {
        return Err(exchanged(path));
    }
    put_under_name(&temporary, path, replace)?;
    temporary.published();
    // In a folder where others may write, a file could have been put in its place between the look and the rename.
    if !is_still_there(path, file).unwrap_or(false) {
        return Err(exchanged(path));
    }
    flush_folder(path)
}

fn exchanged(path: &Path) -> ShareError {
    failed(
        ShareErrorKind::Denied,
        "put the file under its name",
        path,
        "somebody exchanged the file while it was written; write to a folder where nobody else may",
    )
}

/// Makes the name durable: what is in the file is flushed already, that it is called so is not.
pub(crate) fn flush_folder(path: &Path) -> Result<(), ShareError> {
    let folder = folder(path);
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Ok(()) => Ok(()),
        // Some network file systems flush names by themselves and do not let anyone ask for it; a folder that may be
        // written and not read cannot be opened.
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        Err(e) => Err(refused("flush the folder to the medium", folder, &e)),
    }
}

/// The folder that a path's last name stands in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn put_under_name(temporary: &Temporary, path: &Path, replace: Replace) -> Result<(), ShareError> {
    const OPERATION: &str = "put the file under its name";
    let moved = match replace {
        Replace::Allowed => fs::rename(temporary.path(), path),
        Replace::Never => rename_to_free_name(temporary.path(), path),
    };
    moved.map_err(|e| match e.kind() {
        ErrorKind::Unsupported => failed(
            ShareErrorKind::Unsupported,
            OPERATION,
            path,
            "this file system cannot make sure that nothing is replaced; \
             allow it to be replaced, or write to another file system",
        ),
        _ => refused_in_folder(OPERATION, path, &e),
    })
}

/// Fails with `AlreadyExists` when the name is taken, whoever took it and when.
fn rename_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_to_free_name(from, to),
        renamed => renamed.map_err(io::Error::from),
    }
}

/// For file systems that know no such rename: a second name for the file never replaces one either.
fn link_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP) => Err(ErrorKind::Unsupported.into()),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_way_for_old_file_systems_replaces_nothing_either() {
        let folder = TempDir::new().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "new").unwrap();
        link_to_free_name(&from, &to).unwrap();
        assert!(!from.exists() && fs::read(&to).unwrap() == b"new");

        fs::write(&from, "newer").unwrap();
        let taken = link_to_free_name(&from, &to).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"new");
    }
}
