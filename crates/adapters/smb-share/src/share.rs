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
use crate::inside::stays_within;
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
/// Links are left to the server: Windows follows none, Samba only those that stay on the share.
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

    /// The refusal of a path that [`stays_within`] does not find inside.
    pub(crate) fn leads_out(&self, operation: &'static str, place: &Place) -> ShareError {
        let why = "a link on the way leads out of the folder that the share is configured with";
        let place = self.access().place(&place.names);
        ShareError::new(ShareErrorKind::OutsideShare, operation, place, why)
    }

    /// Refuses a path whose folder is outside, before anything is done to it. What is opened is checked by itself.
    async fn check_within(&self, operation: &'static str, place: &Place) -> Result<(), ShareError> {
        // Between the top and a name in it is nothing that could be a link.
        if self.access().top.is_empty() || place.names.len() < 2 {
            return Ok(());
        }
        let mut link = self.link().await?;
        let tree = link.tree.clone();
        let found = Box::pin(tree.resolve(&mut link.connection, &place.wire())).await;
        let resolved = match found {
            Ok(found) => Some(found.path),
            // What is made there is checked when it is opened.
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) if error.kind() == smb2::ErrorKind::Unsupported => None,
            Err(error) => return Err(self.refused(&link, operation, place, &error)),
        };
        match stays_within(self, &mut link, resolved.as_deref()).await {
            true => Ok(()),
            false => Err(self.leads_out(operation, place)),
        }
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
        self.check_within(OPERATION, &place).await?;
        self.kind(OPERATION, &place).await
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        const OPERATION: &str = "look at the path";
        let place = Place::of(self.access(), OPERATION, path)?;
        self.check_within(OPERATION, &place).await?;
        let found = self.look(OPERATION, &place).await?;
        let found = found.filter(|found| kind(found) == EntryKind::File);
        Ok(found.map(|found| found.size))
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        const OPERATION: &str = "open the file";
        let place = Place::of(self.access(), OPERATION, path)?;
        let mut link = self.link().await?;
        let opened = {
            let _nothing_is_replaced = self.opening().read().await;
            link.open_reader(&place.wire()).await
        };
        let file = opened.map_err(|error| self.refused(&link, OPERATION, &place, &error))?;
        if !stays_within(self, &mut link, file.resolved_path()).await {
            return Err(self.leads_out(OPERATION, &place));
        }
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
        self.check_within(OPERATION, &place).await?;
        self.delete(OPERATION, &place).await.map(|_| ())
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        const OPERATION: &str = "remove left temporary files";
        let mut folder = Place::of(self.access(), OPERATION, path)?;
        if !path.names_folder() {
            folder = folder.folder();
        }
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
                self.check_within(OPERATION, &left).await?;
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
