use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, Randomness, Replace, ShareCapabilities, ShareError, ShareErrorKind, SharePath,
    ShareWriter,
};
use rustix::fs::OFlags;
use tokio::io::AsyncRead;
use tokio::task::spawn_blocking;

use crate::error::{failed, refused, refused_in_folder};
use crate::publish::{flush_folder, folder};
use crate::temporary::{Temporary, clean_up};
use crate::writer::LocalShareWriter;

/// The largest piece that is read at a time.
const READ_BUFFER: usize = 1024 * 1024;

/// The folders of this machine.
///
/// A symbolic link is read through. Where a file is written, a link counts as a file of its own:
/// [`Replace::Never`] refuses, [`Replace::Allowed`] replaces the link and leaves alone what it led to. A link that leads
/// to a folder or a device is refused like these.
#[derive(Clone)]
pub struct LocalFileShare {
    randomness: Arc<dyn Randomness>,
    /// The folder that paths are counted from and do not leave; `None` for every folder of this machine.
    top: Option<PathBuf>,
}

impl LocalFileShare {
    /// A share whose temporary names come from this source.
    #[must_use]
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self {
            randomness,
            top: None,
        }
    }

    /// The share that a folder is. No path leaves it, neither by `..` nor through a symbolic link.
    #[must_use]
    pub fn within(randomness: Arc<dyn Randomness>, top: PathBuf) -> Self {
        Self {
            randomness,
            top: Some(top),
        }
    }

    /// Runs file work on a path where it does not hold up the runtime.
    async fn work<T: Send + 'static>(
        &self,
        operation: &'static str,
        path: &SharePath,
        work: impl FnOnce(&'static str, &Path) -> Result<T, ShareError> + Send + 'static,
    ) -> Result<T, ShareError> {
        let Some(top) = self.top.clone() else {
            let whole = PathBuf::from(path.as_str());
            return blocking(operation, whole, work).await;
        };
        let names = path.names(operation)?;
        let whole = names.iter().fold(top.clone(), |path, name| path.join(name));
        blocking(operation, whole, move |operation, whole| {
            stays_within(operation, &top, whole)?;
            work(operation, whole)
        })
        .await
    }
}

#[async_trait]
impl FileShare for LocalFileShare {
    fn is_on_this_machine(&self) -> bool {
        true
    }

    fn capabilities(&self) -> ShareCapabilities {
        ShareCapabilities::ALL
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        self.work("look at the path", path, stat).await
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        let length = |_: &'static str, path: &Path| Ok(fs::metadata(path).ok());
        let found = self.work("look at the path", path, length).await?;
        Ok(found.filter(Metadata::is_file).map(|found| found.len()))
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        let file = self.work("open the file", path, open).await?;
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(READ_BUFFER);
        Ok(Box::new(file))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        let randomness = Arc::clone(&self.randomness);
        let names_folder = path.names_folder();
        let writer = self.work("create the file", path, move |operation, path| {
            if names_folder || path.file_name().is_none() {
                return Err(not_a_file(operation, path));
            }
            check_target(operation, path, replace)?;
            let (temporary, file) = Temporary::create(folder(path), randomness.as_ref())
                .map_err(|e| refused_in_folder(operation, path, &e))?;
            Ok(LocalShareWriter::new(temporary, file, path, replace))
        });
        Ok(Box::new(writer.await?))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        self.work("remove the file", path, remove).await
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        let names_folder = path.names_folder();
        let work = move |operation, path: &Path| {
            let folder = if names_folder { path } else { folder(path) };
            clean_up(folder).map_err(|e| refused(operation, folder, &e))
        };
        self.work("remove left temporary files", path, work).await
    }
}

