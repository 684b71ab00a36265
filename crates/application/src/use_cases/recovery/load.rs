//! A request as it was received, verified again before anything is done with it.

use keystead_domain::{
    APPROVAL_NAMESPACE, Approval, BackupServer, Installation, Officer, Recovery, RequestId, SignedRequest,
    Standing, approval_statement,
};

use super::RecoveryError;
use super::register::{Registered, check_register};
use crate::exchange::UnverifiedRequest;
use crate::ports::{
    RecoveryCursor, RecoveryDocument, RecoveryReads, SigningEngine, SshSignatures, Store, StoreError,
    StoreErrorKind,
};

/// What a manager believes: what its own identity signed, and what is signed by whom it knows.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The installation, with the public key of its identity.
    pub installation: &'a Installation,
    /// Verifies what that identity signed.
    pub signing: &'a dyn SigningEngine,
    /// Verifies what servers and officers signed.
    pub ssh: &'a dyn SshSignatures,
}

/// All that is known about a request.
pub(super) struct LoadedRecovery {
    pub(super) recovery: Recovery,
    pub(super) server: BackupServer,
    pub(super) officers: Vec<Officer>,
    /// The approvals whose signatures are right.
    pub(super) verified: Vec<Approval>,
    pub(super) standing: Standing,
    pub(super) signed: SignedRequest,
}

impl LoadedRecovery {
    /// Loads a request and verifies its signature and those of its approvals again: the database is not believed.
    pub(super) async fn load(
        store: &dyn Store,
        trust: Trust<'_>,
        id: RequestId,
    ) -> Result<Self, RecoveryError> {
        let Trust {
            installation,
            signing,
            ssh,
        } = trust;
        let mut snapshot = store.snapshot().await?;
        let not_found = || RecoveryError::NoSuchRequest(id.to_string());
        let recovery = snapshot.find_recovery(id).await?.ok_or_else(not_found)?;
        let Registered {
            servers,
            officers,
            policy,
        } = check_register(&mut *snapshot, installation, signing).await?;
        let server = servers
            .into_iter()
            .find(|server| server.id == recovery.server)
            .ok_or(RecoveryError::RequestChanged(id))?;
        let bytes = snapshot.recovery_document(id, RecoveryDocument::Request).await?;
        drop(snapshot);

        let changed = || RecoveryError::RequestChanged(id);
        let identity = server.identity(&recovery.identity).ok_or_else(changed)?;
        let signed = bytes
            .and_then(|bytes| UnverifiedRequest::new(bytes, ssh).ok())
            .and_then(|unverified| unverified.verified(&identity.keys, ssh).ok())
            .ok_or_else(changed)?;
        if !is_same(&signed, &recovery) {
            return Err(changed());
        }
        let verified = verified_approvals(&recovery, &server, &officers, trust);
        Ok(Self {
            standing: Standing::of(&verified, &officers, policy.approvals()),
            verified,
            recovery,
            server,
            officers,
            signed,
        })
    }
}

/// The approvals whose signatures are right for the request as it is here. Others do not count.
pub(super) fn verified_approvals(
    recovery: &Recovery,
    server: &BackupServer,
    officers: &[Officer],
    trust: Trust<'_>,
) -> Vec<Approval> {
    let is_right = |approval: &&Approval| {
        let statement = approval_statement(trust.installation, recovery, &server.name, approval.permission);
        let officer = officers.iter().find(|officer| officer.id == approval.officer);
        officer.is_some_and(|officer| {
            let verified = trust.ssh.verify(
                &officer.key,
                APPROVAL_NAMESPACE,
                statement.as_bytes(),
                &approval.signature,
            );
            verified.is_ok() && !officer.is_called(&recovery.asked_by)
        })
    };
    recovery.approvals.iter().filter(is_right).cloned().collect()
}

/// The record has what was signed, in every column.
fn is_same(signed: &SignedRequest, recovery: &Recovery) -> bool {
    let again = Recovery::received(signed, recovery.received_at);
    let Recovery {
        id,
        version: _,
        server,
        identity,
        digest,
        asked_by,
        reason,
        validity,
        response_key,
        files,
        received_at: _,
        approvals: _,
        state: _,
    } = &again;
    (id, server, identity, digest)
        == (
            &recovery.id,
            &recovery.server,
            &recovery.identity,
            &recovery.digest,
        )
        && (asked_by, reason, validity) == (&recovery.asked_by, &recovery.reason, &recovery.validity)
        && (response_key, files) == (&recovery.response_key, &recovery.files)
}

pub(super) async fn server_of<R: RecoveryReads + ?Sized>(
    reads: &mut R,
    recovery: &Recovery,
) -> Result<BackupServer, RecoveryError> {
    let found = reads.find_server(recovery.server).await?;
    Ok(found.ok_or_else(|| {
        let what = format!("request {} is of a server that is not there", recovery.id);
        StoreError::new(StoreErrorKind::Corrupt, "read recovery", what)
    })?)
}

/// The request that a person means: its id, or eight or more of its first digits.
pub(super) async fn find_recovery<R: RecoveryReads + ?Sized>(
    reads: &mut R,
    reference: &str,
) -> Result<Recovery, RecoveryError> {
    const AT_ONCE: u32 = 1000;
    const MIN_DIGITS: usize = 8;
    let not_found = || RecoveryError::NoSuchRequest(reference.chars().take(80).collect());
    if let Ok(id) = reference.parse::<RequestId>() {
        return reads.find_recovery(id).await?.ok_or_else(not_found);
    }
    let prefix = reference.to_lowercase();
    if prefix.len() < MIN_DIGITS {
        return Err(not_found());
    }
    let mut found: Option<Recovery> = None;
    let mut after = None;
    loop {
        let page = reads.list_recoveries(after, AT_ONCE).await?;
        let is_last = page.len() < AT_ONCE as usize;
        after = page.last().map(RecoveryCursor::of);
        for recovery in page {
            if recovery.id.to_string().starts_with(&prefix) && found.replace(recovery).is_some() {
                return Err(RecoveryError::Ambiguous(reference.to_owned()));
            }
        }
        if is_last {
            return found.ok_or_else(not_found);
        }
    }
}
