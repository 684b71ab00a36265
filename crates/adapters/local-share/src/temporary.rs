use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keystead_application::ports::{Randomness, RandomnessExt};
use rustix::fs::OFlags;

const PREFIX: &str = ".keystead-";
const SUFFIX: &str = ".tmp";
/// How often another name is tried. A second one is needed only when [`clean_up`] of another process takes the file
/// between the moment that it exists and the moment that it is locked.
const ATTEMPTS: usize = 100;

/// A file under a temporary name. It is removed when this is dropped, unless it was published.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    published: bool,
}

impl Temporary {
    /// Creates a file in a folder, readable by its owner alone, and locks it.
    pub(crate) fn create(folder: &Path, randomness: &dyn Randomness) -> io::Result<(Self, File)> {
        for _ in 0..ATTEMPTS {
            let number: [u8; 8] = randomness.bytes().map_err(io::Error::other)?;
            let name = format!("{PREFIX}{:016x}{SUFFIX}", u64::from_be_bytes(number));
            let path = folder.join(name);
            match create_locked(&path) {
                Ok(Some(file)) => {
                    let published = false;
                    return Ok((Self { path, published }, file));
                }
                Ok(None) => {}
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::other("every temporary name is taken away again"))
    }

    /// The temporary name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the temporary name still leads to the file that was created.
    pub(crate) fn is(&self, file: &File) -> io::Result<bool> {
        is_still_there(&self.path, file)
    }

    /// Takes note that the file stands under another name now.
    pub(crate) fn published(mut self) {
        self.published = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published {
            // A file that cannot be removed is one for the next clean-up.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the temporary files of a folder that nobody is writing.
pub(crate) fn clean_up(folder: &Path) -> io::Result<usize> {
    let mut removed = 0;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if is_ours(name.as_encoded_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && remove_if_abandoned(&entry.path())?
        {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a file carries a lock while it is written: `.keystead-<16 hexadecimal digits>.tmp`. What comes in over a network,
/// through a server on this machine, has a longer name and no lock, and is nothing for this clean-up.
fn is_ours(name: &[u8]) -> bool {
    let number = name
        .strip_prefix(PREFIX.as_bytes())
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    number.is_some_and(|number| number.len() == 16 && number.iter().all(u8::is_ascii_hexdigit))
}

/// `None` when somebody else removed or locked the file before this process had locked it.
fn create_locked(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(is_still_there(path, &file)?.then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // Where files cannot be locked, no clean-up can lock this one either, and so none removes it.
        Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

fn remove_if_abandoned(path: &Path) -> io::Result<bool> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
    {
        Ok(file) => file,
        // Gone already, or another user's.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => return Ok(false),
        Err(e) => return Err(e),
    };
    if file.try_lock().is_err() || !is_still_there(path, &file)? {
        return Ok(false);
    }
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        // Gone already, or another user's in a folder where only owners remove.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Whether the name still leads to this very file.
pub(crate) fn is_still_there(path: &Path, file: &File) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (ours.dev(), ours.ino())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}
