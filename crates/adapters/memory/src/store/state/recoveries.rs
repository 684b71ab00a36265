use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keystead_application::ports::{RecoveryCursor, RecoveryDocument, StoreError};
use keystead_domain::keyset::Version;
use keystead_domain::{
    BackupServer, Fingerprint, Officer, OfficerId, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use super::{conflict, duplicate};

/// What belongs to recoveries.
#[derive(Clone, Default)]
pub(in crate::store) struct Recoveries {
    servers: BTreeMap<ServerId, BackupServer>,
    officers: BTreeMap<OfficerId, Officer>,
    pub(in crate::store) policy: Option<RecoveryPolicy>,
    pub(in crate::store) register: Option<String>,
    requests: BTreeMap<RequestId, Recovery>,
    // A unit of work copies all of the state; the bytes are shared.
    documents: BTreeMap<(RequestId, RecoveryDocument), Arc<[u8]>>,
}

/// Changes.
impl Recoveries {
    pub(in crate::store) fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        const OPERATION: &str = "insert server";
        if self.servers.contains_key(&server.id) {
            return Err(duplicate(OPERATION, "there is a server with this id already"));
        }
        self.check_identities(server, OPERATION)?;
        self.servers.insert(server.id, server.clone());
        Ok(())
    }

    pub(in crate::store) fn save_server(
        &mut self,
        server: &BackupServer,
        expected: Version,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "save server";
        let before = self
            .servers
            .get(&server.id)
            .filter(|before| before.version == expected)
            .ok_or_else(|| conflict(OPERATION, "the server is gone or was changed in between"))?;
        let known = |server: &BackupServer| {
            let what =
                |identity: &keystead_domain::ServerIdentity| (identity.keys.clone(), identity.enrolled_at);
            server.identities.iter().map(what).collect::<Vec<_>>()
        };
        if !known(server).starts_with(&known(before)) {
            return Err(conflict(OPERATION, "an identity would be lost"));
        }
        self.check_identities(server, OPERATION)?;
        self.servers.insert(server.id, server.clone());
        Ok(())
    }

    /// That no identity is there twice: it has one server, and stands there once.
    fn check_identities(&self, server: &BackupServer, operation: &'static str) -> Result<(), StoreError> {
        let others = self.servers.values().filter(|other| other.id != server.id);
        let mut taken: BTreeSet<Fingerprint> = others
            .flat_map(|other| other.identities.iter().map(|identity| identity.fingerprint()))
            .collect();
        for identity in &server.identities {
            if !taken.insert(identity.fingerprint()) {
                return Err(duplicate(
                    operation,
                    "there is a server with this identity already",
                ));
            }
        }
        Ok(())
    }

    pub(in crate::store) fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        if self.officers.contains_key(&officer.id) {
            return Err(duplicate(
                "insert officer",
                "there is an officer with this id already",
            ));
        }
        self.officers.insert(officer.id, officer.clone());
        Ok(())
    }

    pub(in crate::store) fn save_officer(
        &mut self,
        officer: &Officer,
        expected: Version,
    ) -> Result<(), StoreError> {
        match self.officers.get_mut(&officer.id) {
            Some(row) if row.version == expected => {
                row.clone_from(officer);
                Ok(())
            }
            _ => Err(conflict(
                "save officer",
                "the officer is gone or was changed in between",
            )),
        }
    }

    pub(in crate::store) fn insert_request(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        const OPERATION: &str = "insert recovery";
        if self.requests.contains_key(&recovery.id) {
            return Err(duplicate(OPERATION, "there is a request with this id already"));
        }
        if !self.servers.contains_key(&recovery.server) {
            return Err(conflict(OPERATION, "there is no such server"));
        }
        self.requests.insert(recovery.id, recovery.clone());
        Ok(())
    }

    pub(in crate::store) fn save_request(
        &mut self,
        recovery: &Recovery,
        expected: Version,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "save recovery";
        let row = match self.requests.get_mut(&recovery.id) {
            Some(row) if row.version == expected => row,
            _ => {
                return Err(conflict(
                    OPERATION,
                    "the request is gone or was changed in between",
                ));
            }
        };
        if !recovery.approvals.starts_with(&row.approvals) {
            return Err(conflict(OPERATION, "an approval would be lost or changed"));
        }
        row.clone_from(recovery);
        Ok(())
    }

    pub(in crate::store) fn keep_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "keep recovery document";
        if !self.requests.contains_key(&id) {
            return Err(conflict(OPERATION, "there is no such request"));
        }
        if self.documents.contains_key(&(id, which)) {
            return Err(duplicate(OPERATION, "there are such bytes already"));
        }
        self.documents.insert((id, which), bytes.into());
        Ok(())
    }
}

/// Reads.
impl Recoveries {
    pub(in crate::store) fn server(&self, id: ServerId) -> Option<BackupServer> {
        self.servers.get(&id).cloned()
    }

    pub(in crate::store) fn server_by_identity(&self, fingerprint: &Fingerprint) -> Option<BackupServer> {
        let mut servers = self.servers.values();
        servers
            .find(|server| server.identity(fingerprint).is_some())
            .cloned()
    }

    pub(in crate::store) fn servers(&self, after: Option<ServerId>, limit: u32) -> Vec<BackupServer> {
        self.servers
            .values()
            .filter(|server| after.is_none_or(|after| server.id > after))
            .take(limit as usize)
            .cloned()
            .collect()
    }

    pub(in crate::store) fn officers(&self) -> Vec<Officer> {
        let mut officers: Vec<Officer> = self.officers.values().cloned().collect();
        officers.sort_by_key(|officer| (officer.added_at, officer.id));
        officers
    }

    pub(in crate::store) fn request(&self, id: RequestId) -> Option<Recovery> {
        self.requests.get(&id).cloned()
    }

    pub(in crate::store) fn requests(&self, after: Option<RecoveryCursor>, limit: u32) -> Vec<Recovery> {
        let mut requests: Vec<&Recovery> = self
            .requests
            .values()
            .filter(|recovery| after.is_none_or(|after| RecoveryCursor::of(recovery) < after))
            .collect();
        requests.sort_by_key(|recovery| std::cmp::Reverse(RecoveryCursor::of(recovery)));
        requests.into_iter().take(limit as usize).cloned().collect()
    }

    pub(in crate::store) fn count(&self, server: ServerId, since: Timestamp) -> u64 {
        let of_server = self
            .requests
            .values()
            .filter(|recovery| recovery.server == server);
        of_server.filter(|recovery| recovery.received_at >= since).count() as u64
    }

    pub(in crate::store) fn document(&self, id: RequestId, which: RecoveryDocument) -> Option<Vec<u8>> {
        self.documents.get(&(id, which)).map(|bytes| bytes.to_vec())
    }
}
