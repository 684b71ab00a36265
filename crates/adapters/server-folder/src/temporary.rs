use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;

use keystead_application::ports::{FolderError, Randomness, RandomnessExt};
use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, RenameFlags, flock, linkat, openat, renameat, renameat_with,
    statat, unlinkat,
};
use rustix::io::Errno;

use crate::disk::OpenFolder;
use crate::erase;
use crate::error::refused;

const PREFIX: &str = ".keystead-";
const SUFFIX: &str = ".tmp";
/// How often another name is tried. A second one is needed only when [`clean_up`] takes the file between the moment that
/// it exists and the moment that it is locked.
const ATTEMPTS: usize = 100;

/// A file under a temporary name, which is removed when this is dropped unless it was published.
pub(crate) struct Temporary {
    folder: OpenFolder,
    name: String,
    file: File,
    published: bool,
}

impl Temporary {
    /// Creates a file in a folder, for its owner alone, and locks it.
    pub(crate) fn create(folder: &OpenFolder, randomness: &dyn Randomness) -> Result<Self, FolderError> {
        for _ in 0..ATTEMPTS {
            let name = name(folder, randomness)?;
            match create_locked(folder, &name) {
                Ok(Some(file)) => {
                    return Ok(Self {
                        folder: folder.again()?,
                        name,
                        file,
                        published: false,
                    });
                }
                Ok(None) | Err(Errno::EXIST) => {}
                Err(e) => return Err(refused(&folder.path, e)),
            }
        }
        Err(refused(
            &folder.path,
            io::Error::other("every temporary name is taken away again"),
        ))
    }

    /// Writes the content and flushes it.
    pub(crate) fn fill(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)?;
        self.file.sync_all()
    }

    /// Puts the file under a name, in the place of the one that has it.
    pub(crate) fn publish(mut self, name: &str) -> Result<(), FolderError> {
        let at = &self.folder.folder;
        renameat(at, &self.name, at, name).map_err(|e| refused(&self.folder.path.join(name), e))?;
        self.published = true;
        Ok(())
    }

    /// Puts the file under a name that nobody has.
    pub(crate) fn publish_new(mut self, name: &str) -> Result<(), FolderError> {
        let at = &self.folder.folder;
        let published = match renameat_with(at, &self.name, at, name, RenameFlags::NOREPLACE) {
            // Not every file system can rename so; a second name for the same file never replaces one either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                linkat(at, &self.name, at, name, AtFlags::empty())
                    .and_then(|()| unlinkat(at, &self.name, AtFlags::empty()))
            }
            renamed => renamed,
        };
        published.map_err(|e| refused(&self.folder.path.join(name), e))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published {
            // A file that cannot be removed is one for the next clean-up.
            let _ = erase::overwrite(&self.file);
            let _ = unlinkat(&self.folder.folder, &self.name, AtFlags::empty());
        }
    }
}

/// A temporary name that nobody has yet.
pub(crate) fn name(folder: &OpenFolder, randomness: &dyn Randomness) -> Result<String, FolderError> {
    let number: [u8; 8] = randomness
        .bytes()
        .map_err(|e| refused(&folder.path, io::Error::other(e)))?;
    Ok(format!("{PREFIX}{:016x}{SUFFIX}", u64::from_be_bytes(number)))
}

/// Removes the temporary files of a folder that nobody works on.
pub(crate) fn clean_up(folder: &OpenFolder) -> Result<(), FolderError> {
    for name in folder.entries()? {
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            remove_if_abandoned(folder, &name).map_err(|e| refused(&folder.path.join(&name), e))?;
        }
    }
    Ok(())
}

/// `None` when somebody else removed or locked the file before this process had locked it.
fn create_locked(folder: &OpenFolder, name: &str) -> Result<Option<File>, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(&folder.folder, name, flags, Mode::RUSR | Mode::WUSR)?);
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(is_still_there(folder, name, &file).then_some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(e),
    }
}

fn remove_if_abandoned(folder: &OpenFolder, name: &str) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(&folder.folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(()),
        Err(e) => return Err(e),
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() || !is_still_there(folder, name, &file)
    {
        return Ok(());
    }
    // A second name of a document, which was published on an old file system, keeps its content.
    if file
        .metadata()
        .is_ok_and(|found| found.is_file() && found.nlink() == 1)
    {
        let _ = erase::overwrite(&file);
    }
    match unlinkat(&folder.folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        removed => removed,
    }
}

/// Whether the name still leads to this very file.
fn is_still_there(folder: &OpenFolder, name: &str, file: &File) -> bool {
    let found = statat(&folder.folder, name, AtFlags::SYMLINK_NOFOLLOW);
    match (found, file.metadata()) {
        (Ok(found), Ok(ours)) => (found.st_dev, found.st_ino) == (ours.dev(), ours.ino()),
        _ => false,
    }
}
