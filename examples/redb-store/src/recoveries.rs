//! What belongs to recoveries: servers, officers, requests and their bytes, seen and changed.

use std::ops::Bound;

use async_trait::async_trait;
use keystead_application::ports::{
    RecoveryCursor, RecoveryDocument, RecoveryReads, RecoveryWrites, StoreError,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    BackupServer, Fingerprint, Officer, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};
use redb::WriteTransaction;

use crate::reads::{RedbSnapshot, behind};
use crate::records::age;
use crate::recovery_records::{OfficerRecord, PolicyRecord, RecoveryRecord, ServerRecord};
use crate::rows::{
    DOCUMENTS, IDENTITIES, OFFICERS, RECOVERIES, RECOVERY_AGES, Rows, SERVERS, SINGLE, decode, put, put_bytes,
};
use crate::unit::{RedbUnitOfWork, conflict_unless, duplicate_unless, has, unchanged};

const POLICY: &str = "recovery policy";
const REGISTER: &str = "recovery register";

/// The age of a request as a key, turned over: the one that was received last comes first.
fn newest_first(received_at: Timestamp, id: RequestId) -> Vec<u8> {
    let age = age(received_at.as_micros(), &id.to_string());
    age.into_iter().map(|byte| !byte).collect()
}

fn document_key(id: RequestId, which: RecoveryDocument) -> String {
    format!("{id} {}", which.as_str())
}

impl dyn Rows + '_ {
    fn server(&self, id: &str) -> Result<Option<BackupServer>, StoreError> {
        let record: Option<ServerRecord> = self.get(SERVERS, id)?;
        record.map(ServerRecord::into_server).transpose()
    }

    fn officer(&self, id: &str) -> Result<Option<Officer>, StoreError> {
        let record: Option<OfficerRecord> = self.get(OFFICERS, id)?;
        record.map(OfficerRecord::into_officer).transpose()
    }

    fn recovery(&self, id: &str) -> Result<Option<Recovery>, StoreError> {
        let record: Option<RecoveryRecord> = self.get(RECOVERIES, id)?;
        record.map(RecoveryRecord::into_recovery).transpose()
    }

    fn recoveries(&self, after: Option<RecoveryCursor>, limit: usize) -> Result<Vec<Recovery>, StoreError> {
        let after = after.map(|after| newest_first(after.received_at, after.id));
        let rows = self.scan(RECOVERY_AGES, behind(&after), limit)?;
        let ids = rows.iter().map(|(_, id)| decode::<String>(id));
        ids.filter_map(|id| id.and_then(|id| self.recovery(&id)).transpose())
            .collect()
    }
}

/// Promise: an identity belongs to one server for good, so whoever shows it is that server, also after it was retired.
fn put_server(writer: &WriteTransaction, server: &BackupServer) -> Result<(), StoreError> {
    let id = server.id.to_string();
    for identity in &server.identities {
        let fingerprint = identity.fingerprint().to_string();
        let owner: Option<String> = (writer as &dyn Rows).get(IDENTITIES, &fingerprint)?;
        duplicate_unless(
            owner.is_none_or(|owner| owner == id),
            "another server has this identity",
        )?;
        put(writer, IDENTITIES, &fingerprint, &id)?;
    }
    put(writer, SERVERS, &id, &ServerRecord::from(server))
}

macro_rules! reads {
    ($($view:ty),+) => {$(
        #[async_trait]
        impl RecoveryReads for $view {
            async fn find_server(&mut self, id: ServerId) -> Result<Option<BackupServer>, StoreError> {
                self.rows()?.server(&id.to_string())
            }

            async fn find_server_by_identity(&mut self, fingerprint: &Fingerprint) -> Result<Option<BackupServer>, StoreError> {
                let rows = self.rows()?;
                let id: Option<String> = rows.get(IDENTITIES, &fingerprint.to_string())?;
                id.map_or(Ok(None), |id| rows.server(&id))
            }

            async fn list_servers(&mut self, after: Option<ServerId>, limit: u32) -> Result<Vec<BackupServer>, StoreError> {
                let rows = self.rows()?.scan(SERVERS, behind(&after.map(|id| id.to_string())), limit as usize)?;
                rows.iter().map(|(_, server)| decode::<ServerRecord>(server)?.into_server()).collect()
            }

            async fn officers(&mut self) -> Result<Vec<Officer>, StoreError> {
                let rows = self.rows()?.scan(OFFICERS, Bound::Unbounded, usize::MAX)?;
                let officers = rows.iter().map(|(_, officer)| decode::<OfficerRecord>(officer)?.into_officer());
                let mut officers: Vec<Officer> = officers.collect::<Result<_, _>>()?;
                officers.sort_by_key(|officer| (officer.added_at, officer.id));
                Ok(officers)
            }

            async fn recovery_policy(&mut self) -> Result<Option<RecoveryPolicy>, StoreError> {
                let record: Option<PolicyRecord> = self.rows()?.get(SINGLE, POLICY)?;
                record.map(PolicyRecord::into_policy).transpose()
            }

            async fn recovery_register(&mut self) -> Result<Option<String>, StoreError> {
                self.rows()?.get(SINGLE, REGISTER)
            }

            async fn find_recovery(&mut self, id: RequestId) -> Result<Option<Recovery>, StoreError> {
                self.rows()?.recovery(&id.to_string())
            }

            async fn list_recoveries(&mut self, after: Option<RecoveryCursor>, limit: u32) -> Result<Vec<Recovery>, StoreError> {
                self.rows()?.recoveries(after, limit as usize)
            }

            async fn count_recoveries(&mut self, server: ServerId, since: Timestamp) -> Result<u64, StoreError> {
                // Without an index of its own: requests are rare.
                let recoveries = self.rows()?.recoveries(None, usize::MAX)?;
                let is_counted = |of: &&Recovery| of.server == server && of.received_at >= since;
                Ok(recoveries.iter().filter(is_counted).count() as u64)
            }

            async fn recovery_document(&mut self, id: RequestId, which: RecoveryDocument) -> Result<Option<Vec<u8>>, StoreError> {
                self.rows()?.bytes(DOCUMENTS, document_key(id, which).as_bytes())
            }
        }
    )+};
}

