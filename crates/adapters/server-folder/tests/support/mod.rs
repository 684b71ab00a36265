//! What these tests share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::{DocumentName, Randomness, RandomnessError, ServerFolder};
use keystead_domain::SecretBytes;
use keystead_server_folder::LocalServerFolder;

/// Tells a process that it was started by a test, and where to work.
pub(crate) const CHILD: &str = "KEYSTEAD_TEST_SERVER_FOLDER";

pub(crate) fn folder(path: &Path) -> LocalServerFolder {
    LocalServerFolder::new(path, Arc::new(Numbers(AtomicU64::new(0))))
}

/// Never twice the same in one process, and hardly ever in two; a temporary name needs no more.
struct Numbers(AtomicU64);

impl Randomness for Numbers {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let process = u64::from(std::process::id()) << 40;
        let number = process + self.0.fetch_add(1, Ordering::Relaxed);
        buffer.copy_from_slice(&number.to_be_bytes()[..buffer.len()]);
        Ok(())
    }
}

pub(crate) fn name(text: &str) -> DocumentName {
    text.parse().unwrap()
}

pub(crate) fn secret(bytes: impl Into<Vec<u8>>) -> SecretBytes {
    SecretBytes::new(bytes.into())
}

pub(crate) async fn content(folder: &LocalServerFolder, document: &str) -> Option<Vec<u8>> {
    let found = folder.read(&name(document)).await.unwrap();
    found.map(|content| content.expose().to_vec())
}

/// The place of a child process; `None` in the test itself.
pub(crate) fn child_place() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// This test again, in a process of its own that works at this place.
pub(crate) fn child(test: &str, place: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Tells the parent something, past the test harness.
pub(crate) fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// All temporary files anywhere under a folder, which need not be there.
pub(crate) fn temporaries(path: &Path) -> Vec<PathBuf> {
    let kinds = std::fs::read_dir(path).into_iter().flatten();
    kinds
        .map(|entry| entry.unwrap().path())
        .filter(|kind| kind.is_dir())
        .flat_map(|kind| std::fs::read_dir(kind).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|end| end == "tmp"))
        .collect()
}
