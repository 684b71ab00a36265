use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareCapabilities, ShareError, ShareErrorKind, SharePath, ShareWriter,
    Temporaries,
};
use smb2::types::SessionId;
use smb2::types::status::NtStatus;
use tokio::io::AsyncRead;
use tokio::sync::{Mutex, RwLock};

use crate::access::SmbAccess;
use crate::error::{is_missing, refused};
use crate::link::Link;
use crate::name::Place;
use crate::reader::SmbReader;
use crate::writer::SmbWriter;

/// Who may read a file is what the server's folder says; nothing in the protocol that all servers take makes a file
/// private.
pub(crate) const CAPABILITIES: ShareCapabilities = ShareCapabilities {
    atomic_publish: true,
    exclusive_create: true,
    durable: true,
    owner_only: false,
};

/// A share of an SMB server, or a folder on it.
///
/// A file is written under a temporary name that nobody else can open, flushed, and put under its name by the server in
/// one step: by a second name for the file where nothing may be replaced, by a renaming otherwise.
///
/// # Links
/// Links out of the whole SMB share are the server's to refuse: Windows follows no symbolic link, and Samba none that
/// leads out of the share.
///
/// Where the top is a folder of the share, the administrator's word for it is taken, whatever that folder is. Every folder
/// between it and a file has to stand in the one that the path says, before anything is looked at, read, written or removed
/// there. The server tells by the numbers of a folder and of its `..`, with every version of SMB. So a link passes that
/// leads to a folder beside it, and every other one is [`ShareErrorKind::OutsideShare`]. Windows gives `..` no number, but
/// shows its links: there, every link is refused. On a server that tells neither, files are taken right in the top alone,
/// and below it is [`ShareErrorKind::Unsupported`]. The user has to be allowed to list the folders.
///
/// A link in the place of the file itself is never written through: it is replaced or removed itself, or is in the way. It
/// is not read either where the server shows it (Windows, and Samba in newer versions). An older Samba hides that it is one,
/// and then the file is read that it leads to, which is on the same SMB share, and which this user may read.
///
/// Somebody who changes folders on the server's own file system between this look and what follows it is not noticed.
#[derive(Clone)]
pub struct SmbFileShare(Arc<Shared>);

struct Shared {
    access: SmbAccess,
    temporaries: Temporaries,
    state: Mutex<State>,
    /// Held for reading while a file is opened to be read, for writing while one is replaced.
    opening: RwLock<()>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    /// The session of the last connection.
    previous: Option<SessionId>,
}

impl SmbFileShare {
    pub(crate) fn new(access: SmbAccess, temporaries: Temporaries) -> Self {
        Self(Arc::new(Shared {
            access,
            temporaries,
            state: Mutex::default(),
            opening: RwLock::default(),
        }))
    }

    pub(crate) fn access(&self) -> &SmbAccess {
        &self.0.access
    }

    pub(crate) fn temporaries(&self) -> &Temporaries {
        &self.0.temporaries
    }

    pub(crate) fn opening(&self) -> &RwLock<()> {
        &self.0.opening
    }

    /// The connection that works, or a new one.
    pub(crate) async fn link(&self) -> Result<Link, ShareError> {
        let mut state = self.0.state.lock().await;
        if let Some(link) = state.link.take_if(|link| link.is_down()) {
            state.previous = Some(link.connection.session_id());
        }
        if let Some(link) = &state.link {
            return Ok(link.clone());
        }
        let link = Box::pin(Link::open(&self.0.access, state.previous)).await?;
        state.link = Some(link.clone());
        state.previous = None;
        Ok(link)
    }

    /// Ends the session, and with it everything that the server has open for it. The next call begins another one.
    pub(crate) async fn end_session(&self) {
        if let Some(link) = &self.0.state.lock().await.link {
            link.connection.mark_dead();
        }
    }

    /// What failed at a path, for people.
    pub(crate) fn refused(
        &self,
        link: &Link,
        operation: &'static str,
        place: &Place,
        error: &smb2::Error,
    ) -> ShareError {
        link.note(error);
        refused(operation, self.access().place(&place.names), error)
    }

    /// Removes a file, if it is there.
    pub(crate) async fn delete(&self, operation: &'static str, place: &Place) -> Result<bool, ShareError> {
        let mut link = self.link().await?;
        let deleted = delete(&mut link, place).await;
        deleted.map_err(|error| self.refused(&link, operation, place, &error))
    }

    async fn kind(&self, operation: &'static str, place: &Place) -> Result<Option<EntryKind>, ShareError> {
        let found = self.look(operation, place).await?;
        Ok(found.map(|found| kind(&found)))
    }