reads!(RedbSnapshot, RedbUnitOfWork);

#[async_trait]
impl RecoveryWrites for RedbUnitOfWork {
    async fn insert_server(&mut self, server: &BackupServer) -> Result<(), StoreError> {
        self.change(|writer| {
            let is_new = !has(writer, SERVERS, server.id.to_string())?;
            duplicate_unless(is_new, "there is such a server already")?;
            put_server(writer, server)
        })
    }

    async fn save_server(&mut self, server: &BackupServer, expected: Version) -> Result<(), StoreError> {
        self.change(|writer| {
            let before = (writer as &dyn Rows).server(&server.id.to_string())?;
            let before = unchanged(before, |before| before.version == expected)?;
            let mut known = before.identities.iter();
            let all_stay = known.all(|known| server.identity(&known.fingerprint()).is_some());
            conflict_unless(all_stay, "an identity would be lost")?;
            put_server(writer, server)
        })
    }

    async fn insert_officer(&mut self, officer: &Officer) -> Result<(), StoreError> {
        let id = officer.id.to_string();
        self.change(|writer| {
            duplicate_unless(!has(writer, OFFICERS, &id)?, "there is such an officer already")?;
            put(writer, OFFICERS, &id, &OfficerRecord::from(officer))
        })
    }

    async fn save_officer(&mut self, officer: &Officer, expected: Version) -> Result<(), StoreError> {
        let id = officer.id.to_string();
        self.change(|writer| {
            unchanged((writer as &dyn Rows).officer(&id)?, |before| {
                before.version == expected
            })?;
            put(writer, OFFICERS, &id, &OfficerRecord::from(officer))
        })
    }

    async fn set_recovery_policy(&mut self, policy: &RecoveryPolicy) -> Result<(), StoreError> {
        self.change(|writer| put(writer, SINGLE, POLICY, &PolicyRecord::from(policy)))
    }

    async fn set_recovery_register(&mut self, note: &str) -> Result<(), StoreError> {
        self.change(|writer| put(writer, SINGLE, REGISTER, &note))
    }

    async fn insert_recovery(&mut self, recovery: &Recovery) -> Result<(), StoreError> {
        let id = recovery.id.to_string();
        let place = newest_first(recovery.received_at, recovery.id);
        self.change(|writer| {
            duplicate_unless(!has(writer, RECOVERIES, &id)?, "there is such a request already")?;
            conflict_unless(
                has(writer, SERVERS, recovery.server.to_string())?,
                "there is no such server",
            )?;
            put(writer, RECOVERY_AGES, &place, &id)?;
            put(writer, RECOVERIES, &id, &RecoveryRecord::from(recovery))
        })
    }

    async fn save_recovery(&mut self, recovery: &Recovery, expected: Version) -> Result<(), StoreError> {
        let id = recovery.id.to_string();
        self.change(|writer| {
            let before = (writer as &dyn Rows).recovery(&id)?;
            let before = unchanged(before, |before| before.version == expected)?;
            let all_stay = recovery.approvals.starts_with(&before.approvals);
            conflict_unless(all_stay, "an approval would be lost or changed")?;
            put(writer, RECOVERIES, &id, &RecoveryRecord::from(recovery))
        })
    }

    /// The bytes as they are: redb takes a value of 64 MiB. A database that does not keeps them in parts.
    async fn keep_recovery_document(
        &mut self,
        id: RequestId,
        which: RecoveryDocument,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let key = document_key(id, which);
        self.change(|writer| {
            conflict_unless(
                has(writer, RECOVERIES, id.to_string())?,
                "there is no such request",
            )?;
            duplicate_unless(!has(writer, DOCUMENTS, &key)?, "there are such bytes already")?;
            put_bytes(writer, DOCUMENTS, &key, bytes)
        })
    }
}
