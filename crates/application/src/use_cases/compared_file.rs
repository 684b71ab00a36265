use std::sync::Arc;

use async_trait::async_trait;
use keystead_domain::ContentDigest;
use tokio::io::AsyncReadExt;

use crate::ports::{
    FileShare, LocatedShare, Replace, ShareError, ShareErrorKind, SharePath, ShareWriter, WriteReceipt,
};

const READ_BACK: &str = "read back and compare";
/// How much is read back at a time, in bytes.
const PIECE: usize = 512 * 1024;

/// A file that is read back when it is published, and compared with what was written.
pub struct ComparedFile {
    share: Arc<dyn FileShare>,
    path: SharePath,
    writer: Box<dyn ShareWriter>,
    written: ContentDigest,
}

impl ComparedFile {
    /// Begins to write it.
    ///
    /// # Errors
    /// As [`FileShare::create`].
    pub async fn create(located: &LocatedShare, replace: Replace) -> Result<Self, ShareError> {
        let LocatedShare { share, path } = located;
        Ok(Self {
            writer: share.create(path, replace).await?,
            share: Arc::clone(share),
            path: path.clone(),
            written: ContentDigest::new(),
        })
    }
}

#[async_trait]
impl ShareWriter for ComparedFile {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        self.written.update(bytes);
        self.writer.write(bytes).await
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        let Self {
            share,
            path,
            writer,
            written,
        } = *self;
        let receipt = writer.publish().await?;
        let failed = |kind, why: String| ShareError::new(kind, READ_BACK, &receipt.place, why);
        let found = digest_of(share.as_ref(), &path).await.map_err(|why| {
            failed(
                ShareErrorKind::Unavailable,
                format!("the file was written, and could not be read back: {why}"),
            )
            .advising("compare the file that is there with its source, or write it again with --overwrite")
        })?;
        if found == written.finish() {
            return Ok(receipt);
        }
        // It is left alone: since it was published, somebody else may have put a file of theirs there.
        let why = "what was read back is not what was written".to_owned();
        Err(failed(ShareErrorKind::NotAsWritten, why))
    }

    async fn discard(self: Box<Self>) {
        self.writer.discard().await;
    }
}

async fn digest_of(share: &dyn FileShare, path: &SharePath) -> Result<[u8; 32], String> {
    let mut reader = share.read(path).await.map_err(|e| e.to_string())?;
    let mut digest = ContentDigest::new();
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece).await {
            Ok(0) => return Ok(digest.finish()),
            Ok(length) => digest.update(&piece[..length]),
            Err(e) => return Err(e.to_string()),
        }
    }
}
