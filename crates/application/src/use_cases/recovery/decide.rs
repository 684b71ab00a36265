use keystead_domain::{
    APPROVAL_NAMESPACE, Action, Actor, Approval, AuditEvent, BackupServer, Outcome, Permission, PersonName,
    Reason, Recovery, RequestId, Standing, approval_statement,
};

use super::RecoveryError;
use super::load::{LoadedRecovery, Trust, server_of, verified_approvals};
use super::officers::policy;
use super::receive::about;
use super::refusal::recorded;
use crate::ports::{Clock, Store};
use crate::use_cases::shared::again_on_conflict;

/// Approves a recovery request by an officer's signature.
pub struct ApproveRecovery<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// What is believed.
    pub trust: Trust<'a>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// Denies a recovery request.
pub struct DenyRecovery<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// A request that was approved once more.
#[derive(Debug, Clone)]
pub struct Approved {
    /// The request.
    pub recovery: Recovery,
    /// The officer who signed.
    pub officer: PersonName,
    /// What the approvals come to.
    pub standing: Standing,
}

impl ApproveRecovery<'_> {
    /// Checks that the request may be approved at all, before anybody is asked to sign it.
    ///
    /// # Errors
    /// When it was denied or answered, does not hold now, or its server or identity may not ask.
    pub async fn check(&self, id: RequestId, permission: Permission) -> Result<(), RecoveryError> {
        let loaded = LoadedRecovery::load(self.store, self.trust, id).await?;
        Ok(loaded
            .recovery
            .check_open(&loaded.server, permission, self.clock.now())?)
    }

    /// Keeps an approval: `signature` is an officer's signature over the [statement](approval_statement) with these
    /// permissions. Refused attempts are events of the audit trail too.
    ///
    /// # Errors
    /// When the signature is nobody's, or not over this request as it is here; when the officer asked for it, or approved it
    /// before; when the request may not be approved.
    pub async fn run(
        &self,
        actor: &Actor,
        id: RequestId,
        permission: Permission,
        signature: &[u8],
    ) -> Result<Approved, RecoveryError> {
        let approved = again_on_conflict(|| self.approve(actor, id, permission, signature)).await;
        let about = |event: AuditEvent| event.on(id);
        recorded(
            approved,
            self.store,
            self.clock,
            (actor, Action::RecoveryApprove),
            about,
        )
        .await
    }

    async fn approve(
        &self,
        actor: &Actor,
        id: RequestId,
        permission: Permission,
        signature: &[u8],
    ) -> Result<Approved, RecoveryError> {
        let LoadedRecovery {
            recovery,
            server,
            officers,
            ..
        } = LoadedRecovery::load(self.store, self.trust, id).await?;
        let key = self
            .trust
            .ssh
            .claimed_key(signature)
            .map_err(RecoveryError::OfficerSignature)?;
        // Somebody who was taken off may have the key too; then the one who is there is meant.
        let mut owners: Vec<_> = officers.iter().filter(|officer| officer.key == key).collect();
        owners.sort_by_key(|officer| officer.removed.is_some());
        let officer = owners
            .first()
            .ok_or_else(|| RecoveryError::NotAnOfficersKey(key.fingerprint()))?;
        let now = self.clock.now();
        recovery.check_open(&server, permission, now)?;
        recovery.check_approver(officer, permission)?;
        let statement = approval_statement(self.trust.installation, &recovery, &server.name, permission);
        self.trust
            .ssh
            .verify(&officer.key, APPROVAL_NAMESPACE, statement.as_bytes(), signature)
            .map_err(|error| RecoveryError::NotApproved {
                officer: officer.name.clone(),
                request: id,
                error,
            })?;

        let approved = recovery.approved(Approval {
            officer: officer.id,
            name: officer.name.clone(),
            permission,
            signature: signature.to_vec(),
            given_at: now,
        });
        let mut unit = self.store.begin().await?;
        // An officer who was taken off in between does not count any more; that is looked at when the request is answered.
        unit.save_recovery(&approved, recovery.version).await?;
        let event = AuditEvent::new(now, actor.clone(), Action::RecoveryApprove, Outcome::Done)
            .with("officer", &officer.name)
            .with("officer_id", officer.id)
            .with("key", officer.key.fingerprint())
            .with("origins", permission.origins.as_str())
            .with("retired_identity", permission.retired_identity);
        unit.append_audit(&about(event, &approved, &server)).await?;
        let needed = policy(&mut *unit).await?.approvals();
        unit.commit().await?;
        let verified = verified_approvals(&approved, &server, &officers, self.trust);
        Ok(Approved {
            standing: Standing::of(&verified, &officers, needed),
            officer: officer.name.clone(),
            recovery: approved,
        })
    }
}

impl DenyRecovery<'_> {
    /// Denies it, for good.
    ///
    /// # Errors
    /// When there is no such request, or it was denied or answered before.
    pub async fn run(
        &self,
        actor: &Actor,
        id: RequestId,
        by: &PersonName,
        reason: &Reason,
    ) -> Result<(Recovery, BackupServer), RecoveryError> {
        let deny = || async {
            let mut unit = self.store.begin().await?;
            let not_found = || RecoveryError::NoSuchRequest(id.to_string());
            let recovery = unit.find_recovery(id).await?.ok_or_else(not_found)?;
            let server = server_of(&mut *unit, &recovery).await?;
            let now = self.clock.now();
            let denied = recovery.denied(by.clone(), reason.clone(), now)?;
            unit.save_recovery(&denied, recovery.version).await?;
            let event = AuditEvent::new(now, actor.clone(), Action::RecoveryDeny, Outcome::Done)
                .with("denied_by", by)
                .with("denied_because", reason);
            unit.append_audit(&about(event, &denied, &server)).await?;
            unit.commit().await?;
            Ok((denied, server))
        };
        let denied = again_on_conflict(deny).await;
        let about = |event: AuditEvent| event.on(id).with("denied_by", by).with("denied_because", reason);
        recorded(
            denied,
            self.store,
            self.clock,
            (actor, Action::RecoveryDeny),
            about,
        )
        .await
    }
}
