//! What a `ServerFolder` promises.

mod documents;
mod locking;
mod together;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{DocumentName, FolderError, FolderErrorKind, ServerFolder};
use keystead_domain::SecretBytes;

use crate::{Suite, Verdict, Violation, samples};

/// How the suite comes by a folder.
#[async_trait]
pub trait ServerFolderFixture: Send + Sync {
    /// A new and empty folder, through two handles, as two processes have it. Neither waits for a lock longer than the suite
    /// lasts: some seconds at the most.
    async fn folder(&self) -> [Arc<dyn ServerFolder>; 2];
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn ServerFolderFixture> {
    let cases = [documents::cases(), locking::cases(), together::cases()];
    Suite::new("server folder", cases.into_iter().flatten().collect())
}

fn name(text: &str) -> Result<DocumentName, Violation> {
    Ok(text.parse()?)
}

/// A content; another one for each seed.
fn content(seed: u32, len: usize) -> SecretBytes {
    SecretBytes::new(samples::bytes(seed, len))
}

async fn holds(folder: &dyn ServerFolder, name: &DocumentName, expected: &[u8]) -> Verdict {
    match folder.read(name).await? {
        Some(found) if found.expose() == expected => Ok(()),
        Some(found) => Err(Violation::new(format!(
            "{name} holds {} other bytes than the {} expected",
            found.expose().len(),
            expected.len()
        ))),
        None => Err(Violation::new(format!("{name} is not there"))),
    }
}

async fn is_missing(folder: &dyn ServerFolder, name: &DocumentName) -> Verdict {
    match folder.read(name).await? {
        None => Ok(()),
        Some(_) => Err(Violation::new(format!("{name} is there"))),
    }
}

fn refused<T>(result: Result<T, FolderError>, kind: FolderErrorKind, what: &str) -> Verdict {
    match result {
        Err(error) if error.kind == kind => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused as {:?} and not as {kind:?} ({error})",
            error.kind
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: accepted, expected {kind:?}"))),
    }
}
