use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keystead_application::ports::{MasterKeyError, Promotion};
use keystead_domain::MasterKeyId;
use rustix::io::Errno;

use super::{Found, IdOf, failed_at, find_own, unusable};
use crate::file::{self, Privacy, Unusable};
use crate::folder::{check_folder, flush_folder};

/// More often than that nobody gets in between.
const ATTEMPTS: usize = 16;

/// The files of a place.
pub(super) struct Files {
    /// The name that was chosen.
    chosen: PathBuf,
    /// The file that it stands for: another one where the name is a symbolic link. The other files are beside this one,
    /// so that all keys stay on the volume that was chosen for them, and a promotion leaves the link as it is.
    current: PathBuf,
}

impl Files {
    pub(super) fn of(chosen: &Path) -> Result<Self, MasterKeyError> {
        let current = match fs::canonicalize(chosen) {
            Ok(real) if chosen.is_symlink() => real,
            Err(e) if chosen.is_symlink() && e.kind() != ErrorKind::NotFound => {
                let because = file::because("it is a symbolic link that cannot be followed", &e);
                return Err(failed_at(chosen)(because));
            }
            _ => chosen.to_owned(),
        };
        Ok(Self {
            chosen: chosen.to_owned(),
            current,
        })
    }

    pub(super) fn successor(&self) -> PathBuf {
        self.beside(".next")
    }

    /// The files that are there, the current one first, and what a person should be told about them.
    pub(super) fn look(&self, id_of: IdOf) -> Result<(Vec<Found>, Vec<String>), MasterKeyError> {
        let checked = |found: Option<Found>| found.map(|found| found.id(id_of).map(|_| found)).transpose();
        // The successor before the current one: when it is promoted in between, it is found twice and not never.
        let successor = find_own(&self.successor()).and_then(checked);
        let current = self.find_current().and_then(checked)?;
        let mut doubts = Vec::new();
        let found: Vec<Found> = match (current, successor) {
            (None, successor) => successor?.into_iter().collect(),
            (Some(current), Ok(Some(successor))) if current.content != successor.content => {
                vec![current, successor]
            }
            (Some(current), Ok(_)) => vec![current],
            (Some(current), Err(error)) => {
                doubts.push(format!(
                    "what stands beside the current master key to take its place is left out: {error}"
                ));
                vec![current]
            }
        };
        if (!found.is_empty() || self.current.is_symlink())
            && let Some((path, why)) = self.danger()
        {
            doubts.push(format!("the master key at {} is not safe: {why}", path.display()));
        }
        Ok((found, doubts))
    }

    /// That a first key can be made here.
    pub(super) fn check_vacant(&self) -> Result<(), MasterKeyError> {
        self.check_safe()?;
        for path in [&self.current, &self.successor()] {
            if path.symlink_metadata().is_ok() {
                return Err(failed_at(path)(Unusable::Exists));
            }
        }
        Ok(())
    }

    /// That what is made here stays what it is, and is found again under the name that was chosen.
    pub(super) fn check_safe(&self) -> Result<(), MasterKeyError> {
        self.danger()
            .map_or(Ok(()), |(path, why)| Err(unusable(path, why)))
    }

    /// What is wrong with the names themselves, whatever the files hold.
    fn danger(&self) -> Option<(&Path, String)> {
        if let Ok(target) = fs::read_link(&self.current) {
            let why = format!(
                "it is a symbolic link to {}, which is not there; mount or restore what it leads to, or remove the link",
                target.display()
            );
            return Some((&self.current, why));
        }
        // Whoever can exchange the link decides which files count.
        [&self.chosen, &self.current].into_iter().find_map(|path| {
            let why = check_folder(path).err()?;
            Some((path.as_path(), why))
        })
    }

    /// Whoever promotes holds the lock of the successor's file and looks at both names after getting it, so that no two
    /// do it at once, and none does it to a successor that it does not know.
    pub(super) fn promote(&self, id: &MasterKeyId, id_of: IdOf) -> Result<Promotion, MasterKeyError> {
        let successor = self.successor();
        for _ in 0..ATTEMPTS {
            let lock = file::lock_own(&successor).map_err(failed_at(&successor))?;
            let current = self.find_current()?;
            let current_id = current.as_ref().map(|found| found.id(id_of)).transpose()?;
            if current_id.as_ref() == Some(id) {
                return self.settle(id, id_of).map(|()| Promotion::default());
            }
            let Some(lock) = lock else { break };
            self.check_safe()?;
            if !is_still(&successor, &lock) {
                continue;
            }
            match find_own(&successor)? {
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
        let left = find_own(&successor)?.map(|found| found.id(id_of)).transpose()?;
        if left.as_ref() == Some(id) {
            fs::remove_file(&successor)
                .map_err(|e| failed_at(&successor)(file::because("it cannot be removed", &e)))?;
        }
        flush_folder(&self.current).map_err(failed_at(&self.current))
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
            Err(Unusable::Exists)
                if find_own(&kept)?.is_some_and(|found| found.content == current.content) => {}
            Err(Unusable::Exists) => {
                return Err(failed(Unusable::Because(
                    "it is in the way of the key that is being replaced, and holds something else; rename it"
                        .into(),
                )));
            }
            Err(because) => return Err(failed(because)),
        }
        // The kept name has to last before the other one is taken.
        flush_folder(&kept).map_err(failed)?;
        Ok(kept)
    }

    fn take_over(&self, successor: &Path) -> Result<(), Unusable> {
        if self.current.symlink_metadata().is_ok() {
            fs::rename(successor, &self.current)
                .map_err(|e| file::because("its successor cannot take its place", &e))?;
        } else {
            file::publish(successor, &self.current)?;
        }
        flush_folder(&self.current)
    }

    fn find_current(&self) -> Result<Option<Found>, MasterKeyError> {
        let path = &self.current;
        let content = file::read(path, Privacy::Owner).map_err(failed_at(path))?;
        Ok(content.map(|content| Found {
            path: path.clone(),
            content,
        }))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.current.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

fn is_still(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(named), Ok(opened)) => (named.dev(), named.ino()) == (opened.dev(), opened.ino()),
        _ => false,
    }
}

fn has_no_second_names(error: &io::Error) -> bool {
    let without = [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK];
    Errno::from_io_error(error).is_some_and(|errno| without.contains(&errno))
}
