use keystead_domain::{Action, Actor, Hint, Keyset, KeysetReference, Outcome, keyset::Version};

use super::KeysetError;
use super::shared::{again_on_conflict, check_seen, keyset_event, resolve};
use crate::ports::{Clock, Store};

/// Gives a keyset another hint.
pub struct EditKeyset<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl EditKeyset<'_> {
    /// Changes the hint. Exports that exist keep the one that they were made with.
    ///
    /// # Errors
    /// When there is no such keyset.
    pub async fn run(
        &self,
        actor: &Actor,
        reference: &KeysetReference,
        hint: Hint,
    ) -> Result<Keyset, KeysetError> {
        again_on_conflict(|| self.edit(actor, reference, &hint, None)).await
    }

    /// Changes the hint, if the keyset is still as somebody saw it.
    ///
    /// # Errors
    /// As [`EditKeyset::run`]; [`KeysetError::ChangedSinceSeen`] when it is not.
    pub async fn run_as_seen(
        &self,
        actor: &Actor,
        reference: &KeysetReference,
        hint: Hint,
        seen: Version,
    ) -> Result<Keyset, KeysetError> {
        again_on_conflict(|| self.edit(actor, reference, &hint, Some(seen))).await
    }

    async fn edit(
        &self,
        actor: &Actor,
        reference: &KeysetReference,
        hint: &Hint,
        seen: Option<Version>,
    ) -> Result<Keyset, KeysetError> {
        let mut unit = self.store.begin().await?;
        let before = resolve(&mut *unit, reference).await?;
        check_seen(&before, seen)?;
        if before.hint() == hint {
            return Ok(before);
        }
        let after = before.with_hint(hint.clone());
        unit.save_keyset(&after, before.version()).await?;
        let event = keyset_event(self.clock.now(), actor, Action::KeysetEdit, Outcome::Done, &after)
            .with("hint_before", before.hint())
            .with("hint", after.hint());
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(after)
    }
}
