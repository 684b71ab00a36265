use keystead_domain::{
    Action, Actor, AuditEvent, BackupServer, Outcome, Recovery, RecoveryPolicy, SignedRequest,
};

use super::RecoveryError;
use super::load::Trust;
use super::officers::policy;
use super::refusal::recorded;
use super::register::check_register;
use crate::exchange::{RequestDocument, UnverifiedRequest};
use crate::ports::{Clock, RecoveryDocument, Store, UnitOfWork};
use crate::use_cases::shared::again_on_conflict;

/// Takes in a recovery request: from now on it is known, and waits for approvals.
pub struct ReceiveRequest<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// What is believed.
    pub trust: Trust<'a>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl ReceiveRequest<'_> {
    /// Takes in the request in a text. What is refused is an event of the audit trail too.
    ///
    /// # Errors
    /// When the text is no request; when its server is not known or was removed, or did not sign it; when it does not hold
    /// now, was received before, or is one too many.
    pub async fn run(&self, actor: &Actor, text: &str) -> Result<(Recovery, BackupServer), RecoveryError> {
        let bytes = RequestDocument::from_text(text).map_err(RecoveryError::Request)?;
        let unverified = UnverifiedRequest::new(bytes, self.trust.ssh).map_err(RecoveryError::Request)?;
        let received = again_on_conflict(|| self.receive(actor, &unverified)).await;
        let about = |event: AuditEvent| {
            event
                .with("identity_unverified", unverified.identity())
                .with("digest", unverified.digest())
        };
        recorded(
            received,
            self.store,
            self.clock,
            (actor, Action::RecoveryReceive),
            about,
        )
        .await
    }

    async fn receive(
        &self,
        actor: &Actor,
        unverified: &UnverifiedRequest,
    ) -> Result<(Recovery, BackupServer), RecoveryError> {
        // Verifying reads the whole of a long request, so it is done before the unit of work begins.
        let identity = unverified.identity();
        let Trust {
            installation,
            signing,
            ssh,
        } = self.trust;
        let registered = check_register(&mut *self.store.snapshot().await?, installation, signing).await?;
        let found = registered
            .servers
            .iter()
            .find(|server| server.identity(&identity).is_some());
        let keys = found
            .and_then(|server| server.identity(&identity))
            .map(|identity| &identity.keys)
            .ok_or(RecoveryError::UnknownServer(identity))?;
        let signed = unverified.verified(keys, ssh).map_err(RecoveryError::Request)?;

        let mut unit = self.store.begin().await?;
        let server = unit
            .find_server_by_identity(&identity)
            .await?
            .ok_or(RecoveryError::UnknownServer(identity))?;
        let recovery = self.checked(&mut *unit, &signed, &server).await?;
        unit.insert_recovery(&recovery).await?;
        unit.keep_recovery_document(recovery.id, RecoveryDocument::Request, unverified.bytes())
            .await?;
        let event = AuditEvent::new(
            recovery.received_at,
            actor.clone(),
            Action::RecoveryReceive,
            Outcome::Done,
        );
        unit.append_audit(&about(event, &recovery, &server)).await?;
        unit.commit().await?;
        Ok((recovery, server))
    }

    async fn checked(
        &self,
        unit: &mut dyn UnitOfWork,
        signed: &SignedRequest,
        server: &BackupServer,
    ) -> Result<Recovery, RecoveryError> {
        let request = &signed.request;
        if request.server != server.id {
            return Err(RecoveryError::OtherServer {
                signer: server.name.clone(),
                named: request.server,
            });
        }
        if let Some(known) = unit.find_recovery(request.id).await? {
            return Err(match known.digest == signed.digest {
                true => RecoveryError::Replayed {
                    id: known.id,
                    at: known.received_at,
                },
                false => RecoveryError::OtherRequest(known.id),
            });
        }
        let recovery = Recovery::received(signed, self.clock.now());
        recovery.check_takeable(server).map_err(RecoveryError::NotTaken)?;
        let policy = policy(unit).await?;
        let since = recovery.received_at.before(RecoveryPolicy::DAY);
        let before = unit.count_recoveries(server.id, since).await?;
        if !policy.takes_one_more(before) {
            return Err(RecoveryError::TooManyRequests {
                server: server.name.clone(),
                limit: policy.requests_per_day(),
            });
        }
        Ok(recovery)
    }
}

/// The details that every event about a request has.
pub(super) fn about(event: AuditEvent, recovery: &Recovery, server: &BackupServer) -> AuditEvent {
    let event = event
        .on(recovery.id)
        .with("server", &server.name)
        .with("server_id", server.id)
        .with("identity", recovery.identity)
        .with("digest", recovery.digest)
        .with("asked_by", &recovery.asked_by)
        .with("files", recovery.files);
    match &recovery.reason {
        Some(reason) => event.with("reason", reason),
        None => event,
    }
}
