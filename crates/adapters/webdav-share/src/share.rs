use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareCapabilities, ShareError, ShareErrorKind, SharePath, ShareWriter,
    Temporaries,
};
use keystead_https::http_failure;
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::client::Client;
use crate::error::Step;
use crate::writer::WebDavWriter;

/// A folder of a WebDAV server.
pub struct WebDavFileShare {
    client: Arc<Client>,
    temporaries: Temporaries,
    /// How long is waited for the server when nobody waits for the result.
    patience: Duration,
}

impl WebDavFileShare {
    pub(crate) fn new(client: Client, temporaries: Temporaries, patience: Duration) -> Self {
        Self {
            client: Arc::new(client),
            temporaries,
            patience,
        }
    }

    /// What is at a path, after the path was checked.
    async fn look(&self, names: &[&str], operation: &'static str) -> Result<Option<EntryKind>, ShareError> {
        let at = self.client.target(names);
        let step = at.step(operation);
        let found = self.client.look(&at, &step).await?;
        if found.is_none() {
            self.check_top(operation).await?;
        }
        Ok(found)
    }

    /// That the share itself is there. Asked for when something on it is not.
    async fn check_top(&self, operation: &'static str) -> Result<(), ShareError> {
        let top = self.client.target::<&str>(&[]);
        let step = top.step(operation);
        match self.client.has_folder(&top, &step).await {
            Ok(true) => Ok(()),
            // Not everybody who may write to a folder may look at it.
            Err(error) if error.kind == ShareErrorKind::Denied => Ok(()),
            Err(error) => Err(error),
            Ok(false) => Err(step
                .error(ShareErrorKind::NoShare, "the server has no such folder")
                .advising("check the path of the address")),
        }
    }

    async fn check_folder(&self, folder: &[&str], step: &Step) -> Result<(), ShareError> {
        // The top was looked for already when the file was not found.
        if folder.is_empty() || self.client.has_folder(&self.client.target(folder), step).await? {
            return Ok(());
        }
        Err(step.error(ShareErrorKind::NoFolder, "its folder does not exist"))
    }
}

#[async_trait]
impl FileShare for WebDavFileShare {
    fn capabilities(&self) -> ShareCapabilities {
        ShareCapabilities::NONE
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        const OPERATION: &str = "look at the path";
        self.look(&path.names(OPERATION)?, OPERATION).await
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        const OPERATION: &str = "look at the path";
        let at = self.client.target(&path.names(OPERATION)?);
        self.client.length(&at, &at.step(OPERATION)).await
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        const OPERATION: &str = "open the file";
        let names = path.names(OPERATION)?;
        let at = self.client.target(&names);
        let step = at.step(OPERATION);
        // Servers answer with a page of their own when a folder is got.
        match self.look(&names, OPERATION).await? {
            Some(EntryKind::File) if !path.names_folder() => {}
            Some(_) => return Err(not_a_file(&step)),
            None => return Err(step.error(ShareErrorKind::NotFound, "there is no such file")),
        }
        let answer = self.client.get(&at, &step).await?;
        let bytes = answer
            .bytes_stream()
            .map_err(|e| io::Error::other(http_failure(&e).message));
        Ok(Box::new(StreamReader::new(Box::pin(bytes))))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        const OPERATION: &str = "create the file";
        let names = path.names(OPERATION)?;
        let step = self.client.target(&names).step(OPERATION);
        let Some((_, folder)) = names.split_last().filter(|_| !path.names_folder()) else {
            return Err(not_a_file(&step));
        };
        match (self.look(&names, OPERATION).await?, replace) {
            (Some(EntryKind::File), Replace::Never) => {
                return Err(step.error(ShareErrorKind::Exists, "there is a file already"));
            }
            (Some(EntryKind::File), Replace::Allowed) => {}
            (Some(_), _) => return Err(not_a_file(&step)),
            // Some servers make the folder of a file that is sent to them.
            (None, _) => self.check_folder(folder, &step).await?,
        }
        let writer = WebDavWriter::new(&self.client, &self.temporaries, self.patience, &names, replace);
        let writer = writer.map_err(|e| step.error(ShareErrorKind::Unavailable, e.to_string()))?;
        Ok(Box::new(writer))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        const OPERATION: &str = "remove the file";
        let names = path.names(OPERATION)?;
        let at = self.client.target(&names);
        let step = at.step(OPERATION);
        // To remove a folder is to remove everything in it.
        match self.look(&names, OPERATION).await? {
            None => Ok(()),
            Some(EntryKind::File) if !path.names_folder() => self.client.delete(&at, &step).await,
            Some(_) => Err(not_a_file(&step)),
        }
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        const OPERATION: &str = "remove left temporary files";
        let names = path.names(OPERATION)?;
        let folder = match names.split_last() {
            Some((_, folder)) if !path.names_folder() => folder,
            _ => &names,
        };
        let at = self.client.target(folder);
        let Some((entries, now)) = self.client.list(&at, &at.step(OPERATION)).await? else {
            self.check_top(OPERATION).await?;
            return Ok(0);
        };
        let mut removed = 0;
        for entry in entries {
            let Some(name) = entry.name.filter(|_| !entry.is_folder) else {
                continue;
            };
            let untouched = now
                .zip(entry.modified)
                .and_then(|(now, then)| now.duration_since(then).ok());
            if self.temporaries.is_leftover(&name, untouched) {
                let left = self.client.target(&[folder, &[name.as_str()]].concat());
                self.client.delete(&left, &left.step(OPERATION)).await?;
                self.temporaries.removed(&name);
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn not_a_file(step: &Step) -> ShareError {
    step.error(ShareErrorKind::NotAFile, "it is a folder, and a file is needed")
}
