use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{DocumentName, FolderError, FolderErrorKind, FolderLock, ServerFolder};
use keystead_domain::SecretBytes;

use crate::token::lock;

/// How long somebody waits for a lock that others keep.
const PATIENCE: Duration = Duration::from_millis(200);

/// A folder in memory. Clones are other processes that work with the same one.
#[derive(Clone, Default)]
pub struct MemoryServerFolder {
    state: Arc<Mutex<State>>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    documents: BTreeMap<DocumentName, SecretBytes>,
    /// How many bytes all documents may have together; `None` for any number.
    room: Option<usize>,
}

impl MemoryServerFolder {
    /// A folder without documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on all documents together may have so many bytes, or any number. What is there already stays.
    pub fn set_room(&self, bytes: Option<usize>) {
        lock(&self.state).room = bytes;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[async_trait]
impl ServerFolder for MemoryServerFolder {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn lock(&self) -> Result<FolderLock, FolderError> {
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.lock).lock_owned()).await {
            Ok(guard) => Ok(Box::new(guard)),
            Err(_) => Err(failed(
                FolderErrorKind::Busy,
                self.place(),
                "somebody else works with it",
            )),
        }
    }

    async fn read(&self, name: &DocumentName) -> Result<Option<SecretBytes>, FolderError> {
        Ok(self.state().documents.get(name).map(copy))
    }

    async fn create(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        let mut state = self.state();
        if state.documents.contains_key(name) {
            return Err(failed(
                FolderErrorKind::Exists,
                name.to_string(),
                "there is a document with this name already",
            ));
        }
        state.keep(name, copy(content))
    }

    async fn replace(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        self.state().keep(name, copy(content))
    }

    async fn append(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        let mut state = self.state();
        let before = state.documents.get(name).map_or(&[][..], SecretBytes::expose);
        let whole = SecretBytes::new([before, content.expose()].concat());
        state.keep(name, whole)
    }

    async fn destroy(&self, name: &DocumentName) -> Result<(), FolderError> {
        self.state().documents.remove(name);
        Ok(())
    }

    async fn names(&self, kind: &str) -> Result<Vec<DocumentName>, FolderError> {
        let state = self.state();
        let of_kind = state.documents.keys().filter(|name| name.kind() == kind);
        Ok(of_kind.cloned().collect())
    }
}

impl State {
    fn keep(&mut self, name: &DocumentName, content: SecretBytes) -> Result<(), FolderError> {
        let others = self.documents.iter().filter(|(other, _)| *other != name);
        let taken: usize = others.map(|(_, content)| content.expose().len()).sum();
        if self
            .room
            .is_some_and(|room| taken + content.expose().len() > room)
        {
            return Err(failed(
                FolderErrorKind::NoSpace,
                name.to_string(),
                "there is no room left",
            ));
        }
        self.documents.insert(name.clone(), content);
        Ok(())
    }
}

fn copy(content: &SecretBytes) -> SecretBytes {
    SecretBytes::new(content.expose().to_vec())
}

fn failed(kind: FolderErrorKind, place: String, message: &str) -> FolderError {
    FolderError {
        kind,
        place,
        message: message.to_owned(),
    }
}
