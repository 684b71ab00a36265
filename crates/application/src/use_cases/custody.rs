//! The only way to a private key: first an event that says so, then the key, then an event that says how it went.

use std::sync::Arc;

use keystead_domain::{Action, Actor, AuditEvent, Keyset, OtherMasterKey, Outcome, PrivateKey, RequestId};

use super::shared::keyset_event;
use crate::ports::{
    Clock, LoadedKey, MasterKey, MasterKeyError, RsaEngine, RsaError, Store, StoreError, StoreErrorKind,
};

/// Where private keys are kept and what opens them.
pub(super) struct Custody<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) master_key: &'a dyn MasterKey,
    pub(super) rsa: &'a dyn RsaEngine,
    pub(super) clock: &'a dyn Clock,
}

/// A use of private keys whose beginning is in the audit trail. Keys are released against this alone.
pub(super) struct KeyUse {
    actor: Actor,
    action: Action,
    about: About,
    details: Vec<(&'static str, String)>,
}

/// What the events of a use are about.
enum About {
    /// Each of these keysets, with an event of its own.
    Keysets(Vec<Keyset>),
    /// A recovery request, with one event for all its keysets.
    Request(RequestId),
}

/// A private key, ready and in the clear.
pub(super) struct ReleasedKey {
    pub(super) private: PrivateKey,
    pub(super) loaded: Arc<dyn LoadedKey>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CustodyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    #[error(transparent)]
    Rsa(#[from] RsaError),
    #[error(transparent)]
    Rotated(#[from] OtherMasterKey),
}

impl Custody<'_> {
    /// Commits the beginning of a use.
    pub(super) async fn begin(
        &self,
        actor: &Actor,
        action: Action,
        keysets: Vec<Keyset>,
        details: Vec<(&'static str, String)>,
    ) -> Result<KeyUse, StoreError> {
        self.begun(KeyUse {
            actor: actor.clone(),
            action,
            about: About::Keysets(keysets),
            details,
        })
        .await
    }

    /// Commits the beginning of a use for a recovery request: one event, whose details name its keysets.
    pub(super) async fn begin_recovery(
        &self,
        actor: &Actor,
        request: RequestId,
        details: Vec<(&'static str, String)>,
    ) -> Result<KeyUse, StoreError> {
        self.begun(KeyUse {
            actor: actor.clone(),
            action: Action::RecoveryRespond,
            about: About::Request(request),
            details,
        })
        .await
    }

    async fn begun(&self, key_use: KeyUse) -> Result<KeyUse, StoreError> {
        self.record(&key_use, Outcome::Begun, &[]).await?;
        Ok(key_use)
    }

    /// Unseals the private key of one of the use's keysets.
    pub(super) async fn release(
        &self,
        _begun: &KeyUse,
        keyset: &Keyset,
    ) -> Result<ReleasedKey, CustodyError> {
        let mut snapshot = self.store.snapshot().await?;
        if let Some(installation) = snapshot.installation().await?
            && installation.master_key_id() != self.master_key.id()
        {
            return Err(OtherMasterKey {
                current: installation.master_key_id().clone(),
                used: self.master_key.id().clone(),
            }
            .into());
        }
        let sealed = snapshot.sealed_private_key(keyset.id()).await?.ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Conflict,
                "read private key",
                "the keyset was deleted meanwhile",
            )
        })?;
        let private = self.master_key.open(&sealed, &keyset.sealing_context()).await?;
        let private = PrivateKey::from_pkcs8_der(private);
        let loaded = self.rsa.load(&private).await?;
        Ok(ReleasedKey {
            private,
            loaded: loaded.into(),
        })
    }

    /// Commits how the use went.
    pub(super) async fn finish(
        &self,
        key_use: &KeyUse,
        outcome: Outcome,
        more: &[(&'static str, String)],
    ) -> Result<(), StoreError> {
        self.record(key_use, outcome, more).await
    }

    async fn record(
        &self,
        key_use: &KeyUse,
        outcome: Outcome,
        more: &[(&'static str, String)],
    ) -> Result<(), StoreError> {
        let mut unit = self.store.begin().await?;
        match &key_use.about {
            About::Keysets(keysets) => {
                for keyset in keysets {
                    unit.append_audit(&key_use.event(self.clock, keyset, outcome, more))
                        .await?;
                }
            }
            About::Request(request) => {
                let event = key_use.recovery_event(self.clock, *request, outcome, more);
                unit.append_audit(&event).await?;
            }
        }
        unit.commit().await
    }
}

impl KeyUse {
    /// The event of one of the keysets, for callers that finish a use in a unit of work of their own.
    pub(super) fn event(
        &self,
        clock: &dyn Clock,
        keyset: &Keyset,
        outcome: Outcome,
        more: &[(&'static str, String)],
    ) -> AuditEvent {
        let event = keyset_event(clock.now(), &self.actor, self.action, outcome, keyset);
        self.details
            .iter()
            .chain(more)
            .fold(event, |event, (name, value)| event.with(name, value))
    }

    /// The event of a recovery request. What the beginning tells at length, the outcome does not tell again.
    pub(super) fn recovery_event(
        &self,
        clock: &dyn Clock,
        request: RequestId,
        outcome: Outcome,
        more: &[(&'static str, String)],
    ) -> AuditEvent {
        let event = AuditEvent::new(clock.now(), self.actor.clone(), self.action, outcome).on(request);
        let is_begun = outcome == Outcome::Begun;
        self.details
            .iter()
            .filter(|_| is_begun)
            .chain(more)
            .fold(event, |event, (name, value)| event.with(name, value))
    }
}
