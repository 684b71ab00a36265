use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keystead_application::ports::{DocumentName, FolderError, Randomness};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdirat, open, openat};
use rustix::io::Errno;

use crate::error::refused;
use crate::safety::{check_file, check_folder, no_file, no_folder};
use crate::temporary;

/// No document has such a name, nor does a kind.
const LOCK: &str = ".lock";

/// The folder, for work that waits for the disk.
pub(crate) struct Disk {
    pub(crate) path: PathBuf,
    pub(crate) randomness: Arc<dyn Randomness>,
}

/// An open folder, looked at and found safe. What is done in it is done in this one, whatever its name leads to by then.
pub(crate) struct OpenFolder {
    pub(crate) path: PathBuf,
    pub(crate) folder: File,
}

impl Disk {
    /// The lock, unless others keep it. It is gone with the file that is returned, and with this process.
    pub(crate) fn try_lock(&self) -> Result<Option<File>, FolderError> {
        let top = self.make_top()?;
        let path = top.path.join(LOCK);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            openat(&top.folder, LOCK, flags, Mode::RUSR | Mode::WUSR).map_err(|e| not_opened(&path, e))?;
        let file = File::from(file);
        check_file(&path, &file)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(e) => return Err(refused(&path, e)),
        }
        // What cannot be removed now is in nobody's way.
        let _ = self.clean_up();
        Ok(Some(file))
    }

    /// The folder of a kind; `None` when there is none.
    pub(crate) fn find_kind(&self, kind: &str) -> Result<Option<OpenFolder>, FolderError> {
        match self.find_top()? {
            Some(top) => top.find_folder(kind),
            None => Ok(None),
        }
    }

    /// The folder of a kind, made when there is none.
    pub(crate) fn make_kind(&self, kind: &str) -> Result<OpenFolder, FolderError> {
        let top = self.make_top()?;
        let path = top.path.join(kind);
        match mkdirat(&top.folder, kind, Mode::RWXU) {
            Ok(()) => top.flush()?,
            Err(Errno::EXIST) => {}
            Err(e) => return Err(refused(&path, e)),
        }
        match top.find_folder(kind)? {
            Some(folder) => Ok(folder),
            None => Err(refused(&path, ErrorKind::NotFound)),
        }
    }

    fn make_top(&self) -> Result<OpenFolder, FolderError> {
        if let Some(top) = self.find_top()? {
            return Ok(top);
        }
        make_folder(&self.path).map_err(|e| refused(&self.path, e))?;
        match self.find_top()? {
            Some(top) => Ok(top),
            None => Err(refused(&self.path, ErrorKind::NotFound)),
        }
    }

    fn find_top(&self) -> Result<Option<OpenFolder>, FolderError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match open(&self.path, flags, Mode::empty()) {
            Ok(folder) => OpenFolder::checked(self.path.clone(), folder.into()).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(refused(&self.path, e)),
        }
    }

    fn clean_up(&self) -> Result<(), FolderError> {
        let Some(top) = self.find_top()? else {
            return Ok(());
        };
        let is_kind = |name: &String| DocumentName::new(name, "any").is_ok();
        for kind in top.entries()?.into_iter().filter(is_kind) {
            if let Ok(Some(folder)) = top.find_folder(&kind) {
                temporary::clean_up(&folder)?;
            }
        }
        Ok(())
    }
}

impl OpenFolder {
    fn checked(path: PathBuf, folder: File) -> Result<Self, FolderError> {
        check_folder(&path, &folder)?;
        Ok(Self { path, folder })
    }

    /// Another handle of the same folder.
    pub(crate) fn again(&self) -> Result<Self, FolderError> {
        let folder = self.folder.try_clone().map_err(|e| refused(&self.path, e))?;
        Ok(Self {
            path: self.path.clone(),
            folder,
        })
    }

    fn find_folder(&self, name: &str) -> Result<Option<Self>, FolderError> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.folder, name, flags, Mode::empty()) {
            Ok(folder) => Self::checked(path, folder.into()).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(no_folder(&path)),
            Err(e) => Err(refused(&path, e)),
        }
    }

    /// The names in it that are text.
    pub(crate) fn entries(&self) -> Result<Vec<String>, FolderError> {
        let entries = rustix::fs::Dir::read_from(&self.folder).map_err(|e| refused(&self.path, e))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| refused(&self.path, e))?;
            names.extend(entry.file_name().to_str().ok().map(str::to_owned));
        }
        Ok(names)
    }

    /// Makes the names in it last: what is in a file is flushed already, that it is called so is not.
    pub(crate) fn flush(&self) -> Result<(), FolderError> {
        flush(&self.folder).map_err(|e| refused(&self.path, e))
    }
}

/// What is said when a file cannot be opened.
pub(crate) fn not_opened(path: &Path, error: Errno) -> FolderError {
    match error {
        Errno::LOOP | Errno::ISDIR | Errno::NXIO => no_file(path),
        _ => refused(path, error),
    }
}

/// Makes a folder, and those above it that are missing. All of them are for their owner alone.
fn make_folder(path: &Path) -> io::Result<()> {
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    let make = || DirBuilder::new().mode(0o700).create(path);
    let made = match make() {
        Err(e) if e.kind() == ErrorKind::NotFound && above != path => {
            make_folder(above)?;
            make()
        }
        made => made,
    };
    match made {
        // A folder that may be written and not read cannot be opened.
        Ok(()) => match fs::File::open(above) {
            Ok(above) => flush(&above),
            Err(_) => Ok(()),
        },
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

fn flush(folder: &File) -> io::Result<()> {
    match folder.sync_all() {
        // Some file systems flush names by themselves and do not let anyone ask for it.
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}
