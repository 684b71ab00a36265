use keystead_domain::{Action, Actor, AuditEvent, BackupServer, Outcome, Reason, ServerId, ServerName};

use super::RecoveryError;
use super::register::{RegisterAccess, RegisterSigner};
use crate::ports::{Clock, RecoveryReads, Store, StoreError};
use crate::use_cases::shared::again_on_conflict;

/// Looks at backup servers.
pub struct BrowseServers<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
}

/// Takes a backup server off.
pub struct RemoveServer<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// Signs the change.
    pub register: RegisterAccess<'a>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl BrowseServers<'_> {
    /// Every backup server, by name, those that were removed too.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<BackupServer>, RecoveryError> {
        let mut servers = all_servers(&mut *self.store.snapshot().await?).await?;
        servers.sort_by(|a, b| (a.name.as_str(), a.id).cmp(&(b.name.as_str(), b.id)));
        Ok(servers)
    }

    /// The backup server that a person means: by its id or its name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn show(&self, reference: &str) -> Result<BackupServer, RecoveryError> {
        find_server(&mut *self.store.snapshot().await?, reference).await
    }
}

impl RemoveServer<'_> {
    /// Removes it: its requests are refused from now on. What it was is kept.
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn run(
        &self,
        actor: &Actor,
        reference: &str,
        reason: Option<&Reason>,
    ) -> Result<BackupServer, RecoveryError> {
        let signer = self.register.open().await?;
        again_on_conflict(|| self.remove(actor, reference, reason, &signer)).await
    }

    async fn remove(
        &self,
        actor: &Actor,
        reference: &str,
        reason: Option<&Reason>,
        signer: &RegisterSigner<'_>,
    ) -> Result<BackupServer, RecoveryError> {
        let mut unit = self.store.begin().await?;
        signer.check(&mut *unit).await?;
        let server = find_server(&mut *unit, reference).await?;
        if server.removed.is_some() {
            return Ok(server);
        }
        let now = self.clock.now();
        let removed = server.removed(now, reason.cloned());
        unit.save_server(&removed, server.version).await?;
        signer.sign(&mut *unit).await?;
        let event = AuditEvent::new(now, actor.clone(), Action::ServerRemove, Outcome::Done)
            .on(server.id)
            .with("server", &server.name);
        let event = match reason {
            Some(reason) => event.with("reason", reason),
            None => event,
        };
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(removed)
    }
}

/// By id, else by name among those that are there, else among those that were removed.
pub(super) async fn find_server<R: RecoveryReads + ?Sized>(
    reads: &mut R,
    reference: &str,
) -> Result<BackupServer, RecoveryError> {
    let not_found = || RecoveryError::NoSuchServer(reference.chars().take(80).collect());
    if let Ok(id) = reference.parse::<ServerId>() {
        return reads.find_server(id).await?.ok_or_else(not_found);
    }
    let name: ServerName = reference.parse().map_err(|_| not_found())?;
    let mut named = all_servers(reads).await?;
    named.retain(|server| is_named(server, &name));
    if named.iter().any(|server| server.removed.is_none()) {
        named.retain(|server| server.removed.is_none());
    }
    match named.len() {
        0 | 1 => named.pop().ok_or_else(not_found),
        _ => Err(RecoveryError::Ambiguous(reference.to_owned())),
    }
}

/// Names are compared without regard to case, as host names are.
pub(super) fn is_named(server: &BackupServer, name: &ServerName) -> bool {
    server.name.as_str().to_lowercase() == name.as_str().to_lowercase()
}

pub(super) async fn all_servers<R: RecoveryReads + ?Sized>(
    reads: &mut R,
) -> Result<Vec<BackupServer>, StoreError> {
    const AT_ONCE: u32 = 1000;
    let mut all: Vec<BackupServer> = Vec::new();
    loop {
        let page = reads
            .list_servers(all.last().map(|server| server.id), AT_ONCE)
            .await?;
        let is_last = page.len() < AT_ONCE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}
