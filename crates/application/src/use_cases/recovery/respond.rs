use std::collections::HashMap;
use std::sync::Arc;

use keystead_domain::{
    Action, Actor, AuditEvent, KeysetId, Outcome, Permission, Recovery, RecoveryState, RequestId,
    SecretBytes, Standing, Timestamp, Validity, check_enough,
};

use super::RecoveryError;
use super::examine::Examination;
use super::load::{LoadedRecovery, Trust};
use super::officers::policy;
use super::plan::{Plan, details, divided, words};
use super::receive::about;
use super::refusal::recorded;
use super::register::check_register;
use super::unwrap::unwrap_all;
use crate::exchange::{FileKeys, RecoveredKey, Response, ResponseDocument, UnopenedFile};
use crate::ports::{
    Clock, LoadedKey, MasterKey, MessageCipher, RecoveryDocument, RsaEngine, SealedFormat, Store, StoreError,
    StoreErrorKind,
};
use crate::use_cases::custody::{Custody, KeyUse};
use crate::use_cases::shared::manager_identity;

/// Answers an approved recovery request: the one place where keys leave the manager, and only encrypted to who asked.
pub struct RespondRecovery<'a> {
    /// Where requests and keysets are kept.
    pub store: &'a dyn Store,
    /// Opens private keys.
    pub master_key: &'a dyn MasterKey,
    /// Uses them.
    pub rsa: &'a dyn RsaEngine,
    /// Reads headers.
    pub format: Arc<dyn SealedFormat>,
    /// Encrypts the answer.
    pub cipher: &'a dyn MessageCipher,
    /// What is believed.
    pub trust: Trust<'a>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Responded {
    /// The request.
    pub recovery: Recovery,
    /// The text for the server.
    pub text: String,
    /// The files that it does not open.
    pub unopened: Vec<UnopenedFile>,
    /// Whether the request was answered before: this is the same text again, and no private key was used.
    pub again: bool,
}

