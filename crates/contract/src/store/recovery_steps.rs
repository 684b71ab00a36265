//! What the cases about recoveries do again and again.

use keystead_application::ports::{RecoveryDocument, Snapshot, Store};
use keystead_domain::{Action, BackupServer, Officer, Recovery, RecoveryPolicy, RequestId, ServerId};

use super::steps::{commit, there};
use crate::{Verdict, Violation};

/// Inserts servers in one unit of work.
pub(super) async fn enroll(store: &dyn Store, servers: &[BackupServer]) -> Verdict {
    let mut unit = store.begin().await?;
    for server in servers {
        unit.insert_server(server).await?;
    }
    commit(unit, Action::ServerEnroll, "sample servers").await
}

/// Saves a server in a unit of work of its own.
pub(super) async fn save_server(store: &dyn Store, before: &BackupServer, after: &BackupServer) -> Verdict {
    let mut unit = store.begin().await?;
    unit.save_server(after, before.version).await?;
    commit(unit, Action::ServerReEnroll, after.id).await
}

/// The server with this id, through a new snapshot.
pub(super) async fn read_server(store: &dyn Store, id: ServerId) -> Result<BackupServer, Violation> {
    let found = store.snapshot().await?.find_server(id).await?;
    there(found, format!("server {id}"))
}

/// Inserts officers in one unit of work.
pub(super) async fn add_officers(store: &dyn Store, officers: &[Officer]) -> Verdict {
    let mut unit = store.begin().await?;
    for officer in officers {
        unit.insert_officer(officer).await?;
    }
    commit(unit, Action::OfficerAdd, "sample officers").await
}

/// Inserts requests in one unit of work, without their bytes.
pub(super) async fn receive(store: &dyn Store, requests: &[Recovery]) -> Verdict {
    let mut unit = store.begin().await?;
    for request in requests {
        unit.insert_recovery(request).await?;
    }
    commit(unit, Action::RecoveryReceive, "sample requests").await
}

/// Saves a request in a unit of work of its own.
pub(super) async fn save_recovery(store: &dyn Store, before: &Recovery, after: &Recovery) -> Verdict {
    let mut unit = store.begin().await?;
    unit.save_recovery(after, before.version).await?;
    commit(unit, Action::RecoveryApprove, after.id).await
}

/// The request with this id, through a new snapshot.
pub(super) async fn read_recovery(store: &dyn Store, id: RequestId) -> Result<Recovery, Violation> {
    let found = store.snapshot().await?.find_recovery(id).await?;
    there(found, format!("request {id}"))
}

/// All that belongs to recoveries.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) servers: Vec<BackupServer>,
    pub(super) officers: Vec<Officer>,
    pub(super) policy: Option<RecoveryPolicy>,
    pub(super) requests: Vec<Recovery>,
    pub(super) documents: Vec<(RequestId, RecoveryDocument, Vec<u8>)>,
}

impl Kept {
    /// What a view of a store with few of each shows.
    pub(super) async fn seen_in(view: &mut dyn Snapshot) -> Result<Self, Violation> {
        let requests = view.list_recoveries(None, 100).await?;
        let mut documents = Vec::new();
        for request in &requests {
            for which in RecoveryDocument::ALL {
                let bytes = view.recovery_document(request.id, which).await?;
                documents.extend(bytes.map(|bytes| (request.id, which, bytes)));
            }
        }
        Ok(Self {
            servers: view.list_servers(None, 100).await?,
            officers: view.officers().await?,
            policy: view.recovery_policy().await?,
            requests,
            documents,
        })
    }

    /// The same through a new snapshot.
    pub(super) async fn by(store: &dyn Store) -> Result<Self, Violation> {
        Self::seen_in(store.snapshot().await?.as_mut()).await
    }
}
