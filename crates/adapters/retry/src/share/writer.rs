use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{
    Replace, ShareError, ShareErrorKind, SharePath, ShareWriter, WriteReceipt,
};
use keystead_domain::make_room;
use zeroize::Zeroizing;

use super::{PatientShare, SLOWEST_MEDIUM, time_to_move};
use crate::failure::Failure;
use crate::patience::Attempts;

/// Writes, and remembers what was written as long as it is little.
pub(super) struct PatientWriter {
    share: PatientShare,
    path: SharePath,
    replace: Replace,
    /// `None` once a step did not come to an end: what was half done is not gone on with.
    inner: Option<Box<dyn ShareWriter>>,
    /// Everything that was written; `None` when it has become too much.
    written: Option<Zeroizing<Vec<u8>>>,
    /// How many bytes that were.
    total: u64,
}

/// How many bytes an adapter may have gathered of so many: S3 sends parts that grow with the file.
fn gathered(total: u64) -> u64 {
    (16 << 20).max(total / 4096)
}

/// How a publication went.
enum Published {
    Done(WriteReceipt),
    /// It failed for a passing reason; whether the file stands there is not known.
    Unknown(ShareError),
}

impl PatientWriter {
    pub(super) fn new(
        share: PatientShare,
        path: SharePath,
        replace: Replace,
        inner: Box<dyn ShareWriter>,
    ) -> Self {
        let written = Zeroizing::new(Vec::with_capacity(64 * 1024));
        Self {
            share,
            path,
            replace,
            inner: Some(inner),
            written: Some(written),
            total: 0,
        }
    }

    /// Keeps a copy, without leaving others behind as a vector does that grows by itself.
    fn remember(&mut self, bytes: &[u8]) {
        let Some(written) = &mut self.written else { return };
        let needed = written.len() + bytes.len();
        if needed > self.share.patience.most_remembered() {
            self.written = None;
            return;
        }
        make_room(written, bytes.len(), self.share.patience.most_remembered());
        written.extend_from_slice(bytes);
    }

    async fn write_once(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        const OPERATION: &str = "write";
        let names = self.path.names(OPERATION)?;
        let limit = self.share.limit.clone();
        let Some(inner) = &mut self.inner else {
            let why = "the file was given up after an earlier failure";
            return Err(ShareError::new(
                ShareErrorKind::Unavailable,
                OPERATION,
                limit.place(&names),
                why,
            ));
        };
        // Adapters gather bytes and send them when it is worth it, so that one call may have to move those of many.
        let more = time_to_move(self.total.min(gathered(self.total)));
        let write = inner.write(bytes);
        let result = limit.bounded_for(more, OPERATION, &names, write).await;
        if result.is_err() {
            // Its temporary file is removed in the background, as soon as the share can be reached.
            self.inner = None;
        }
        result
    }

    /// Begins anew with all that was written so far.
    async fn begin_again(&mut self) -> Result<(), ShareError> {
        const OPERATION: &str = "create the file";
        let names = self.path.names(OPERATION)?;
        let share = self.share.clone();
        let create = share.inner.create(&self.path, self.replace);
        self.inner = Some(share.limit.bounded(OPERATION, &names, create).await?);
        let Some(written) = self.written.take() else {
            return Ok(());
        };
        let result = self.write_once(&written).await;
        self.written = Some(written);
        result
    }

    async fn publish_once(&mut self) -> Result<Published, ShareError> {
        const OPERATION: &str = "put the file under its name";
        let names = self.path.names(OPERATION)?;
        let Some(inner) = self.inner.take() else {
            let why = "the file was given up after an earlier failure";
            let place = self.share.limit.place(&names);
            return Err(ShareError::new(
                ShareErrorKind::Unavailable,
                OPERATION,
                place,
                why,
            ));
        };
        // The rest is sent, and all of it is flushed.
        let flush = Duration::from_secs((self.total / SLOWEST_MEDIUM).min(3600));
        let more = time_to_move(self.total.min(gathered(self.total))) + flush;
        let publish = inner.publish();
        let limit = &self.share.limit;
        match limit.bounded_for(more, OPERATION, &names, publish).await {
            Ok(receipt) => Ok(Published::Done(receipt)),
            Err(mut failure) if failure.kind.is_retryable() => {
                failure.add("whether the file stands there now is not known");
                Ok(Published::Unknown(failure))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Whether exactly this file stands there. Nobody else writes the same bytes to the same name, and if somebody did,
    /// nothing would be wrong with it.
    async fn is_published(&mut self) -> Result<Option<WriteReceipt>, ShareError> {
        let Some(written) = &self.written else {
            return Ok(None);
        };
        let names = self.path.names("look at the path")?;
        match self.share.open(&self.path).await {
            Ok(found) if found.whole() == Some(written.as_slice()) => Ok(Some(WriteReceipt {
                place: self.share.limit.place(&names),
                bytes: written.len() as u64,
                promised: self.share.inner.capabilities(),
            })),
            Ok(_) => Ok(None),
            Err(failure) if failure.kind.is_retryable() => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// One more attempt at a file whose publication failed.
    async fn publish_again(&mut self) -> Result<Published, ShareError> {
        if let Some(receipt) = self.is_published().await? {
            return Ok(Published::Done(receipt));
        }
        self.begin_again().await?;
        self.publish_once().await
    }
}

#[async_trait]
impl ShareWriter for PatientWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        self.remember(bytes);
        self.total += bytes.len() as u64;
        let mut attempts = Attempts::new(&self.share.patience);
        let mut result = self.write_once(bytes).await;
        while let Err(failure) = result {
            if !failure.kind.is_retryable() || self.written.is_none() {
                return Err(failure);
            }
            attempts.pause(failure).await?;
            // What is remembered ends with these bytes.
            result = self.begin_again().await;
        }
        Ok(())
    }

    async fn publish(mut self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        let mut attempts = Attempts::new(&self.share.patience);
        let mut result = self.publish_once().await;
        loop {
            let failure = match result {
                Ok(Published::Done(receipt)) => return Ok(receipt),
                Ok(Published::Unknown(failure)) => failure,
                Err(failure) if failure.kind.is_retryable() => failure,
                Err(failure) => return Err(failure),
            };
            if self.written.is_none() {
                return Err(failure);
            }
            attempts.pause(failure).await?;
            result = self.publish_again().await;
        }
    }

    async fn discard(mut self: Box<Self>) {
        if let Some(inner) = self.inner.take() {
            // When that takes too long it goes on in the background.
            let _ = tokio::time::timeout(self.share.limit.answer, inner.discard()).await;
        }
    }
}