impl RespondRecovery<'_> {
    /// Answers it. `partial` allows an answer that does not open every file. `progress` is told how many files are done.
    ///
    /// # Errors
    /// When the approvals are too few, the request may not be answered, or files of it cannot be opened.
    pub async fn run(
        &self,
        actor: &Actor,
        id: RequestId,
        partial: bool,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Responded, RecoveryError> {
        let loaded = LoadedRecovery::load(self.store, self.trust, id).await?;
        if let RecoveryState::Answered { .. } = loaded.recovery.state {
            return self.answered_before(actor, loaded).await;
        }
        let prepared = self.prepare(&loaded, partial).await;
        let of = |event: AuditEvent| about(event, &loaded.recovery, &loaded.server);
        let respond = (actor, Action::RecoveryRespond);
        let plan = recorded(prepared, self.store, self.clock, respond, of).await?;
        let custody = Custody {
            store: self.store,
            master_key: self.master_key,
            rsa: self.rsa,
            clock: self.clock,
        };
        let begun = custody.begin_recovery(actor, id, details(&loaded, &plan)).await?;
        let answered = self.answer(&loaded, plan, partial, &custody, &begun, progress);
        match answered.await {
            Ok(responded) => Ok(responded),
            Err(error) => {
                let why = [("failed_because", error.to_string())];
                custody.finish(&begun, Outcome::Failed, &why).await?;
                Err(error)
            }
        }
    }

    /// Finds out what would be done, without any private key.
    async fn prepare(&self, loaded: &LoadedRecovery, partial: bool) -> Result<Plan, RecoveryError> {
        let LoadedRecovery {
            recovery,
            server,
            standing,
            signed,
            ..
        } = loaded;
        // What is over is told before what is missing.
        let any = Permission {
            retired_identity: true,
            ..standing.permission
        };
        recovery.check_open(server, any, self.clock.now())?;
        check_enough(*standing)?;
        recovery.check_open(server, standing.permission, self.clock.now())?;
        let examination = Examination::of(signed.request.clone(), &self.format, self.store).await?;
        if let Some(missing) = examination.missing()
            && !partial
        {
            return Err(RecoveryError::MissingKeysets(missing));
        }
        let plan = Plan::of(&examination, standing.permission.origins);
        if plan.jobs.is_empty() {
            return Err(RecoveryError::NothingOpens(words(&plan.unopened)));
        }
        if !plan.unopened.is_empty() && !partial {
            return Err(RecoveryError::NotAllOpen(words(&plan.unopened)));
        }
        Ok(plan)
    }

    #[allow(clippy::too_many_arguments)] // One step of `run`, which has all of these at hand.
    async fn answer(
        &self,
        loaded: &LoadedRecovery,
        plan: Plan,
        partial: bool,
        custody: &Custody<'_>,
        begun: &KeyUse,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Responded, RecoveryError> {
        let Plan {
            jobs,
            keysets,
            mut unopened,
        } = plan;
        let mut keys: HashMap<KeysetId, Arc<dyn LoadedKey>> = HashMap::new();
        for keyset in &keysets {
            keys.insert(keyset.id(), custody.release(begun, keyset).await?.loaded);
        }
        let (opened, changed) = divided(unwrap_all(jobs, keys, &self.format, progress).await?);
        if opened.is_empty() {
            return Err(RecoveryError::NothingOpens(words(&changed)));
        }
        if !changed.is_empty() && !partial {
            return Err(RecoveryError::NotAllOpen(words(&changed)));
        }
        unopened.extend(changed);
        unopened.sort_unstable_by_key(|file| file.file);

        let now = self.clock.now();
        let lifetime = policy(&mut *self.store.snapshot().await?)
            .await?
            .response_lifetime();
        let validity = Validity {
            created_at: now,
            expires_at: now.after(lifetime),
        };
        let count = u32::try_from(opened.len()).unwrap_or(u32::MAX);
        let encrypted = self.encrypted(&loaded.recovery, validity.expires_at, opened)?;
        let response = Response {
            installation: self.trust.installation.id,
            request: loaded.recovery.id,
            digest: loaded.recovery.digest,
            server: loaded.recovery.server,
            validity,
            unopened,
            encrypted,
        };
        let identity = manager_identity(self.master_key, self.trust.installation).await?;
        let document =
            ResponseDocument::sign(&response, &identity, self.trust.ssh).map_err(RecoveryError::Response)?;
        let recovery = self.keep(loaded, validity, count, &document, begun).await?;
        Ok(Responded {
            recovery,
            text: document.to_text(),
            unopened: response.unopened,
            again: false,
        })
    }

    fn encrypted(
        &self,
        recovery: &Recovery,
        until: Timestamp,
        keys: Vec<RecoveredKey>,
    ) -> Result<Vec<u8>, RecoveryError> {
        let keys = FileKeys {
            request: recovery.id,
            digest: recovery.digest,
            until,
            keys,
        };
        let message: SecretBytes = keys.to_bytes();
        Ok(self.cipher.encrypt(&recovery.response_key, &message)?)
    }

    /// Keeps the response, that the request is answered, and the event, together: a response that nobody knows of never
    /// leaves, and one whose text is lost on the way can be printed again.
    async fn keep(
        &self,
        loaded: &LoadedRecovery,
        validity: Validity,
        opened: u32,
        document: &ResponseDocument,
        begun: &KeyUse,
    ) -> Result<Recovery, RecoveryError> {
        let recovery = &loaded.recovery;
        let mut unit = self.store.begin().await?;
        let Trust {
            installation,
            signing,
            ..
        } = self.trust;
        let now = check_register(&mut *unit, installation, signing).await?;
        let server = now.servers.iter().find(|server| server.id == recovery.server);
        let server = server.ok_or(RecoveryError::RequestChanged(recovery.id))?;
        // Officers, policy and server may have changed while the keys were unwrapped.
        let standing = Standing::of(&loaded.verified, &now.officers, now.policy.approvals());
        recovery.check_open(server, standing.permission, validity.created_at)?;
        // What was unwrapped was chosen by what was allowed then.
        if loaded.standing.permission.is_wider_than(standing.permission) {
            let what = "officers or approvals were changed while the slots were opened";
            return Err(StoreError::new(StoreErrorKind::Conflict, "answer the request", what).into());
        }
        let answered = recovery.answered(standing, validity.created_at, validity.expires_at, opened)?;
        unit.save_recovery(&answered, recovery.version).await?;
        unit.keep_recovery_document(recovery.id, RecoveryDocument::Response, document.bytes())
            .await?;
        let outcome = [
            ("opened", opened.to_string()),
            ("unopened", recovery.files.saturating_sub(opened).to_string()),
            ("until", validity.expires_at.to_string()),
        ];
        let event = begun.recovery_event(self.clock, recovery.id, Outcome::Done, &outcome);
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(answered)
    }

    /// The response that was kept. That it was handed out again is an event too.
    async fn answered_before(
        &self,
        actor: &Actor,
        loaded: LoadedRecovery,
    ) -> Result<Responded, RecoveryError> {
        let LoadedRecovery { recovery, server, .. } = loaded;
        recovery.check_handed_out(&server, self.clock.now())?;
        let mut snapshot = self.store.snapshot().await?;
        let bytes = snapshot
            .recovery_document(recovery.id, RecoveryDocument::Response)
            .await?;
        let changed = || RecoveryError::RequestChanged(recovery.id);
        let document = bytes
            .and_then(|bytes| ResponseDocument::from_bytes(bytes).ok())
            .ok_or_else(changed)?;
        let response = document
            .verified(&self.trust.installation.identity.public_key, self.trust.ssh)
            .map_err(|_| changed())?;
        if (response.request, response.digest) != (recovery.id, recovery.digest) {
            return Err(changed());
        }
        drop(snapshot);
        let mut unit = self.store.begin().await?;
        let now = self.clock.now();
        let event = AuditEvent::new(now, actor.clone(), Action::RecoveryRespond, Outcome::Done);
        unit.append_audit(&event.on(recovery.id).with("again", true))
            .await?;
        unit.commit().await?;
        Ok(Responded {
            text: document.to_text(),
            unopened: response.unopened,
            recovery,
            again: true,
        })
    }
}
