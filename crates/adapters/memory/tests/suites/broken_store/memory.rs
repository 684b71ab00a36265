use std::collections::HashMap;
use std::sync::Mutex;

use keystead_application::ports::KeyCount;
use keystead_domain::{
    Approval, BackupServer, KeysetId, Recovery, RequestId, SealedBytes, ServerId, ServerIdentity,
};

/// What a broken store remembers to be broken by.
#[derive(Default)]
pub(super) struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    staged: HashMap<KeysetId, SealedBytes>,
    orphans: Vec<KeyCount>,
    rolled_back: u64,
    approvals: HashMap<RequestId, Vec<Approval>>,
    identities: HashMap<ServerId, Vec<ServerIdentity>>,
}

impl Memory {
    pub(super) fn stage(&self, staged: &[(KeysetId, SealedBytes)]) {
        self.0.lock().unwrap().staged.extend(staged.iter().cloned());
    }

    pub(super) fn staged(&self, id: KeysetId) -> Option<SealedBytes> {
        self.0.lock().unwrap().staged.get(&id).cloned()
    }

    pub(super) fn all_staged(&self) -> Vec<(KeysetId, SealedBytes)> {
        let inner = self.0.lock().unwrap();
        inner
            .staged
            .iter()
            .map(|(id, sealed)| (*id, sealed.clone()))
            .collect()
    }

    /// The staged copies of a deleted keyset stay behind.
    pub(super) fn orphan(&self, id: KeysetId) {
        let mut inner = self.0.lock().unwrap();
        if let Some(sealed) = inner.staged.remove(&id) {
            inner.orphans.push(KeyCount {
                master_key_id: sealed.master_key_id,
                provider: sealed.provider,
                private_keys: 1,
            });
        }
    }

    pub(super) fn orphans(&self) -> Vec<KeyCount> {
        self.0.lock().unwrap().orphans.clone()
    }

    pub(super) fn replace_approvals(&self, recovery: &Recovery) {
        let mut inner = self.0.lock().unwrap();
        inner.approvals.insert(recovery.id, recovery.approvals.clone());
    }

    pub(super) fn approvals(&self, id: RequestId) -> Option<Vec<Approval>> {
        self.0.lock().unwrap().approvals.get(&id).cloned()
    }

    pub(super) fn replace_identities(&self, server: &BackupServer) {
        let mut inner = self.0.lock().unwrap();
        inner.identities.insert(server.id, server.identities.clone());
    }

    pub(super) fn identities(&self, id: ServerId) -> Option<Vec<ServerIdentity>> {
        self.0.lock().unwrap().identities.get(&id).cloned()
    }

    pub(super) fn roll_back(&self, events: u64) {
        self.0.lock().unwrap().rolled_back += events;
    }

    /// The number of events that were rolled back.
    pub(super) fn rolled_back(&self) -> u64 {
        self.0.lock().unwrap().rolled_back
    }
}
