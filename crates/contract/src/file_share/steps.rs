//! What the cases of this suite do again and again, and the gates.

use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{FileShare, Replace, ShareError, ShareErrorKind, SharePath, WriteReceipt};
use tokio::io::AsyncReadExt;

use super::FileShareFixture;
use crate::{Verdict, Violation};

/// Writes a whole file.
pub(super) async fn put(
    share: &dyn FileShare,
    path: &SharePath,
    bytes: &[u8],
) -> Result<WriteReceipt, Violation> {
    let mut writer = share.create(path, Replace::Never).await?;
    writer.write(bytes).await?;
    Ok(writer.publish().await?)
}

/// Reads a whole file.
pub(super) async fn content(share: &dyn FileShare, path: &SharePath) -> Result<Vec<u8>, Violation> {
    let mut bytes = Vec::new();
    share.read(path).await?.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// That a file holds these bytes.
pub(super) async fn holds(share: &dyn FileShare, path: &SharePath, expected: &[u8]) -> Verdict {
    let found = content(share, path).await?;
    if found == expected {
        return Ok(());
    }
    let first = found.iter().zip(expected).position(|(a, b)| a != b);
    Err(Violation::new(format!(
        "{path} holds {} bytes instead of {}; the first that differs is {first:?}",
        found.len(),
        expected.len()
    )))
}

/// That something was refused, and with one of these kinds.
pub(super) fn refused<T>(result: Result<T, ShareError>, kinds: &[ShareErrorKind], what: &str) -> Verdict {
    match result {
        Err(error) if kinds.contains(&error.kind) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused as {:?} and not as {kinds:?} ({error})",
            error.kind
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: accepted, expected {kinds:?}"))),
    }
}

/// That a folder holds so many files. A dropped writer may need a moment to take its temporary file away, over a
/// network for instance, so the count is looked at until a deadline.
pub(super) async fn comes_to_hold(
    fixture: &dyn FileShareFixture,
    folder: &SharePath,
    expected: usize,
) -> Verdict {
    let mut found = fixture.files_in(folder).await;
    for _ in 0..200 {
        if found == expected {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        found = fixture.files_in(folder).await;
    }
    Err(Violation::new(format!(
        "there are {found} files in the folder, expected {expected}"
    )))
}

pub(super) fn has_folders(fixture: &(dyn FileShareFixture + 'static)) -> Result<(), &'static str> {
    when(fixture.knows_folders(), "the share does not know folders")
}

pub(super) fn keeps_inside(fixture: &(dyn FileShareFixture + 'static)) -> Result<(), &'static str> {
    when(
        fixture.keeps_paths_inside(),
        "the share is every folder of the machine",
    )
}

pub(super) fn breaks_writes(fixture: &(dyn FileShareFixture + 'static)) -> Result<(), &'static str> {
    when(
        fixture.can_break_writes(),
        "the fixture cannot leave a broken write behind",
    )
}

pub(super) fn publishes_atomically(fixture: &(dyn FileShareFixture + 'static)) -> Result<(), &'static str> {
    when(
        capabilities(fixture).atomic_publish,
        "the share does not publish in one step",
    )
}

pub(super) fn creates_exclusively(fixture: &(dyn FileShareFixture + 'static)) -> Result<(), &'static str> {
    when(
        capabilities(fixture).exclusive_create,
        "the share cannot keep an existing file safe from another writer at the same moment",
    )
}

pub(super) fn knows_owners(fixture: &(dyn FileShareFixture + 'static)) -> Result<(), &'static str> {
    when(capabilities(fixture).owner_only, "the share does not know owners")
}

fn capabilities(fixture: &dyn FileShareFixture) -> keystead_application::ports::ShareCapabilities {
    fixture.share().capabilities()
}

fn when(there: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if there { Ok(()) } else { Err(otherwise) }
}

/// A share, a new folder on it, and a path in that folder.
pub(super) async fn place(fixture: &Arc<dyn FileShareFixture>) -> (Arc<dyn FileShare>, SharePath, SharePath) {
    let folder = fixture.folder().await;
    let path = folder.join("keyset-0123456789abcdef.pem");
    (fixture.share(), folder, path)
}
