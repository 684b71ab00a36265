use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keystead_application::ports::{MasterKeyError, Promotion};
use keystead_domain::MasterKeyId;
use rustix::io::Errno;

use crate::file::{self, Content, Privacy, Unusable};

/// More often than that nobody gets in between.
const ATTEMPTS: usize = 16;

/// What tells the id of the key that a file holds.
pub(crate) type IdOf = fn(&Content) -> Result<MasterKeyId, String>;

/// The files of a place: the current key, the one that is to take its place, and those whose place was taken.
#[derive(Clone)]
pub(crate) struct Place {
    current: PathBuf,
}

/// A file that is there.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) content: Content,
}

impl Place {
    pub(crate) fn new(current: PathBuf) -> Self {
        Self { current }
    }

    pub(crate) fn current(&self) -> &Path {
        &self.current
    }

    pub(crate) fn successor(&self) -> PathBuf {
        self.beside(".next")
    }

    /// The files that are there, the current one first.
    pub(crate) fn read(&self) -> Result<Vec<Found>, MasterKeyError> {
        // The successor before the current one: when it is promoted in between, it is found twice and not never.
        let successor = find(&self.successor())?;
        let current = find(&self.current)?;
        let is_the_same = |a: &Found, b: &Found| a.content == b.content;
        Ok(match (current, successor) {
            (Some(current), Some(successor)) if is_the_same(&current, &successor) => vec![current],
            (current, successor) => current.into_iter().chain(successor).collect(),
        })
    }

    /// Keeps the first key of the place.
    pub(crate) fn create(&self, content: &Content, tag: [u8; 8]) -> Result<Found, MasterKeyError> {
        let successor = self.successor();
        if successor.symlink_metadata().is_ok() {
            return Err(failed_at(&successor)(Unusable::Exists));
        }
        create(&self.current, content, tag)
    }

    /// Keeps the key that is to take the place of the current one, unless there is one.
    pub(crate) fn create_successor(&self, content: &Content, tag: [u8; 8]) -> Result<Found, MasterKeyError> {
        let successor = self.successor();
        match create(&successor, content, tag) {
            Err(MasterKeyError::Exists(_)) => read_back(&successor),
            done => done,
        }
    }

    /// Puts the successor in the place of the current key, and tells where that is kept. At every moment a file with the
    /// key `id` is found by [`Place::read`], and doing it again goes on where it ended.
    ///
    /// Whoever promotes holds the lock of the successor's file and looks at both names after getting it, so that no two
    /// do it at once, and none does it to a successor that it does not know.
    pub(crate) fn promote(&self, id: &MasterKeyId, id_of: IdOf) -> Result<Promotion, MasterKeyError> {
        let successor = self.successor();
        for _ in 0..ATTEMPTS {
            let lock = lock(&successor).map_err(failed_at(&successor))?;
            let current = find(&self.current)?;
            let current_id = current.as_ref().map(|found| found.id(id_of)).transpose()?;
            if current_id.as_ref() == Some(id) {
                return self.settle(id, id_of).map(|()| Promotion::default());
            }
            let Some(lock) = lock else { break };
            if !is_still(&successor, &lock) {
                continue;
            }
            match find(&successor)? {
                Some(found) if found.id(id_of)? == *id => {}
                _ => break,
            }
            let kept = match (&current, &current_id) {
                (Some(current), Some(current_id)) => Some(self.keep(current, current_id)?),
                _ => None,
            };
            match self.take_over(&successor) {
                Ok(()) => {
                    return Ok(Promotion {
                        old_kept_at: kept.map(|path| path.display().to_string()),
                        to_do: None,
                    });
                }
                // A key was made here meanwhile.
                Err(Unusable::Exists) => {}
                Err(because) => return Err(failed_at(&self.current)(because)),
            }
        }
        let why = format!(
            "neither it nor {} holds the master key {id}; put the file with that key there, from a backup if need be",
            successor.display()
        );
        Err(unusable(&self.current, why))
    }

    /// Removes the other name of a key that is the current one already, which is left where a file cannot be renamed in one
    /// step, and makes everything last.
    fn settle(&self, id: &MasterKeyId, id_of: IdOf) -> Result<(), MasterKeyError> {
        let successor = self.successor();
        if find(&successor)?.is_some_and(|found| found.id(id_of).is_ok_and(|found| found == *id)) {
            fs::remove_file(&successor)
                .map_err(|e| failed_at(&successor)(file::because("it cannot be removed", &e)))?;
        }
        file::flush_folder(&self.current).map_err(failed_at(&self.current))
    }

