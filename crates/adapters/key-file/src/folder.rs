//! The folders of files. Whoever can write to one can exchange every file in it, whoever owns the file.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::file::{Unusable, because, shell_word};

const STICKY: u32 = 0o1000;
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// That nobody else can put a file in the place of this one. A folder that is not there is for whoever needs it to tell.
pub(crate) fn check_folder(path: &Path) -> Result<(), String> {
    let folder = folder_of(path);
    let found = match fs::metadata(folder) {
        Ok(found) => found,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(format!("its folder cannot be looked at: {e}")),
    };
    let me = rustix::process::geteuid().as_raw();
    judge(folder, found.uid(), found.mode(), me)
}

/// Makes the names in the folder of this file last.
pub(crate) fn flush_folder(path: &Path) -> Result<(), Unusable> {
    let opened = File::open(folder_of(path)).map_err(|e| because("its folder cannot be opened", &e))?;
    flush(&opened)
}

pub(crate) fn flush(folder: &File) -> Result<(), Unusable> {
    folder
        .sync_all()
        .map_err(|e| because("its folder cannot be flushed to the medium", &e))
}

fn judge(folder: &Path, owner: u32, mode: u32, me: u32) -> Result<(), String> {
    let word = shell_word(folder);
    if owner != me && owner != 0 {
        // Also where the sticky bit is set: that does not bind the owner of the folder.
        return Err(format!(
            "its folder {word} belongs to another user (uid {owner}), who can put another key there; keep the key in a \
             folder of your own, or run: chown {me} {word}"
        ));
    }
    if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
        return Err(format!(
            "others can write to its folder {word} (mode {:04o}), and put another key there; run: chmod go-w {word}",
            mode & 0o7777
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    fn judged(owner: u32, mode: u32) -> Result<(), String> {
        judge(Path::new("/my keys"), owner, mode, ME)
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_not_safe() {
        for mode in [0o40777, 0o40775, 0o40720, 0o40702, 0o42770] {
            let why = judged(ME, mode).unwrap_err();
            assert!(why.ends_with("run: chmod go-w '/my keys'"), "{why}");
            assert!(judged(0, mode).is_err());
        }
        for mode in [0o40700, 0o40755, 0o42750, 0o41777, 0o41775] {
            assert!(judged(ME, mode).is_ok() && judged(0, mode).is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn a_folder_of_another_user_is_not_safe() {
        for mode in [0o40755, 0o41777] {
            let why = judged(1001, mode).unwrap_err();
            assert!(
                why.contains("(uid 1001)") && why.ends_with("chown 1000 '/my keys'"),
                "{why}"
            );
        }
    }
}
