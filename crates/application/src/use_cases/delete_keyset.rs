use keystead_domain::{Action, Actor, Keyset, KeysetReference, Outcome, keyset::Force};

use super::KeysetError;
use super::shared::{again_on_conflict, keyset_event, resolve};
use crate::ports::{Clock, Store};

/// Deletes a keyset, private key and all.
pub struct DeleteKeyset<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl DeleteKeyset<'_> {
    /// Deletes the keyset that somebody looked at, if it is still the same and the rules allow it. A refusal is an event of
    /// the audit trail too.
    ///
    /// # Errors
    /// When there is no such keyset, it is Active, or it was never exported and nobody forces it.
    pub async fn run(
        &self,
        actor: &Actor,
        seen: &Keyset,
        force: Option<Force>,
    ) -> Result<Keyset, KeysetError> {
        again_on_conflict(|| self.delete(actor, seen, force.as_ref())).await
    }

    async fn delete(
        &self,
        actor: &Actor,
        seen: &Keyset,
        force: Option<&Force>,
    ) -> Result<Keyset, KeysetError> {
        let mut unit = self.store.begin().await?;
        let reference = KeysetReference::Id(seen.id());
        let keyset = resolve(&mut *unit, &reference).await?;
        if keyset.version() != seen.version() {
            return Err(KeysetError::ChangedSinceSeen);
        }
        let event = |outcome| {
            let event = keyset_event(self.clock.now(), actor, Action::KeysetDelete, outcome, &keyset)
                .with("hint", keyset.hint());
            match force {
                Some(force) => event.with("forced_because", &force.reason),
                None => event,
            }
        };
        if let Err(refused) = keyset.check_deletion(force) {
            unit.append_audit(&event(Outcome::Refused).with("refused_because", refused))
                .await?;
            unit.commit().await?;
            return Err(refused.into());
        }
        unit.delete_keyset(keyset.id(), keyset.version()).await?;
        unit.append_audit(&event(Outcome::Done)).await?;
        unit.commit().await?;
        Ok(keyset)
    }
}
