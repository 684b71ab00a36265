use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keystead_domain::Timestamp;

use super::self_signed;
use crate::{ListenError, TlsFiles};

const CERTIFICATE: &str = "certificate.pem";
const PRIVATE_KEY: &str = "private-key.pem";

/// A self-signed certificate and its private key in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfSignedFiles {
    /// The files.
    pub files: TlsFiles,
    /// Whether they were made now, and not found.
    pub is_new: bool,
}

/// Makes a self-signed certificate and keeps it and its private key in that folder, as `certificate.pem` and
/// `private-key.pem`, both of mode 0600 and the folder of mode 0700. They appear together, flushed, or not at all. A pair that
/// is there already stays as it is; of several processes that do this at the same moment one makes the pair, and all get it.
///
/// This blocks. The folder's parent has to be there.
///
/// # Errors
/// [`ListenError::Certificate`] as [`self_signed`]; [`ListenError::File`] when the files cannot be kept, or something else is
/// in that folder.
pub fn write_self_signed(
    folder: &Path,
    names: &[String],
    now: Timestamp,
) -> Result<SelfSignedFiles, ListenError> {
    if let Some(found) = find(folder)? {
        return Ok(found);
    }
    let made = self_signed(names, now)?;
    let failed = |e: io::Error| {
        ListenError::file(
            folder,
            format!("the files cannot be kept there ({e})"),
            "check that its parent folder is there, and that this process may write to it",
        )
    };
    let name = folder
        .file_name()
        .ok_or_else(|| failed(ErrorKind::InvalidInput.into()))?;
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let opened = File::open(parent).map_err(failed)?;
    // One process at a time, so that what stands under the temporary name was left by one that was killed.
    opened.lock().map_err(failed)?;
    if let Some(found) = find(folder)? {
        return Ok(found);
    }
    let mut temporary_name = OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(".new");
    let temporary = Temporary(parent.join(temporary_name));
    temporary.remove().map_err(failed)?;
    DirBuilder::new()
        .mode(0o700)
        .create(&temporary.0)
        .map_err(failed)?;
    write(&temporary.0.join(CERTIFICATE), &made.certificate).map_err(failed)?;
    write(&temporary.0.join(PRIVATE_KEY), &made.private_key).map_err(failed)?;
    File::open(&temporary.0)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    // The name is free, or that of an empty folder: one with something in it is not replaced.
    fs::rename(&temporary.0, folder).map_err(failed)?;
    opened.sync_all().map_err(failed)?;
    Ok(SelfSignedFiles {
        files: files_in(folder),
        is_new: true,
    })
}

/// The pair, when it is there; an error when something else is.
fn find(folder: &Path) -> Result<Option<SelfSignedFiles>, ListenError> {
    let files = files_in(folder);
    match (files.certificate.exists(), files.private_key.exists()) {
        (true, true) => Ok(Some(SelfSignedFiles { files, is_new: false })),
        (false, false) if is_vacant(folder) => Ok(None),
        _ => Err(ListenError::file(
            folder,
            format!("something is there, but not both {CERTIFICATE} and {PRIVATE_KEY}"),
            "put the missing file there, or move everything in it away so that a new pair is made",
        )),
    }
}

fn is_vacant(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(e) => e.kind() == ErrorKind::NotFound,
    }
}

fn files_in(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join(CERTIFICATE),
        private_key: folder.join(PRIVATE_KEY),
    }
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// A folder that goes when this is dropped, unless it has got another name.
struct Temporary(PathBuf);

impl Temporary {
    fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}
