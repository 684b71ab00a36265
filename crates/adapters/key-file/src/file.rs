use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::folder::{flush, folder_of};

/// Longer than any key file with any line ends; a longer file is something else and is not read on.
const MAX_LEN: usize = 1024;

/// What a file holds.
pub(crate) type Content = Zeroizing<Vec<u8>>;

/// Who may read a file beside its owner.
#[derive(Clone, Copy)]
pub(crate) enum Privacy {
    /// Nobody.
    Owner,
    /// What systemd lets read a credential. Where access lists work, it keeps the file root's and lets the service's user
    /// read it by an entry of the list, and the mode shows the mask of that list as the right of the group.
    Credential,
}

/// Why the file cannot be used.
pub(crate) enum Unusable {
    /// There is one already.
    Exists,
    /// What is wrong, and what mends it.
    Because(String),
}

/// Reads a file; `None` when there is none. A symbolic link is followed: what counts is the file that it leads to.
pub(crate) fn read(path: &Path, privacy: Privacy) -> Result<Option<Content>, Unusable> {
    let opened = open(path, OpenOptions::new().read(true), Links::Followed)?;
    opened.map(|file| content(path, file, privacy)).transpose()
}

/// The same for a file that this program put there itself: a symbolic link under its name is refused.
pub(crate) fn read_own(path: &Path) -> Result<Option<Content>, Unusable> {
    let opened = open(path, OpenOptions::new().read(true), Links::Refused)?;
    opened.map(|file| content(path, file, Privacy::Owner)).transpose()
}

/// Waits for the lock of a file that this program put there; `None` when there is none.
pub(crate) fn lock_own(path: &Path) -> Result<Option<File>, Unusable> {
    // Network file systems lock only what can be written.
    let opened = match open(path, OpenOptions::new().read(true).write(true), Links::Refused) {
        Err(_) => open(path, OpenOptions::new().read(true), Links::Refused),
        opened => opened,
    };
    let Some(file) = opened? else { return Ok(None) };
    file.lock()
        .map_err(|e| because("it cannot be locked against other processes", &e))?;
    Ok(Some(file))
}

/// What a symbolic link under the name of a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    Refused,
}

fn open(path: &Path, options: &mut OpenOptions, links: Links) -> Result<Option<File>, Unusable> {
    // Without NONBLOCK, opening a pipe would wait for a writer.
    let flags = match links {
        Links::Followed => OFlags::NONBLOCK,
        Links::Refused => OFlags::NONBLOCK | OFlags::NOFOLLOW,
    };
    match options.custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(_) if links == Links::Refused && path.is_symlink() => Err(Unusable::Because(
            "it is a symbolic link, which this program does not make there; find out who did, and remove it"
                .into(),
        )),
        Err(e) => Err(because("it cannot be opened", &e)),
    }
}

fn content(path: &Path, mut file: File, privacy: Privacy) -> Result<Content, Unusable> {
    check_privacy(path, &file, privacy)?;
    let mut content = Zeroizing::new(vec![0; MAX_LEN]);
    let mut len = 0;
    while len < MAX_LEN {
        match file.read(&mut content[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(because("it cannot be read", &e)),
        }
    }
    content.truncate(len);
    Ok(content)
}

/// Keeps a new file. It stands under its name whole and flushed, or not at all, and replaces nothing.
pub(crate) fn create(path: &Path, content: &Content, tag: [u8; 8]) -> Result<(), Unusable> {
    if path.symlink_metadata().is_ok() {
        return Err(Unusable::Exists);
    }
    let folder = folder_of(path);
    let name = path
        .file_name()
        .ok_or_else(|| Unusable::Because("it has no file name".into()))?;
    let opened = File::open(folder).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Unusable::Because(format!("there is no folder {}", folder.display())),
        _ => because("its folder cannot be opened", &e),
    })?;
    // Creators take turns, so a temporary file that is found here was left by one that was killed. Where folders
    // cannot be locked, leftovers stay: nobody knows whether they are being written.
    if opened.lock().is_ok() {
        remove_leftovers(folder, &temporary_prefix(name));
    }
    let mut temporary_name = temporary_prefix(name);
    temporary_name.push(format!("{:016x}{TEMPORARY_SUFFIX}", u64::from_be_bytes(tag)));
    let temporary = Temporary(folder.join(temporary_name));
    write(&temporary.0, content)?;
    publish(&temporary.0, path)?;
    flush(&opened)
}

const TEMPORARY_SUFFIX: &str = ".tmp";

/// Removes the file when it is dropped; after publishing there is none under this name.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn temporary_prefix(name: &std::ffi::OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

fn remove_leftovers(folder: &Path, prefix: &OsString) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_temporary =
            name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(TEMPORARY_SUFFIX.as_bytes());
        if is_temporary && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // What cannot be removed harms nothing; the key is made all the same.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn write(path: &Path, content: &Content) -> Result<(), Unusable> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| because("it cannot be created", &e))?;
    // A file system without permissions would show it to everybody; better not to write it.
    check_privacy(path, &file, Privacy::Owner)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(|e| because("it cannot be written", &e))
}

/// Gives a file its name, unless that is taken.
pub(crate) fn publish(temporary: &Path, path: &Path) -> Result<(), Unusable> {
    let published = match renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
        // Not every file system can rename so; a second name for the same file never replaces either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(temporary, path).and_then(|()| fs::remove_file(temporary))
        }
        renamed => renamed.map_err(io::Error::from),
    };
    published.map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Unusable::Exists,
        _ => because("it cannot be put under its name", &e),
    })
}

fn check_privacy(path: &Path, file: &File, privacy: Privacy) -> Result<(), Unusable> {
    let found = file
        .metadata()
        .map_err(|e| because("it cannot be looked at", &e))?;
    let mode = found.mode() & 0o777;
    let for_others = match privacy {
        Privacy::Credential if found.uid() == 0 => 0o037,
        Privacy::Owner | Privacy::Credential => 0o077,
    };
    let me = rustix::process::geteuid().as_raw();
    if !found.is_file() {
        Err(Unusable::Because(
            "it is not a regular file; take it away, or put the right one there".into(),
        ))
    } else if found.uid() != me && found.uid() != 0 {
        // Whoever owns the file knows the key, or can guess its passphrase.
        Err(Unusable::Because(format!(
            "it belongs to another user (uid {}); take it away if that is not meant, or run: chown {me} {}",
            found.uid(),
            shell_word(path)
        )))
    } else if mode & for_others != 0 {
        Err(Unusable::Because(format!(
            "others can use it (mode {mode:04o}); run: chmod 600 {}",
            shell_word(path)
        )))
    } else {
        Ok(())
    }
}

pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

pub(crate) fn because(what: &str, error: &io::Error) -> Unusable {
    Unusable::Because(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests;
