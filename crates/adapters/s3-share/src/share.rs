use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareAddress, ShareCapabilities, ShareError, ShareErrorKind, SharePath,
    ShareWriter, Temporaries,
};
use opendal::{Buffer, Operator};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::conditions::Conditions;
use crate::error::refusal;
use crate::key::Key;
use crate::transport::ServerClock;
use crate::writer::S3Writer;

/// What the names of temporary files begin with. Which of them are left over is told by all of the name.
const TEMPORARY: &str = ".keystead-";
/// How many are looked at: a list could go on for ever.
const MOST_LEFT: usize = 10_000;

/// A bucket, or what in it begins with a prefix.
pub struct S3FileShare {
    operator: Operator,
    top: ShareAddress,
    temporaries: Temporaries,
    /// How long is waited for the server when nobody waits for the result.
    patience: Duration,
    conditions: Arc<Conditions>,
    clock: ServerClock,
}

impl S3FileShare {
    pub(crate) fn new(
        operator: Operator,
        top: ShareAddress,
        temporaries: Temporaries,
        patience: Duration,
        (conditions, clock): (Arc<Conditions>, ServerClock),
    ) -> Self {
        Self {
            operator,
            top,
            temporaries,
            patience,
            conditions,
            clock,
        }
    }

    /// Whether there is an object. The answer to this question never has a reason in it, so that another question is
    /// asked for the reason of a no.
    async fn has(&self, key: &Key, operation: &'static str) -> Result<bool, ShareError> {
        let error = match self.operator.stat(&key.text).await {
            Ok(_) => return Ok(true),
            Err(error) => error,
        };
        let is_missing = refusal(&error).is_some_and(|refusal| refusal.status == 404);
        let is_unexplained = refusal(&error).is_some_and(|refusal| refusal.code.is_none());
        if is_unexplained {
            self.holds_anything(key, operation).await?;
        }
        match is_missing {
            true => Ok(false),
            false => Err(key.step(operation).failed(&error)),
        }
    }

    /// Whether the names of any objects begin with this folder. It is an error when there is no bucket.
    async fn holds_anything(&self, key: &Key, operation: &'static str) -> Result<bool, ShareError> {
        let failed = |e| key.step(operation).failed(&e);
        let prefix = key.as_prefix();
        let listed = self.operator.lister_with(&prefix).limit(1);
        let mut listed = listed.await.map_err(failed)?;
        Ok(listed.try_next().await.map_err(failed)?.is_some())
    }
}

#[async_trait]
impl FileShare for S3FileShare {
    fn capabilities(&self) -> ShareCapabilities {
        self.conditions.promised()
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        const OPERATION: &str = "look at the path";
        let names = path.names(OPERATION)?;
        let key = Key::below(&self.top, &names, OPERATION)?;
        if names.is_empty() || path.names_folder() {
            self.holds_anything(&key, OPERATION).await?;
            return Ok(Some(EntryKind::Folder));
        }
        if self.has(&key, OPERATION).await? {
            return Ok(Some(EntryKind::File));
        }
        let is_folder = self.holds_anything(&key, OPERATION).await?;
        Ok(is_folder.then_some(EntryKind::Folder))
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        const OPERATION: &str = "look at the path";
        let key = Key::below(&self.top, &path.names(OPERATION)?, OPERATION)?;
        let found = self.operator.stat(&key.text).await;
        Ok(found.ok().map(|found| found.content_length()))
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        const OPERATION: &str = "open the file";
        let names = path.names(OPERATION)?;
        let key = Key::below(&self.top, &names, OPERATION)?;
        let step = key.step(OPERATION);
        if names.is_empty() || path.names_folder() {
            return Err(step.error(ShareErrorKind::NotAFile, "it is a folder, and a file is needed"));
        }
        let failed = |e| step.failed(&e);
        let reader = self.operator.reader(&key.text).await.map_err(failed)?;
        let mut pieces = reader.into_stream(..).await.map_err(failed)?.boxed();
        // Nothing is asked for before the first piece is.
        let first = pieces.try_next().await.map_err(failed)?;
        let later = key.step("read the file");
        let bytes = stream::iter(first.map(Ok))
            .chain(pieces)
            .map_ok(|piece: Buffer| -> Bytes { piece.to_bytes() })
            .map_err(move |e| io::Error::other(later.failed(&e).message));
        Ok(Box::new(StreamReader::new(bytes)))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        const OPERATION: &str = "create the file";
        let names = path.names(OPERATION)?;
        let key = Key::below(&self.top, &names, OPERATION)?;
        let step = key.step(OPERATION);
        if names.is_empty() || path.names_folder() {
            return Err(step.error(ShareErrorKind::NotAFile, "it is a folder, and a file is needed"));
        }
        match self.has(&key, OPERATION).await {
            Ok(true) if replace == Replace::Never => {
                return Err(step.error(ShareErrorKind::Exists, "there is a file already"));
            }
            // Not everybody who may write may look; publishing decides.
            Err(error) if error.kind != ShareErrorKind::Denied => return Err(error),
            Ok(_) | Err(_) => {}
        }
        let token = self.temporaries.name();
        let token = token.map_err(|e| step.error(ShareErrorKind::Unavailable, e.to_string()))?;
        Ok(Box::new(S3Writer::new(
            self.operator.clone(),
            key,
            replace,
            Arc::clone(&self.conditions),
            (self.temporaries.clone(), token),
            self.patience,
        )))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        const OPERATION: &str = "remove the file";
        let names = path.names(OPERATION)?;
        let key = Key::below(&self.top, &names, OPERATION)?;
        let step = key.step(OPERATION);
        if names.is_empty() || path.names_folder() {
            return Err(step.error(ShareErrorKind::NotAFile, "it is a folder, and a file is needed"));
        }
        match self.operator.delete(&key.text).await.map_err(|e| step.failed(&e)) {
            Err(error) if error.kind == ShareErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Files need no temporary ones; what showed whether the server keeps to a condition may be left.
    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        const OPERATION: &str = "remove left temporary files";
        let names = path.names(OPERATION)?;
        let folder = match names.split_last() {
            Some((_, folder)) if !path.names_folder() => folder,
            _ => &names,
        };
        let key = Key::below(&self.top, folder, OPERATION)?;
        let failed = |e| key.step(OPERATION).failed(&e);
        let beginning = format!("{}{TEMPORARY}", key.as_prefix().trim_start_matches('/'));
        let mut found = self
            .operator
            .lister(&beginning)
            .await
            .map_err(failed)?
            .take(MOST_LEFT);
        let mut removed = 0;
        loop {
            let entry = match found.try_next().await.map_err(failed) {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                // Not everybody who may write may look.
                Err(error) if error.kind == ShareErrorKind::Denied => break,
                Err(error) => return Err(error),
            };
            if !entry.metadata().is_file() {
                continue;
            }
            let then = entry.metadata().last_modified().map(SystemTime::from);
            let untouched = self.clock.now().zip(then);
            let untouched = untouched.and_then(|(now, then)| now.duration_since(then).ok());
            if self.temporaries.is_leftover(entry.name(), untouched) {
                self.operator.delete(entry.path()).await.map_err(failed)?;
                self.temporaries.removed(entry.name());
                removed += 1;
            }
        }
        Ok(removed)
    }
}