/// That nothing on the way to a path, nor a link at its end, leads out of a folder. Somebody who may change folders on the
/// share could still exchange one afterwards; what is read is checked by its content, and what is written is a new file.
fn stays_within(operation: &'static str, top: &Path, path: &Path) -> Result<(), ShareError> {
    let real_top = fs::canonicalize(top).map_err(|e| match e.kind() {
        ErrorKind::NotFound => failed(
            ShareErrorKind::NoShare,
            operation,
            top,
            "the folder of the share does not exist; check that it is mounted",
        ),
        _ => refused(operation, top, &e),
    })?;
    // What does not exist yet is where the nearest folder above it is.
    for part in path.ancestors().take_while(|part| part.starts_with(top)) {
        match fs::canonicalize(part) {
            Ok(real) if real.starts_with(&real_top) => return Ok(()),
            Ok(_) => {
                let why = "a symbolic link leads out of the share";
                return Err(failed(ShareErrorKind::OutsideShare, operation, path, why));
            }
            // A link that leads nowhere could lead anywhere.
            Err(_) if fs::symlink_metadata(part).is_ok_and(|found| found.is_symlink()) => {
                let why = "a symbolic link leads to nothing";
                return Err(failed(ShareErrorKind::OutsideShare, operation, path, why));
            }
            Err(e) if is_missing(&e) => {}
            Err(e) => return Err(refused(operation, part, &e)),
        }
    }
    Ok(())
}

fn stat(operation: &'static str, path: &Path) -> Result<Option<EntryKind>, ShareError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(entry_kind(&found))),
        Err(e) if is_missing(&e) => {
            // A link that leads nowhere still takes the name.
            Ok(fs::symlink_metadata(path).ok().map(|_| EntryKind::Other))
        }
        Err(e) => Err(refused(operation, path, &e)),
    }
}

fn open(operation: &'static str, path: &Path) -> Result<File, ShareError> {
    // Without NONBLOCK, opening a pipe would wait for a writer.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|e| match e.kind() {
            ErrorKind::NotADirectory => refused(operation, path, &ErrorKind::NotFound.into()),
            _ => refused(operation, path, &e),
        })?;
    let found = file.metadata().map_err(|e| refused(operation, path, &e))?;
    match entry_kind(&found) {
        EntryKind::File => Ok(file),
        EntryKind::Folder | EntryKind::Other => Err(not_a_file(operation, path)),
    }
}

/// Looks at what stands under the name before anything is written. Publishing looks again.
fn check_target(operation: &'static str, path: &Path, replace: Replace) -> Result<(), ShareError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(refused(operation, path, &e)),
    };
    let kind = match fs::metadata(path) {
        Ok(found) => entry_kind(&found),
        Err(_) if found.is_symlink() => EntryKind::File,
        Err(e) => return Err(refused(operation, path, &e)),
    };
    match (kind, replace) {
        (EntryKind::Folder | EntryKind::Other, _) => Err(not_a_file(operation, path)),
        (EntryKind::File, Replace::Never) => Err(refused(operation, path, &ErrorKind::AlreadyExists.into())),
        (EntryKind::File, Replace::Allowed) => Ok(()),
    }
}

fn remove(operation: &'static str, path: &Path) -> Result<(), ShareError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() || found.is_symlink() => {}
        Ok(_) => return Err(not_a_file(operation, path)),
        Err(e) if is_missing(&e) => return Ok(()),
        Err(e) => return Err(refused(operation, path, &e)),
    }
    match fs::remove_file(path) {
        Ok(()) => flush_folder(path),
        Err(e) if is_missing(&e) => Ok(()),
        Err(e) => Err(refused(operation, path, &e)),
    }
}

fn entry_kind(found: &Metadata) -> EntryKind {
    if found.is_file() {
        EntryKind::File
    } else if found.is_dir() {
        EntryKind::Folder
    } else {
        EntryKind::Other
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn not_a_file(operation: &'static str, path: &Path) -> ShareError {
    let message = "it is a folder or a device, and a file is needed";
    failed(ShareErrorKind::NotAFile, operation, path, message)
}

async fn blocking<T: Send + 'static>(
    operation: &'static str,
    path: PathBuf,
    work: impl FnOnce(&'static str, &Path) -> Result<T, ShareError> + Send + 'static,
) -> Result<T, ShareError> {
    let shown = path.display().to_string();
    match spawn_blocking(move || work(operation, &path)).await {
        Ok(done) => done,
        Err(e) => Err(ShareError::new(
            ShareErrorKind::Unavailable,
            operation,
            shown,
            e.to_string(),
        )),
    }
}

#[cfg(test)]
mod tests;
