use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    Replace, ShareCapabilities, ShareError, ShareErrorKind, ShareWriter, WriteReceipt,
};
use keystead_domain::make_room;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::connection::Connection;
use crate::error::{Answer, answer, failed};
use crate::explain::{no_folder, why_not_written};
use crate::open_file::{OpenFile, sent};
use crate::publish::{flush_name, put_under_name};
use crate::share::{Inner, Spot};
use crate::temporary::Temporary;

/// How many pieces may be under way.
const DEPTH: usize = 16;
const WRITE: &str = "write";

/// Writes one file. Pieces are under way while the next one is filled.
pub(crate) struct SftpShareWriter {
    inner: Arc<Inner>,
    connection: Arc<Connection>,
    temporary: Temporary,
    spot: Spot,
    replace: Replace,
    buffer: Zeroizing<Vec<u8>>,
    /// How much was sent.
    sent: u64,
    under_way: JoinSet<Result<(), SftpError>>,
    owner_only: bool,
    is_broken: bool,
}

impl SftpShareWriter {
    /// Makes the temporary file in the folder of the spot.
    pub(crate) async fn begin(
        inner: &Arc<Inner>,
        connection: Arc<Connection>,
        spot: Spot,
        replace: Replace,
    ) -> Result<Self, ShareError> {
        const OPERATION: &str = "create the temporary file";
        let name = inner
            .temporaries
            .name()
            .map_err(|e| failed(ShareErrorKind::Unavailable, OPERATION, &spot.url, e.to_string()))?;
        let folder = spot.folder(inner, &connection);
        let mut temporary = Temporary::new(Arc::clone(inner), &folder, name);
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        match connection
            .sftp
            .open(temporary.path.as_str(), flags, owner_only())
            .await
        {
            Ok(opened) => temporary.file = Some(OpenFile::new(Arc::clone(&connection), opened.handle)),
            Err(e) => {
                let told = answer(&e);
                if let Answer::LinkLost(_) = told {
                    // It may have come to be.
                    inner.forget(&connection).await;
                    temporary.remove().await;
                } else {
                    temporary.is_gone();
                }
                let why = why_not_written(inner, &connection, OPERATION, &spot, &told).await;
                return Err(match (told, why.kind) {
                    // The folder is a file, or went away.
                    (Answer::Missing, ShareErrorKind::Unavailable) => no_folder(OPERATION, &spot.url),
                    _ => why,
                });
            }
        }
        let mut writer = Self {
            inner: Arc::clone(inner),
            connection,
            temporary,
            spot,
            replace,
            buffer: Zeroizing::default(),
            sent: 0,
            under_way: JoinSet::new(),
            owner_only: false,
            is_broken: false,
        };
        writer.owner_only = writer.is_for_owner_alone().await;
        Ok(writer)
    }

    /// Servers may not look at the mode that a file is to be created with.
    async fn is_for_owner_alone(&self) -> bool {
        let Some(file) = &self.temporary.file else {
            return false;
        };
        let sftp = &self.connection.sftp;
        let looks_so = |found: Result<russh_sftp::protocol::Attrs, SftpError>| {
            found.is_ok_and(|found| found.attrs.permissions.is_some_and(|mode| mode & 0o077 == 0))
        };
        looks_so(sftp.fstat(&*file.handle).await)
            || (sftp.fsetstat(&*file.handle, owner_only()).await.is_ok()
                && looks_so(sftp.fstat(&*file.handle).await))
    }

    /// Sends what is in the buffer.
    async fn send(&mut self) -> Result<(), ShareError> {
        while self.under_way.len() >= DEPTH {
            self.one_arrived().await?;
        }
        let Some(file) = &self.temporary.file else {
            return Err(self.is_over());
        };
        let (connection, handle) = (Arc::clone(&self.connection), Arc::clone(&file.handle));
        let piece = std::mem::take(&mut *self.buffer);
        let offset = self.sent;
        self.sent += piece.len() as u64;
        let request = async move { connection.sftp.write(&*handle, offset, piece).await.map(|_| ()) };
        self.under_way.spawn(sent(request));
        Ok(())
    }

    async fn one_arrived(&mut self) -> Result<(), ShareError> {
        let told = match self.under_way.join_next().await {
            None | Some(Ok(Ok(()))) => return Ok(()),
            Some(Ok(Err(e))) => answer(&e),
            Some(Err(e)) => Answer::LinkLost(e.to_string()),
        };
        self.is_broken = true;
        Err(why_not_written(&self.inner, &self.connection, WRITE, &self.spot, &told).await)
    }

    /// Flushes and closes the file, and gives it its name.
    async fn finish(&mut self) -> Result<ShareCapabilities, ShareError> {
        if self.is_broken {
            return Err(self.is_over());
        }
        if !self.buffer.is_empty() {
            self.send().await?;
        }
        while !self.under_way.is_empty() {
            self.one_arrived().await?;
        }
        let can = self.connection.can;
        let Some(file) = &self.temporary.file else {
            return Err(self.is_over());
        };
        if can.flush {
            let flushed = self.connection.sftp.fsync(&*file.handle).await;
            self.checked("flush the file", flushed).await?;
        }
        if let Some(file) = self.temporary.file.take() {
            let closed = file.close().await;
            self.checked("close the file", closed).await?;
        }
        let mut promised = ShareCapabilities {
            owner_only: self.owner_only,
            ..can.promises()
        };
        let Self {
            inner,
            connection,
            temporary,
            spot,
            ..
        } = self;
        put_under_name(
            inner,
            connection,
            temporary,
            spot,
            self.replace,
            self.sent,
            &mut promised,
        )
        .await?;
        let path = spot.path(inner, connection);
        promised.durable = promised.durable && flush_name(connection, &path).await.is_ok();
        Ok(promised)
    }

    async fn checked<T>(
        &self,
        operation: &'static str,
        result: Result<T, SftpError>,
    ) -> Result<T, ShareError> {
        match result {
            Ok(done) => Ok(done),
            Err(e) => {
                Err(why_not_written(&self.inner, &self.connection, operation, &self.spot, &answer(&e)).await)
            }
        }
    }

    fn is_over(&self) -> ShareError {
        let why = "an earlier step of this write failed";
        failed(ShareErrorKind::Unavailable, WRITE, &self.spot.url, why)
    }
}

#[async_trait]
impl ShareWriter for SftpShareWriter {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), ShareError> {
        if self.is_broken {
            return Err(self.is_over());
        }
        let largest = self.connection.can.write;
        while !bytes.is_empty() {
            if self.buffer.len() == largest
                && let Err(error) = self.send().await
            {
                self.temporary.remove().await;
                return Err(error);
            }
            let (now, later) = bytes.split_at(bytes.len().min(largest - self.buffer.len()));
            make_room(&mut self.buffer, now.len(), largest);
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    async fn publish(mut self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        match self.finish().await {
            Ok(promised) => {
                self.inner.learn(promised);
                Ok(WriteReceipt {
                    place: self.spot.url.clone(),
                    bytes: self.sent,
                    promised,
                })
            }
            Err(error) => {
                self.under_way.shutdown().await;
                self.temporary.remove().await;
                Err(error)
            }
        }
    }

    async fn discard(mut self: Box<Self>) {
        self.under_way.shutdown().await;
        self.temporary.remove().await;
    }
}

pub(crate) fn owner_only() -> FileAttributes {
    FileAttributes {
        permissions: Some(0o600),
        ..FileAttributes::empty()
    }
}