    /// Gives the current file the name under which it is kept; its old name stays until the successor takes it, where the
    /// file system has second names.
    fn keep(&self, current: &Found, id: &MasterKeyId) -> Result<PathBuf, MasterKeyError> {
        let kept = self.beside(&format!(".{id}.old"));
        let failed = failed_at(&kept);
        let named = match fs::hard_link(&self.current, &kept) {
            Err(e) if has_no_second_names(&e) => file::publish(&self.current, &kept),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(Unusable::Exists),
            linked => linked.map_err(|e| file::because("the replaced key cannot be kept there", &e)),
        };
        match named {
            Ok(()) => {}
            // Left by an earlier try.
            Err(Unusable::Exists) if find(&kept)?.is_some_and(|found| found.content == current.content) => {}
            Err(Unusable::Exists) => {
                return Err(failed(Unusable::Because(
                    "it is in the way of the key that is being replaced, and holds something else; rename it"
                        .into(),
                )));
            }
            Err(because) => return Err(failed(because)),
        }
        // The kept name has to last before the other one is taken.
        file::flush_folder(&kept).map_err(failed)?;
        Ok(kept)
    }

    fn take_over(&self, successor: &Path) -> Result<(), Unusable> {
        if self.current.symlink_metadata().is_ok() {
            fs::rename(successor, &self.current)
                .map_err(|e| file::because("its successor cannot take its place", &e))?;
        } else {
            file::publish(successor, &self.current)?;
        }
        file::flush_folder(&self.current)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.current.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

impl Found {
    fn id(&self, id_of: IdOf) -> Result<MasterKeyId, MasterKeyError> {
        id_of(&self.content).map_err(|why| failed_at(&self.path)(Unusable::Because(why)))
    }
}

fn find(path: &Path) -> Result<Option<Found>, MasterKeyError> {
    let content = file::read(path, Privacy::Owner).map_err(failed_at(path))?;
    Ok(content.map(|content| Found {
        path: path.to_owned(),
        content,
    }))
}

fn create(path: &Path, content: &Content, tag: [u8; 8]) -> Result<Found, MasterKeyError> {
    file::create(path, content, tag).map_err(failed_at(path))?;
    read_back(path)
}

/// What is handed out is what is in the file: a key that cannot be read again must not seal anything.
fn read_back(path: &Path) -> Result<Found, MasterKeyError> {
    find(path)?.ok_or_else(|| {
        failed_at(path)(Unusable::Because(
            "it was removed while it was being made; try again".into(),
        ))
    })
}

pub(crate) fn unusable(path: &Path, why: impl ToString) -> MasterKeyError {
    MasterKeyError::Unusable {
        place: path.display().to_string(),
        why: why.to_string(),
    }
}

pub(crate) fn failed_at(path: &Path) -> impl Fn(Unusable) -> MasterKeyError {
    move |failed| match failed {
        Unusable::Exists => MasterKeyError::Exists(path.display().to_string()),
        Unusable::Because(why) => unusable(path, why),
    }
}

/// Waits for the lock of a file; `None` when there is none.
fn lock(path: &Path) -> Result<Option<File>, Unusable> {
    // Network file systems lock only what can be written.
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let opened = match opened {
        Err(e) if e.kind() == ErrorKind::PermissionDenied => File::open(path),
        opened => opened,
    };
    let file = match opened {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(file::because("it cannot be opened", &e)),
    };
    file.lock()
        .map_err(|e| file::because("it cannot be locked against other processes", &e))?;
    Ok(Some(file))
}

fn is_still(path: &Path, file: &File) -> bool {
    match (fs::metadata(path), file.metadata()) {
        (Ok(named), Ok(opened)) => (named.dev(), named.ino()) == (opened.dev(), opened.ino()),
        _ => false,
    }
}

fn has_no_second_names(error: &io::Error) -> bool {
    let without = [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK];
    Errno::from_io_error(error).is_some_and(|errno| without.contains(&errno))
}

#[cfg(test)]
mod tests;
