use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareCapabilities, ShareError, SharePath, ShareWriter, Temporaries,
};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, FileType, OpenFlags};
use tokio::io::AsyncRead;
use tokio::sync::Mutex;

use crate::cleaning::clean_up;
use crate::connection::Connection;
use crate::error::{Answer, answer, link_lost, plainly};
use crate::explain::{exists, not_a_file, why_not_written};
use crate::inside::stays_inside;
use crate::open_file::OpenFile;
use crate::reach::Reach;
use crate::reader::Reader;
use crate::writer::SftpShareWriter;

/// A folder of an SFTP server.
///
/// A symbolic link is read through, as long as it stays in the share. Where a file is written, a link counts as a file of
/// its own: [`Replace::Never`] refuses, [`Replace::Allowed`] replaces the link and leaves alone what it led to. A link
/// that leads to a folder or a device is refused like these.
#[derive(Clone)]
pub struct SftpFileShare(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) reach: Reach,
    pub(crate) temporaries: Temporaries,
    connection: Mutex<Option<Arc<Connection>>>,
    /// As the server and the last write showed them.
    promises: std::sync::Mutex<ShareCapabilities>,
}

/// A place on the share.
pub(crate) struct Spot {
    /// The names from the top of the share.
    pub(crate) names: Vec<String>,
    pub(crate) url: String,
}

impl SftpFileShare {
    /// Connects and signs in.
    pub(crate) async fn connect(reach: Reach, temporaries: Temporaries) -> Result<Self, ShareError> {
        let inner = Inner {
            reach,
            temporaries,
            connection: Mutex::default(),
            promises: std::sync::Mutex::new(ShareCapabilities::NONE),
        };
        let connection = inner.connection().await?;
        inner.learn(connection.can.promises());
        Ok(Self(Arc::new(inner)))
    }

    /// Where a path is, on a connection, after it was made sure that it is on the share.
    async fn find(
        &self,
        operation: &'static str,
        path: &SharePath,
    ) -> Result<(Arc<Connection>, Spot), ShareError> {
        let spot = self.0.spot(path.names(operation)?);
        let connection = self.0.connection().await?;
        stays_inside(&self.0, &connection, operation, &spot).await?;
        Ok((connection, spot))
    }
}

