use keystead_domain::{
    Action, Actor, Fingerprint, Keyset, KeysetReference, Outcome, keyset::Activation, keyset::Version,
};

use super::KeysetError;
use super::shared::{again_on_conflict, check_seen, keyset_event, resolve};
use crate::ports::{Clock, Store};

/// Makes a keyset the Active one.
pub struct ActivateKeyset<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// What came of it.
#[derive(Debug)]
pub struct Activated {
    /// The keyset that is Active now.
    pub keyset: Keyset,
    /// The one that was Active before.
    pub superseded: Option<Fingerprint>,
    /// Whether it was Active already, so that nothing was changed.
    pub unchanged: bool,
}

impl ActivateKeyset<'_> {
    /// Activates it, and makes the one that was Active Inactive in the same unit of work.
    ///
    /// # Errors
    /// When there is no such keyset.
    pub async fn run(&self, actor: &Actor, reference: &KeysetReference) -> Result<Activated, KeysetError> {
        again_on_conflict(|| self.activate(actor, reference, None)).await
    }

    /// Activates it, if it is still as somebody saw it.
    ///
    /// # Errors
    /// As [`ActivateKeyset::run`]; [`KeysetError::ChangedSinceSeen`] when it is not.
    pub async fn run_as_seen(
        &self,
        actor: &Actor,
        reference: &KeysetReference,
        seen: Version,
    ) -> Result<Activated, KeysetError> {
        again_on_conflict(|| self.activate(actor, reference, Some(seen))).await
    }

    async fn activate(
        &self,
        actor: &Actor,
        reference: &KeysetReference,
        seen: Option<Version>,
    ) -> Result<Activated, KeysetError> {
        let mut unit = self.store.begin().await?;
        let keyset = resolve(&mut *unit, reference).await?;
        check_seen(&keyset, seen)?;
        let current = unit.active_keyset().await?;
        match keyset.activate(current.as_ref(), self.clock.now())? {
            Activation::Unchanged => Ok(Activated {
                keyset,
                superseded: None,
                unchanged: true,
            }),
            Activation::Activated {
                activated,
                superseded,
            } => {
                unit.point_active(keyset.id(), current.as_ref().map(Keyset::id))
                    .await?;
                if let (Some(after), Some(before)) = (&superseded, &current) {
                    unit.save_keyset(after, before.version()).await?;
                }
                unit.save_keyset(&activated, keyset.version()).await?;
                let superseded = superseded.map(|k| k.fingerprint());
                let mut event = keyset_event(
                    self.clock.now(),
                    actor,
                    Action::KeysetActivate,
                    Outcome::Done,
                    &activated,
                );
                if let Some(superseded) = superseded {
                    event = event.with("superseded", superseded);
                }
                unit.append_audit(&event).await?;
                unit.commit().await?;
                Ok(Activated {
                    keyset: *activated,
                    superseded,
                    unchanged: false,
                })
            }
        }
    }
}
