use std::sync::Arc;

use keystead_domain::{
    Approval, BackupServer, Permission, Recovery, RequestId, Standing, Timestamp, approval_statement,
};

use super::RecoveryError;
use super::examine::Examination;
use super::load::{LoadedRecovery, Trust, find_recovery, server_of};
use super::officers::policy;
use crate::ports::{RecoveryCursor, SealedFormat, Store};

/// Looks at recovery requests.
pub struct BrowseRecoveries<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
}

/// Looks at one recovery request closely.
pub struct ShowRecovery<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// What is believed.
    pub trust: Trust<'a>,
    /// Reads the headers.
    pub format: Arc<dyn SealedFormat>,
}

/// A recovery request in a list.
#[derive(Debug, Clone)]
pub struct ListedRecovery {
    /// The request.
    pub recovery: Recovery,
    /// The server that asks.
    pub server: BackupServer,
    /// What the approvals come to, if their signatures are right.
    pub standing: Standing,
}

/// A recovery request, seen closely.
#[derive(Debug, Clone)]
pub struct ShownRecovery {
    /// What became of it.
    pub recovery: Recovery,
    /// The server that asks.
    pub server: BackupServer,
    /// Since when the identity that signed it is retired.
    pub identity_retired_at: Option<Timestamp>,
    /// The approvals that count.
    pub counted: Vec<Approval>,
    /// What the approvals come to.
    pub standing: Standing,
    /// What it needs.
    pub examination: Examination,
}

impl BrowseRecoveries<'_> {
    /// A page of the list, the last received first, each with its server and what its approvals come to. Nothing is verified.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(
        &self,
        after: Option<RecoveryCursor>,
        limit: u32,
    ) -> Result<Vec<ListedRecovery>, RecoveryError> {
        let mut snapshot = self.store.snapshot().await?;
        let (officers, needed) = (
            snapshot.officers().await?,
            policy(&mut *snapshot).await?.approvals(),
        );
        let mut servers: Vec<BackupServer> = Vec::new();
        let mut list = Vec::new();
        for recovery in snapshot.list_recoveries(after, limit).await? {
            let known = servers.iter().find(|server| server.id == recovery.server);
            let server = match known {
                Some(known) => known.clone(),
                None => {
                    let server = server_of(&mut *snapshot, &recovery).await?;
                    servers.push(server.clone());
                    server
                }
            };
            list.push(ListedRecovery {
                standing: Standing::of(&recovery.approvals, &officers, needed),
                recovery,
                server,
            });
        }
        Ok(list)
    }

    /// The request that a person means.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub async fn find(&self, reference: &str) -> Result<Recovery, RecoveryError> {
        find_recovery(&mut *self.store.snapshot().await?, reference).await
    }
}

impl ShowRecovery<'_> {
    /// Verifies the request again, and tells all about it. No private key is used.
    ///
    /// # Errors
    /// When there is no such request, or what is stored of it was changed.
    pub async fn run(&self, id: RequestId) -> Result<ShownRecovery, RecoveryError> {
        let LoadedRecovery {
            recovery,
            server,
            officers,
            verified,
            standing,
            signed,
        } = LoadedRecovery::load(self.store, self.trust, id).await?;
        let examination = Examination::of(signed.request, &self.format, self.store).await?;
        Ok(ShownRecovery {
            identity_retired_at: server
                .identity(&recovery.identity)
                .and_then(|identity| identity.retired_at),
            counted: Standing::counted(&verified, &officers)
                .into_iter()
                .cloned()
                .collect(),
            recovery,
            server,
            standing,
            examination,
        })
    }

    /// The text that officers sign.
    ///
    /// # Errors
    /// As [`ShowRecovery::run`].
    pub async fn statement(&self, id: RequestId, permission: Permission) -> Result<String, RecoveryError> {
        let loaded = LoadedRecovery::load(self.store, self.trust, id).await?;
        Ok(approval_statement(
            self.trust.installation,
            &loaded.recovery,
            &loaded.server.name,
            permission,
        ))
    }
}