impl Inner {
    /// The connection; a new one when there is none that works.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>, ShareError> {
        let mut place = self.connection.lock().await;
        if let Some(connection) = place.as_ref().filter(|connection| !connection.is_broken()) {
            return Ok(Arc::clone(connection));
        }
        *place = None;
        let connection = Arc::new(Box::pin(Connection::open(&self.reach)).await?);
        Ok(Arc::clone(place.insert(connection)))
    }

    /// Takes note that a connection broke.
    pub(crate) async fn forget(&self, connection: &Arc<Connection>) {
        let mut place = self.connection.lock().await;
        if place
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, connection))
        {
            *place = None;
        }
    }

    pub(crate) fn learn(&self, promises: ShareCapabilities) {
        *self.promises.lock().unwrap_or_else(PoisonError::into_inner) = promises;
    }

    fn spot(&self, names: Vec<&str>) -> Spot {
        Spot {
            url: self.reach.access.address.below(&names).to_string(),
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// An answer to a question that needs no second look.
    async fn plainly(
        &self,
        connection: &Arc<Connection>,
        operation: &'static str,
        spot: &Spot,
        told: &Answer,
    ) -> ShareError {
        if let Answer::LinkLost(why) = told {
            self.forget(connection).await;
            return link_lost(operation, &spot.url, why);
        }
        plainly(operation, &spot.url, told)
    }
}

impl Spot {
    /// As the server writes it.
    pub(crate) fn path(&self, inner: &Inner, connection: &Connection) -> String {
        path(inner, connection, &self.names)
    }

    /// The folder that its last name stands in.
    pub(crate) fn folder(&self, inner: &Inner, connection: &Connection) -> String {
        path(
            inner,
            connection,
            &self.names[..self.names.len().saturating_sub(1)],
        )
    }
}

fn path(inner: &Inner, connection: &Connection, names: &[String]) -> String {
    let top = &inner.reach.access.address.names;
    connection.path(top.iter().chain(names).map(String::as_str))
}

#[async_trait]
impl FileShare for SftpFileShare {
    fn capabilities(&self) -> ShareCapabilities {
        *self.0.promises.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, path: &SharePath) -> String {
        match path.names("name the place") {
            Ok(names) => self.0.spot(names).url,
            Err(_) => path.to_string(),
        }
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        const OPERATION: &str = "look at the path";
        let (connection, spot) = self.find(OPERATION, path).await?;
        let found = connection.sftp.stat(spot.path(&self.0, &connection)).await;
        match found.map_err(|e| answer(&e)) {
            Ok(found) => Ok(Some(kind(&found.attrs))),
            Err(Answer::Missing) => Ok(None),
            Err(told) => Err(self.0.plainly(&connection, OPERATION, &spot, &told).await),
        }
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        let (connection, spot) = self.find("look at the path", path).await?;
        let found = connection.sftp.stat(spot.path(&self.0, &connection)).await;
        Ok(found.ok().and_then(|found| found.attrs.size))
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        const OPERATION: &str = "open the file";
        let (connection, spot) = self.find(OPERATION, path).await?;
        let whole = spot.path(&self.0, &connection);
        // Opening a pipe would wait for somebody to write to it, and a folder opens on some servers.
        let opened = match connection.sftp.stat(whole.as_str()).await {
            Ok(found) if kind(&found.attrs) != EntryKind::File => {
                return Err(not_a_file(OPERATION, &spot.url));
            }
            Ok(_) => {
                let nothing = FileAttributes::empty();
                connection.sftp.open(whole, OpenFlags::READ, nothing).await
            }
            Err(e) => Err(e),
        };
        match opened.map_err(|e| answer(&e)) {
            Ok(opened) => {
                let file = OpenFile::new(connection, opened.handle);
                Ok(Box::new(Reader::new(file, spot.url)))
            }
            Err(told) => Err(self.0.plainly(&connection, OPERATION, &spot, &told).await),
        }
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        const OPERATION: &str = "create the file";
        let (connection, spot) = self.find(OPERATION, path).await?;
        if path.names_folder() || spot.names.is_empty() {
            return Err(not_a_file(OPERATION, &spot.url));
        }
        match target(&connection, &spot.path(&self.0, &connection))
            .await
            .map_err(|e| answer(&e))
        {
            Ok(Target::Free) => {}
            Ok(Target::File) if replace == Replace::Allowed => {}
            Ok(Target::File) => return Err(exists(OPERATION, &spot.url)),
            Ok(Target::NotAFile) => return Err(not_a_file(OPERATION, &spot.url)),
            Err(told) => return Err(why_not_written(&self.0, &connection, OPERATION, &spot, &told).await),
        }
        let writer = SftpShareWriter::begin(&self.0, connection, spot, replace).await?;
        Ok(Box::new(writer))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        const OPERATION: &str = "remove the file";
        let (connection, spot) = self.find(OPERATION, path).await?;
        let whole = spot.path(&self.0, &connection);
        let removed = match connection.sftp.lstat(whole.as_str()).await {
            Ok(found) if found.attrs.file_type() == FileType::Dir => {
                return Err(not_a_file(OPERATION, &spot.url));
            }
            Ok(_) => connection.sftp.remove(whole).await.map(|_| ()),
            Err(e) => Err(e),
        };
        match removed.map_err(|e| answer(&e)) {
            Ok(()) | Err(Answer::Missing) => Ok(()),
            Err(told) => Err(why_not_written(&self.0, &connection, OPERATION, &spot, &told).await),
        }
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        const OPERATION: &str = "remove left temporary files";
        let (connection, spot) = self.find(OPERATION, path).await?;
        let folder = match path.names_folder() {
            true => spot.path(&self.0, &connection),
            false => spot.folder(&self.0, &connection),
        };
        match clean_up(&self.0, &connection, &folder)
            .await
            .map_err(|e| answer(&e))
        {
            Ok(removed) => Ok(removed),
            Err(Answer::Missing) => Ok(0),
            Err(told) => Err(self.0.plainly(&connection, OPERATION, &spot, &told).await),
        }
    }
}

/// What stands where a file is to be written.
enum Target {
    Free,
    File,
    NotAFile,
}

async fn target(connection: &Connection, path: &str) -> Result<Target, SftpError> {
    let found = match connection.sftp.lstat(path).await {
        Err(e) if answer(&e) == Answer::Missing => return Ok(Target::Free),
        found => found?.attrs,
    };
    if found.file_type() != FileType::Symlink {
        return Ok(match kind(&found) {
            EntryKind::File => Target::File,
            EntryKind::Folder | EntryKind::Other => Target::NotAFile,
        });
    }
    match connection.sftp.stat(path).await {
        Ok(led_to) if kind(&led_to.attrs) != EntryKind::File => Ok(Target::NotAFile),
        // A link that leads nowhere is there too.
        _ => Ok(Target::File),
    }
}

fn kind(found: &FileAttributes) -> EntryKind {
    match found.file_type() {
        FileType::File => EntryKind::File,
        FileType::Dir => EntryKind::Folder,
        FileType::Symlink | FileType::Other => EntryKind::Other,
    }
}
