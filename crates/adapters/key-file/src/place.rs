use std::path::{Path, PathBuf};

use keystead_application::ports::{MasterKeyError, Promotion};
use keystead_domain::MasterKeyId;

use crate::file::{self, Content, Unusable};

mod files;

use files::Files;

/// What tells the id of the key that a file holds.
pub(crate) type IdOf = fn(&Content) -> Result<MasterKeyId, String>;

/// Where a key is kept in a file, together with the one that is to take its place and those whose place was taken.
#[derive(Clone)]
pub(crate) struct Place {
    current: PathBuf,
}

/// A file that is there.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) content: Content,
}

/// The key that is to take the place of the current one.
pub(crate) enum Successor {
    /// Left by an earlier rotation.
    Left(Found),
    /// Not made yet: this is where it comes.
    ToBe(PathBuf),
}

impl Place {
    pub(crate) fn new(current: PathBuf) -> Self {
        Self { current }
    }

    /// The name that was chosen for the current key, which may be a symbolic link.
    pub(crate) fn current(&self) -> &Path {
        &self.current
    }

    /// The files that are there, the current one first. What is wrong beside a current key that is good keeps nobody from
    /// using that.
    pub(crate) fn read(&self, id_of: IdOf) -> Result<Vec<Found>, MasterKeyError> {
        let (found, doubts) = Files::of(&self.current)?.look(id_of)?;
        for doubt in doubts {
            tracing::warn!("{doubt}");
        }
        Ok(found)
    }

    /// That a first key can be made here.
    pub(crate) fn check_vacant(&self) -> Result<(), MasterKeyError> {
        Files::of(&self.current)?.check_vacant()
    }

    /// Keeps the first key of the place.
    pub(crate) fn create(&self, content: &Content, tag: [u8; 8]) -> Result<Found, MasterKeyError> {
        self.check_vacant()?;
        file::create(&self.current, content, tag).map_err(failed_at(&self.current))?;
        read_back(&self.current)
    }

    /// The key that is to take the place of the current one, or where it can be made.
    pub(crate) fn successor(&self) -> Result<Successor, MasterKeyError> {
        let files = Files::of(&self.current)?;
        files.check_safe()?;
        let path = files.successor();
        Ok(match find_own(&path)? {
            Some(found) => Successor::Left(found),
            None => Successor::ToBe(path),
        })
    }

    /// Keeps the key that is to take the place of the current one, unless there is one.
    pub(crate) fn create_successor(&self, content: &Content, tag: [u8; 8]) -> Result<Found, MasterKeyError> {
        let path = match self.successor()? {
            Successor::Left(found) => return Ok(found),
            Successor::ToBe(path) => path,
        };
        match file::create(&path, content, tag) {
            Ok(()) | Err(Unusable::Exists) => read_back(&path),
            Err(because) => Err(failed_at(&path)(because)),
        }
    }

    /// Puts the successor in the place of the current key, and tells where that is kept. At every moment a file with the
    /// key `id` is found by [`Place::read`], and doing it again goes on where it ended.
    pub(crate) fn promote(&self, id: &MasterKeyId, id_of: IdOf) -> Result<Promotion, MasterKeyError> {
        Files::of(&self.current)?.promote(id, id_of)
    }
}

impl Found {
    fn id(&self, id_of: IdOf) -> Result<MasterKeyId, MasterKeyError> {
        id_of(&self.content).map_err(|why| failed_at(&self.path)(Unusable::Because(why)))
    }
}

/// A file that this program made.
fn find_own(path: &Path) -> Result<Option<Found>, MasterKeyError> {
    let content = file::read_own(path).map_err(failed_at(path))?;
    Ok(content.map(|content| Found {
        path: path.to_owned(),
        content,
    }))
}

/// What is handed out is what is in the file: a key that cannot be read again must not seal anything.
fn read_back(path: &Path) -> Result<Found, MasterKeyError> {
    find_own(path)?.ok_or_else(|| {
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

#[cfg(test)]
mod tests;
