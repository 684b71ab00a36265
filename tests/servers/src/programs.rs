//! The programs that we did not write.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Finds a program, on the search path or where distributions hide servers.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut folders: Vec<PathBuf> = folders.collect();
    // Debian keeps PostgreSQL's servers of several versions apart.
    if let Ok(versions) = Path::new("/usr/lib/postgresql").read_dir() {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders
        .into_iter()
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Whether all the programs are there. When one is not, the test says so and is counted as not run; where everything has
/// to run (`KEYSTEAD_TEST_ALL` is set), it fails.
///
/// # Panics
/// When a program is missing and `KEYSTEAD_TEST_ALL` is set.
#[must_use]
pub fn have(programs: &[&str]) -> bool {
    let Some(missing) = programs.iter().find(|program| find(program).is_none()) else {
        return true;
    };
    assert!(env::var_os("KEYSTEAD_TEST_ALL").is_none(), "{missing} is missing");
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    // Past the test harness, which would swallow it.
    let note = format!("not run: {name}: {missing} is missing\n");
    let _ = std::io::stderr().write_all(note.as_bytes());
    false
}

/// The Python that has the servers that are written in it, where `tests/run` puts it. `KEYSTEAD_TEST_PYTHON` names another.
pub(crate) fn python() -> String {
    let there = || {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../target/test-tools/python/bin/python"
        )
        .to_owned()
    };
    env::var("KEYSTEAD_TEST_PYTHON").unwrap_or_else(|_| there())
}

/// A command for a program that [`find`] finds.
pub(crate) fn command(program: &str) -> Command {
    Command::new(find(program).unwrap_or_else(|| panic!("{program} is missing")))
}

/// Runs a command that has to succeed, and gives its standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
