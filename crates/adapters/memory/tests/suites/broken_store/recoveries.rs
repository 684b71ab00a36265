use async_trait::async_trait;
use keystead_application::ports::{
    RecoveryCursor, RecoveryDocument, RecoveryReads, RecoveryWrites, Snapshot, StoreError,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Permission, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};

use super::Fault;
use super::adapter::BrokenUnit;
use super::view::{View, rounded};

impl View {
    /// What is read from: what was committed, when it is blind for its own writes.
    pub(super) async fn seen(&mut self) -> Result<&mut dyn Snapshot, StoreError> {
        if self.is_blind() {
            let committed = self.store.snapshot().await?;
            return Ok(self.committed.insert(committed).as_mut());
        }
        self.look().await
    }

    /// What this store makes of a server.
    fn shown_server(&self, mut server: BackupServer) -> BackupServer {
        match self.fault {
            Fault::CutsHints => {
                let name: String = server.name.as_str().chars().take(100).collect();
                server.name = name.parse().unwrap();
            }
            Fault::SortsIdentities => server.identities.sort_by_key(|identity| identity.enrolled_at),
            Fault::ReplacesApprovals => {
                server.identities = self.memory.identities(server.id).unwrap_or(server.identities);
            }
            _ => {}
        }
        server
    }

    /// What this store makes of a request.
    fn shown_request(&self, mut recovery: Recovery) -> Recovery {
        match self.fault {
            Fault::RoundsTimes => recovery.received_at = rounded(recovery.received_at),
            Fault::ReplacesApprovals => {
                recovery.approvals = self.memory.approvals(recovery.id).unwrap_or(recovery.approvals);
            }
            Fault::ForgetsPermissions => recovery
                .approvals
                .iter_mut()
                .for_each(|approval| approval.permission = Permission::default()),
            _ => {}
        }
        recovery
    }
}

#[async_trait]
impl RecoveryReads for View {
    async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
        let found = self.seen().await?.find_server(id).await?;
        Ok(found.map(|server| self.shown_server(server)))
    }

    async fn find_server_by_identity(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<BackupServer>, StoreError> {
        let found = self.seen().await?.find_server_by_identity(fingerprint).await?;
        let only_current = self.fault == Fault::FindsServersByTheCurrentIdentity;
        let is_found = |server: &BackupServer| {
            let current = server.current_identity().unwrap().fingerprint();
            !only_current || current == *fingerprint
        };
        Ok(found.filter(is_found).map(|server| self.shown_server(server)))
    }

    async fn list_servers(
        &mut self,
        after: Option<ServerId>,
        limit: u32,
    ) -> Result<Vec<BackupServer>, StoreError> {
        let mut servers = self.seen().await?.list_servers(None, u32::MAX).await?;
        let repeats = self.fault == Fault::RepeatsAcrossPages;
        servers
            .retain(|server| after.is_none_or(|after| server.id > after || (repeats && server.id == after)));
        if self.fault != Fault::IgnoresLimits {
            servers.truncate(limit as usize);
        }
        Ok(servers
            .into_iter()
            .map(|server| self.shown_server(server))
            .collect())
    }

    async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
        let mut officers = self.seen().await?.officers().await?;
        if self.fault == Fault::ListsNewestFirst {
            officers.reverse();
        }
        Ok(officers)
    }

    async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
        self.seen().await?.recovery_policy().await
    }

    async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
        self.seen().await?.recovery_register().await
    }

    async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
        let found = self.seen().await?.find_recovery(id).await?;
        Ok(found.map(|recovery| self.shown_request(recovery)))
    }

    async fn list_recoveries(
        &mut self,
        after: Option<RecoveryCursor>,
        limit: u32,
    ) -> Result<Vec<Recovery>, StoreError> {
        let mut all = self.seen().await?.list_recoveries(None, u32::MAX).await?;
        let repeats = self.fault == Fault::RepeatsAcrossPages;
        all.retain(|recovery| {
            let place = RecoveryCursor::of(recovery);
            after.is_none_or(|after| place < after || (repeats && place == after))
        });
        all.truncate(limit as usize);
        if self.fault == Fault::ListsNewestFirst {
            all.reverse();
        }
        Ok(all
            .into_iter()
            .map(|recovery| self.shown_request(recovery))
            .collect())
    }

    async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError> {
        let since = match self.fault {
            Fault::CountsFromAfterTheMoment => Timestamp::from_micros(since.as_micros() + 1).unwrap(),
            _ => since,
        };
        if self.fault == Fault::CountsForEveryServer {
            let all = self.list_recoveries(None, u32::MAX).await?;
            return Ok(all
                .iter()
                .filter(|recovery| recovery.received_at >= since)
                .count() as u64);
        }
        self.seen().await?.count_recoveries(server, since).await
    }

    async fn recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        const PACKET: usize = 16 * 1024 * 1024;
        let which = match self.fault {
            Fault::MixesUpDocuments => RecoveryDocument::Request,
            _ => which,
        };
        let found = self.seen().await?.recovery_document(id, which).await?;
        Ok(match self.fault {
            Fault::CutsDocuments => found.map(|bytes| bytes[..bytes.len().min(PACKET)].to_vec()),
            Fault::LosesEmptyDocuments => found.filter(|bytes| !bytes.is_empty()),
            _ => found,
        })
    }
}

