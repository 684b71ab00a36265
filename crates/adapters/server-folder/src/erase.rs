use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use keystead_application::ports::{FolderError, FolderErrorKind, Randomness};
use rustix::fs::{AtFlags, FlockOperation, flock, renameat, unlinkat};

use crate::disk::OpenFolder;
use crate::error::refused;
use crate::safety::no_file;
use crate::temporary;

/// Destroys a document that is open for writing.
///
/// It loses its name first, so that whoever is stopped in the middle leaves no document that holds zeros.
pub(crate) fn document(
    kind: &OpenFolder,
    name: &str,
    file: &File,
    randomness: &dyn Randomness,
) -> Result<(), FolderError> {
    let path = kind.path.join(name);
    if !file.metadata().map_err(|e| refused(&path, e))?.is_file() {
        return Err(no_file(&path));
    }
    // Somebody who cleans up at this moment does the same.
    let _ = flock(file, FlockOperation::NonBlockingLockExclusive);
    let temporary = temporary::name(kind, randomness)?;
    let renamed = renameat(&kind.folder, name, &kind.folder, &temporary).map_err(|e| refused(&path, e));
    let last_name = match renamed {
        Ok(()) => {
            kind.flush()?;
            temporary.as_str()
        }
        // A disk without room for the other name has the document under its own.
        Err(error) if error.kind == FolderErrorKind::NoSpace => name,
        Err(error) => return Err(error),
    };
    let overwritten = overwrite(file).map_err(|e| refused(&path, e));
    match unlinkat(&kind.folder, last_name, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => kind.flush()?,
        Err(e) => return Err(refused(&path, e)),
    }
    match overwritten {
        // Where writing means writing elsewhere, a full disk has no room for the zeros.
        Err(error) if error.kind == FolderErrorKind::NoSpace => Ok(()),
        overwritten => overwritten,
    }
}

/// Puts zeros in the place of all bytes, and flushes them.
pub(crate) fn overwrite(file: &File) -> io::Result<()> {
    const ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];
    let len = file.metadata()?.len();
    let mut at = 0;
    while at < len {
        let piece = (len - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..usize::try_from(piece).unwrap_or(ZEROS.len())], at)?;
        at += piece;
    }
    file.sync_all()
}
