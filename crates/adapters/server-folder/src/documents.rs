use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use keystead_application::ports::{DocumentName, FolderError, FolderErrorKind};
use keystead_domain::SecretBytes;
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::disk::{Disk, OpenFolder, not_opened};
use crate::erase;
use crate::error::{failed, refused};
use crate::safety::check_file;
use crate::temporary::Temporary;

const MOST_BYTES: u64 = 64 * 1024 * 1024;

impl Disk {
    pub(crate) fn read(&self, name: &DocumentName) -> Result<Option<SecretBytes>, FolderError> {
        let Some(kind) = self.find_kind(name.kind())? else {
            return Ok(None);
        };
        let path = kind.path.join(name.which());
        let Some(mut file) = open(&kind, name, OFlags::RDONLY)? else {
            return Ok(None);
        };
        let len = check_file(&path, &file)?.len();
        check_len(&path, len)?;
        // Just what is there now: somebody may be adding to it.
        let mut content = Zeroizing::new(vec![0; usize::try_from(len).unwrap_or(0)]);
        let mut filled = 0;
        while filled < content.len() {
            match file.read(&mut content[filled..]) {
                Ok(0) => content.truncate(filled),
                Ok(more) => filled += more,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(refused(&path, e)),
            }
        }
        Ok(Some(SecretBytes::from_zeroizing(content)))
    }

    pub(crate) fn create(&self, name: &DocumentName, content: &[u8]) -> Result<(), FolderError> {
        let (kind, written) = self.write(name, content)?;
        written.publish_new(name.which())?;
        kind.flush()
    }

    pub(crate) fn replace(&self, name: &DocumentName, content: &[u8]) -> Result<(), FolderError> {
        let (kind, written) = self.write(name, content)?;
        written.publish(name.which())?;
        kind.flush()
    }

    /// Writes a whole document under a temporary name.
    fn write(&self, name: &DocumentName, content: &[u8]) -> Result<(OpenFolder, Temporary), FolderError> {
        let kind = self.make_kind(name.kind())?;
        let path = kind.path.join(name.which());
        check_len(&path, content.len() as u64)?;
        let mut temporary = Temporary::create(&kind, self.randomness.as_ref())?;
        temporary.fill(content).map_err(|e| refused(&path, e))?;
        Ok((kind, temporary))
    }

    pub(crate) fn append(&self, name: &DocumentName, content: &[u8]) -> Result<(), FolderError> {
        let kind = self.make_kind(name.kind())?;
        let path = kind.path.join(name.which());
        let (mut file, is_new) = match open(&kind, name, OFlags::WRONLY | OFlags::APPEND)? {
            Some(file) => (file, false),
            None => make(&kind, name)?,
        };
        let before = check_file(&path, &file)?.len();
        check_len(&path, before.saturating_add(content.len() as u64))?;
        let added = add(&mut file, before, content).map_err(|e| refused(&path, e));
        if is_new && added.is_err() {
            let _ = unlinkat(&kind.folder, name.which(), AtFlags::empty());
        }
        added?;
        match is_new {
            true => kind.flush(),
            false => Ok(()),
        }
    }

    pub(crate) fn destroy(&self, name: &DocumentName) -> Result<(), FolderError> {
        let Some(kind) = self.find_kind(name.kind())? else {
            return Ok(());
        };
        let Some(file) = open(&kind, name, OFlags::WRONLY)? else {
            return Ok(());
        };
        erase::document(&kind, name.which(), &file, self.randomness.as_ref())
    }

    pub(crate) fn names(&self, kind: &str) -> Result<Vec<DocumentName>, FolderError> {
        // What is no name of a kind leads nowhere.
        if DocumentName::new(kind, "any").is_err() {
            return Ok(Vec::new());
        }
        let Some(folder) = self.find_kind(kind)? else {
            return Ok(Vec::new());
        };
        let entries = folder.entries()?;
        let mut names: Vec<_> = entries
            .iter()
            .filter_map(|entry| DocumentName::new(kind, entry).ok())
            .collect();
        names.sort();
        Ok(names)
    }
}

fn open(kind: &OpenFolder, name: &DocumentName, how: OFlags) -> Result<Option<File>, FolderError> {
    // Without NONBLOCK, opening a pipe would wait for somebody at its other end.
    let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(&kind.folder, name.which(), flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(not_opened(&kind.path.join(name.which()), e)),
    }
}

/// A new and empty document to add to, or the one that somebody else made at the same moment.
fn make(kind: &OpenFolder, name: &DocumentName) -> Result<(File, bool), FolderError> {
    let how = OFlags::WRONLY | OFlags::APPEND;
    let flags = how | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(&kind.folder, name.which(), flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok((file.into(), true)),
        Err(Errno::EXIST) => match open(kind, name, how)? {
            Some(file) => Ok((file, false)),
            None => Err(refused(&kind.path.join(name.which()), Errno::NOENT)),
        },
        Err(e) => Err(refused(&kind.path.join(name.which()), e)),
    }
}

/// Adds bytes to a file of `before` bytes. What did not find room leaves no part of itself, unless somebody else added
/// something since.
fn add(file: &mut File, before: u64, content: &[u8]) -> std::io::Result<()> {
    let mut rest = content;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(written) if written > 0 => rest = &rest[written..],
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            failed => {
                let written = (content.len() - rest.len()) as u64;
                if file.metadata()?.len() == before + written {
                    file.set_len(before)?;
                }
                return failed.and(Err(std::io::ErrorKind::WriteZero.into()));
            }
        }
    }
    file.sync_data()
}

fn check_len(path: &Path, len: u64) -> Result<(), FolderError> {
    match len <= MOST_BYTES {
        true => Ok(()),
        false => Err(failed(
            FolderErrorKind::Unavailable,
            path,
            format!("{len} bytes are more than a document has, which is 64 MiB at the most"),
        )),
    }
}
