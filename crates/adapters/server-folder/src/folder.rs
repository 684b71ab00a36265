use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{
    DocumentName, FolderError, FolderErrorKind, FolderLock, Randomness, ServerFolder,
};
use keystead_domain::SecretBytes;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::disk::Disk;
use crate::error::failed;

/// How long somebody waits for a lock that others keep.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it takes until a lock that others kept is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// A folder of this machine, of mode 0700, made when something is kept in it for the first time.
///
/// Documents have at most 64 MiB. What others than the owner can use, or somebody else owns, is not read; nor is what a
/// symbolic link leads to. The folder itself may be reached by one.
#[derive(Clone)]
pub struct LocalServerFolder {
    disk: Arc<Disk>,
    patience: Duration,
}

impl LocalServerFolder {
    /// The folder at this path. Temporary names come from this source.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            disk: Arc::new(Disk {
                path: path.into(),
                randomness,
            }),
            patience: PATIENCE,
        }
    }

    /// The same folder, with another time to wait for a lock that others keep. It is 10 seconds when not said.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs file work where it does not hold up the runtime.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, FolderError> + Send + 'static,
    ) -> Result<T, FolderError> {
        let disk = Arc::clone(&self.disk);
        match spawn_blocking(move || work(&disk)).await {
            Ok(done) => done,
            Err(stopped) => Err(failed(
                FolderErrorKind::Unavailable,
                &self.disk.path,
                format!("the work on it broke off: {stopped}"),
            )),
        }
    }

    async fn wait_for_lock(&self) -> Result<FolderLock, FolderError> {
        loop {
            match self.work(Disk::try_lock).await? {
                Some(lock) => return Ok(Box::new(lock)),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

#[async_trait]
impl ServerFolder for LocalServerFolder {
    fn place(&self) -> String {
        self.disk.path.display().to_string()
    }

    async fn lock(&self) -> Result<FolderLock, FolderError> {
        match tokio::time::timeout(self.patience, self.wait_for_lock()).await {
            Ok(done) => done,
            Err(_) => Err(failed(
                FolderErrorKind::Busy,
                &self.disk.path,
                format!(
                    "another process works with it, and was not done after {} seconds; try again when it is",
                    self.patience.as_secs_f32()
                ),
            )),
        }
    }

    async fn read(&self, name: &DocumentName) -> Result<Option<SecretBytes>, FolderError> {
        let name = name.clone();
        self.work(move |disk| disk.read(&name)).await
    }

    async fn create(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        let (name, content) = (name.clone(), copy(content));
        self.work(move |disk| disk.create(&name, &content)).await
    }

    async fn replace(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        let (name, content) = (name.clone(), copy(content));
        self.work(move |disk| disk.replace(&name, &content)).await
    }

    async fn append(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        let (name, content) = (name.clone(), copy(content));
        self.work(move |disk| disk.append(&name, &content)).await
    }

    async fn destroy(&self, name: &DocumentName) -> Result<(), FolderError> {
        let name = name.clone();
        self.work(move |disk| disk.destroy(&name)).await
    }

    async fn names(&self, kind: &str) -> Result<Vec<DocumentName>, FolderError> {
        let kind = kind.to_owned();
        self.work(move |disk| disk.names(&kind)).await
    }
}

fn copy(content: &SecretBytes) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(content.expose().to_vec())
}
