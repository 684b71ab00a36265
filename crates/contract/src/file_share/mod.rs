//! What a `FileShare` and its `ShareWriter` promise.

mod cleaning;
mod inside;
mod publishing;
mod reading;
mod replacing;
mod steps;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{FileShare, SharePath};

use crate::Suite;

/// How the suite comes by a share, and looks behind it.
#[async_trait]
pub trait FileShareFixture: Send + Sync {
    /// The share.
    fn share(&self) -> Arc<dyn FileShare>;

    /// A new and empty folder on the share.
    async fn folder(&self) -> SharePath;

    /// Whether the share knows folders as things of their own. One with mere key prefixes does not.
    fn knows_folders(&self) -> bool;

    /// Whether paths are counted from the top of the share and do not leave it. The folders of this machine, all of them,
    /// are the exception.
    fn keeps_paths_inside(&self) -> bool;

    /// How many files there are in a folder, counted past the share: temporary and hidden ones too.
    async fn files_in(&self, folder: &SharePath) -> usize;

    /// Whether [`FileShareFixture::leave_broken_write`] works.
    fn can_break_writes(&self) -> bool;

    /// Leaves in a folder what a writer leaves that was killed while it wrote. Never called when
    /// [`FileShareFixture::can_break_writes`] says no.
    async fn leave_broken_write(&self, folder: &SharePath);

    /// Whether somebody else than the owner may read a file; `None` when the fixture cannot tell. Only asked when the
    /// share says that it knows owners.
    async fn others_can_read(&self, path: &SharePath) -> Option<bool>;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn FileShareFixture> {
    let cases = [
        publishing::cases(),
        replacing::cases(),
        reading::cases(),
        cleaning::cases(),
        inside::cases(),
    ];
    Suite::new("file share", cases.into_iter().flatten().collect())
}