    async fn look(
        &self,
        operation: &'static str,
        place: &Place,
    ) -> Result<Option<smb2::FileInfo>, ShareError> {
        let mut link = self.link().await?;
        let found = Box::pin(link.tree.stat(&mut link.connection, &place.wire())).await;
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.refused(&link, operation, place, &error)),
        }
    }

    /// Whether the folder that paths are counted from is missing. Then the share is, and not a folder on it.
    pub(crate) async fn has_no_top(&self, place: &Place) -> bool {
        let top = place.top();
        !self.access().top.is_empty() && matches!(self.kind("find the share", &top).await, Ok(None))
    }

    /// Whether it is a link that the server shows as one.
    pub(crate) async fn is_link(&self, operation: &'static str, place: &Place) -> Result<bool, ShareError> {
        let found = self.look(operation, place).await?;
        Ok(found.is_some_and(|found| found.is_link()))
    }

    fn not_a_file(&self, operation: &'static str, place: &Place) -> ShareError {
        let why = "it is a folder or a link, and a file is needed";
        let place = self.access().place(&place.names);
        ShareError::new(ShareErrorKind::NotAFile, operation, place, why)
    }
}

#[async_trait]
impl FileShare for SmbFileShare {
    fn capabilities(&self) -> ShareCapabilities {
        CAPABILITIES
    }

    fn place(&self, path: &SharePath) -> String {
        match path.names("") {
            Ok(names) => self.access().place(&names),
            Err(_) => self.access().whole(),
        }
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        const OPERATION: &str = "look at the path";
        let place = Place::of(self.access(), OPERATION, path)?;
        self.check_folder(OPERATION, &place.folder()).await?;
        let kind = self.kind(OPERATION, &place).await?;
        if kind == Some(EntryKind::Folder) {
            self.check_folder(OPERATION, &place).await?;
        }
        Ok(kind)
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        const OPERATION: &str = "look at the path";
        let place = Place::of(self.access(), OPERATION, path)?;
        self.check_folder(OPERATION, &place.folder()).await?;
        let found = self.look(OPERATION, &place).await?;
        let found = found.filter(|found| kind(found) == EntryKind::File);
        Ok(found.map(|found| found.size))
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        const OPERATION: &str = "open the file";
        let place = Place::of(self.access(), OPERATION, path)?;
        self.check_file(OPERATION, &place).await?;
        let link = self.link().await?;
        let opened = {
            let _nothing_is_replaced = self.opening().read().await;
            link.open_reader(&place.wire()).await
        };
        let file = opened.map_err(|error| self.refused(&link, OPERATION, &place, &error))?;
        if file.info().is_directory {
            return Err(self.not_a_file(OPERATION, &place));
        }
        let place = self.access().place(&place.names);
        Ok(Box::new(SmbReader::new(link, file, place)))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        const OPERATION: &str = "create the file";
        let place = Place::of(self.access(), OPERATION, path)?;
        if path.names_folder() || place.names.is_empty() {
            return Err(self.not_a_file(OPERATION, &place));
        }
        self.check_folder(OPERATION, &place.folder()).await?;
        match (self.kind(OPERATION, &place).await?, replace) {
            (Some(EntryKind::Folder | EntryKind::Other), _) => return Err(self.not_a_file(OPERATION, &place)),
            (Some(EntryKind::File), Replace::Never) => {
                let place = self.access().place(&place.names);
                let why = "there is a file already";
                return Err(ShareError::new(ShareErrorKind::Exists, OPERATION, place, why));
            }
            (Some(EntryKind::File), Replace::Allowed) | (None, _) => {}
        }
        Ok(Box::new(SmbWriter::create(self.clone(), place, replace).await?))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        const OPERATION: &str = "remove the file";
        let place = Place::of(self.access(), OPERATION, path)?;
        if place.names.is_empty() {
            return Err(self.not_a_file(OPERATION, &place));
        }
        self.check_folder(OPERATION, &place.folder()).await?;
        self.delete(OPERATION, &place).await.map(|_| ())
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        const OPERATION: &str = "remove left temporary files";
        let mut folder = Place::of(self.access(), OPERATION, path)?;
        if !path.names_folder() {
            folder = folder.folder();
        }
        self.check_folder(OPERATION, &folder).await?;
        let mut link = self.link().await?;
        let listed = Box::pin(link.tree.list_directory(&mut link.connection, &folder.wire())).await;
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => return Ok(0),
            Err(error) => return Err(self.refused(&link, OPERATION, &folder, &error)),
        };
        let mut removed = 0;
        for entry in entries {
            let untouched = link.since(entry.modified.0);
            let is_file = !entry.is_directory && !entry.is_link();
            if is_file && self.temporaries().is_leftover(&entry.name, untouched) {
                let left = folder.child(&entry.name);
                let gone = match delete(&mut link, &left).await {
                    Ok(gone) => gone,
                    // Somebody writes it after all.
                    Err(error) if error.status() == Some(NtStatus::SHARING_VIOLATION) => continue,
                    Err(error) => return Err(self.refused(&link, OPERATION, &left, &error)),
                };
                self.temporaries().removed(&entry.name);
                removed += usize::from(gone);
            }
        }
        Ok(removed)
    }
}

/// Removes a file, and says whether it was there.
async fn delete(link: &mut Link, place: &Place) -> smb2::Result<bool> {
    let tree = link.tree.clone();
    match Box::pin(tree.delete_file(&mut link.connection, &place.wire())).await {
        Ok(()) => Ok(true),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn kind(found: &smb2::FileInfo) -> EntryKind {
    match (found.is_link(), found.is_directory) {
        (true, _) => EntryKind::Other,
        (false, true) => EntryKind::Folder,
        (false, false) => EntryKind::File,
    }
}
