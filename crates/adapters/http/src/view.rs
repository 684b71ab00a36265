//! What this process knows of the store, and whether that still holds.
//!
//! Every change leaves an event, so the head of the audit trail says whether anything was changed. It is read for each
//! request, after the request came in; requests that wait at the same time share one reading. So nothing old is ever
//! answered, whichever process made the change, and many readers cost the store little.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use keystead_application::ports::{MasterKey, MasterKeyProviders, Store};
use keystead_application::use_cases::{InstallationError, Principal, UnlockInstallation, Unlocked};
use keystead_domain::{AuditHead, BackupServer, Installation, Sha256Digest};
use tokio::sync::OnceCell;

use crate::handlers::public_key::PublicKeyForms;
use crate::problem::ApiProblem;

/// How many tokens and sessions are remembered at most; then all are looked up again.
const REMEMBERED: usize = 4096;

/// The store as it was at one place of the audit trail, or a little later.
pub(crate) struct View {
    head: AuditHead,
    pub(crate) installation: Arc<Installation>,
    pub(crate) master_key: Arc<dyn MasterKey>,
    /// Who was found by the digest of which secret.
    principals: Mutex<HashMap<Sha256Digest, Arc<Principal>>>,
    pub(crate) servers: OnceCell<Vec<BackupServer>>,
    pub(crate) active_key: OnceCell<Arc<PublicKeyForms>>,
}

/// The latest view.
pub(crate) struct Views {
    store: Arc<dyn Store>,
    master_keys: MasterKeyProviders,
    latest: RwLock<Option<Arc<View>>>,
    reading: tokio::sync::Mutex<LastReading>,
    /// How many readings of the head have begun.
    begun: std::sync::atomic::AtomicU64,
}

#[derive(Default)]
struct LastReading {
    number: u64,
    head: Option<AuditHead>,
}

impl View {
    pub(crate) fn remembered(&self, digest: &Sha256Digest) -> Option<Arc<Principal>> {
        let principals = self.principals.lock().unwrap_or_else(PoisonError::into_inner);
        principals.get(digest).cloned()
    }

    pub(crate) fn remember(&self, digest: Sha256Digest, principal: Arc<Principal>) {
        let mut principals = self.principals.lock().unwrap_or_else(PoisonError::into_inner);
        if principals.len() >= REMEMBERED {
            principals.clear();
        }
        principals.insert(digest, principal);
    }

    pub(crate) fn forget(&self, digest: &Sha256Digest) {
        let mut principals = self.principals.lock().unwrap_or_else(PoisonError::into_inner);
        principals.remove(digest);
    }
}

impl Views {
    pub(crate) fn new(store: Arc<dyn Store>, master_keys: MasterKeyProviders) -> Self {
        Self {
            store,
            master_keys,
            latest: RwLock::new(None),
            reading: tokio::sync::Mutex::default(),
            begun: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// A view that holds everything that was committed before this was asked.
    pub(crate) async fn now(&self) -> Result<Arc<View>, ApiProblem> {
        let head = self.head().await?;
        if let Some(view) = self.latest().filter(|view| view.head == head) {
            return Ok(view);
        }
        let view = Arc::new(self.made(head).await?);
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        // Another request may have been faster, or further.
        if latest
            .as_ref()
            .is_none_or(|other| other.head.sequence <= view.head.sequence)
        {
            *latest = Some(Arc::clone(&view));
        }
        Ok(view)
    }

    fn latest(&self) -> Option<Arc<View>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The head of the trail, by a reading that began after this was called.
    async fn head(&self) -> Result<AuditHead, ApiProblem> {
        use std::sync::atomic::Ordering::SeqCst;
        let begun_before = self.begun.load(SeqCst);
        let mut last = self.reading.lock().await;
        if let Some(head) = last.head
            && last.number > begun_before
        {
            return Ok(head);
        }
        last.number = self.begun.fetch_add(1, SeqCst) + 1;
        last.head = None;
        let head = async { self.store.snapshot().await?.audit_head().await }.await;
        let head = head.map_err(InstallationError::from)?;
        last.head = Some(head);
        Ok(head)
    }

    async fn made(&self, head: AuditHead) -> Result<View, ApiProblem> {
        let installation = async { self.store.snapshot().await?.installation().await }.await;
        let installation = installation.map_err(InstallationError::from)?;
        let installation = installation.ok_or(InstallationError::NotInitialised)?;
        // Opening a master key may take long; it is done again only when there is another one.
        let known = self.latest().filter(|view| {
            view.installation.id == installation.id
                && view.installation.master_key_id() == installation.master_key_id()
        });
        let (installation, master_key) = match known {
            Some(view) => (installation, Arc::clone(&view.master_key)),
            None => {
                let unlock = UnlockInstallation {
                    store: self.store.as_ref(),
                    master_keys: &self.master_keys,
                };
                let Unlocked {
                    installation,
                    master_key,
                } = unlock.run().await?;
                (installation, master_key)
            }
        };
        Ok(View {
            head,
            installation: Arc::new(installation),
            master_key,
            principals: Mutex::default(),
            servers: OnceCell::new(),
            active_key: OnceCell::new(),
        })
    }
}