#[async_trait]
impl RecoveryReads for BrokenUnit {
    async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
        self.view.find_server(id).await
    }

    async fn find_server_by_identity(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<BackupServer>, StoreError> {
        self.view.find_server_by_identity(fingerprint).await
    }

    async fn list_servers(
        &mut self,
        after: Option<ServerId>,
        limit: u32,
    ) -> Result<Vec<BackupServer>, StoreError> {
        self.view.list_servers(after, limit).await
    }

    async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
        self.view.officers().await
    }

    async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
        self.view.recovery_policy().await
    }

    async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
        self.view.recovery_register().await
    }

    async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
        self.view.find_recovery(id).await
    }

    async fn list_recoveries(
        &mut self,
        after: Option<RecoveryCursor>,
        limit: u32,
    ) -> Result<Vec<Recovery>, StoreError> {
        self.view.list_recoveries(after, limit).await
    }

    async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError> {
        self.view.count_recoveries(server, since).await
    }

    async fn recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.view.recovery_document(id, which).await
    }
}

#[async_trait]
impl RecoveryWrites for BrokenUnit {
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        if self.fault == Fault::SwallowsDuplicates {
            let identity = server.current_identity().unwrap().fingerprint();
            let same_id = self.unit().find_server(server.id).await?;
            let same_identity = self.unit().find_server_by_identity(&identity).await?;
            if same_id.or(same_identity).is_some() {
                return Ok(());
            }
        }
        self.unit().insert_server(server).await
    }

    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError> {
        let current = self.unit().find_server(server.id).await?;
        match (self.fault, current) {
            (Fault::ForgetsVersionsOnSave, Some(current)) => {
                self.unit().save_server(server, current.version).await
            }
            (Fault::ReplacesApprovals, Some(current))
                if server.identities.len() < current.identities.len() =>
            {
                self.view.memory.replace_identities(server);
                Ok(())
            }
            _ => self.unit().save_server(server, expected).await,
        }
    }

    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        if self.fault == Fault::SwallowsDuplicates {
            let officers = self.unit().officers().await?;
            if officers.iter().any(|known| known.id == officer.id) {
                return Ok(());
            }
        }
        self.unit().insert_officer(officer).await
    }

    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError> {
        let officers = self.unit().officers().await?;
        let current = officers.iter().find(|known| known.id == officer.id);
        match (self.fault, current) {
            (Fault::ForgetsVersionsOnSave, Some(current)) => {
                self.unit().save_officer(officer, current.version).await
            }
            _ => self.unit().save_officer(officer, expected).await,
        }
    }

    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError> {
        let first = self.unit().recovery_policy().await?;
        match (self.fault, first) {
            (Fault::KeepsTheFirstPolicy, Some(first)) => self.unit().set_recovery_policy(&first).await,
            _ => self.unit().set_recovery_policy(policy).await,
        }
    }

    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError> {
        let first = self.unit().recovery_register().await?;
        match (self.fault, first) {
            (Fault::KeepsTheFirstPolicy, Some(first)) => self.unit().set_recovery_register(&first).await,
            _ => self.unit().set_recovery_register(note).await,
        }
    }

    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        let same_id = self.unit().find_recovery(recovery.id).await?;
        let server = self.unit().find_server(recovery.server).await?;
        match self.fault {
            Fault::SwallowsDuplicates if same_id.is_some() => Ok(()),
            Fault::TakesRequestsOfNobody if server.is_none() => Ok(()),
            _ => self.unit().insert_recovery(recovery).await,
        }
    }

    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError> {
        let current = self.unit().find_recovery(recovery.id).await?;
        match (self.fault, current) {
            (Fault::ForgetsVersionsOnSave, Some(current)) => {
                self.unit().save_recovery(recovery, current.version).await
            }
            (Fault::ReplacesApprovals, Some(current))
                if !recovery.approvals.starts_with(&current.approvals) =>
            {
                self.view.memory.replace_approvals(recovery);
                Ok(())
            }
            _ => self.unit().save_recovery(recovery, expected).await,
        }
    }

    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let known = self.unit().recovery_document(id, which).await?;
        let request = self.unit().find_recovery(id).await?;
        match self.fault {
            Fault::SwallowsDuplicates if known.is_some() => Ok(()),
            Fault::TakesDocumentsOfNobody if request.is_none() => Ok(()),
            _ => self.unit().keep_recovery_document(id, which, bytes).await,
        }
    }
}
