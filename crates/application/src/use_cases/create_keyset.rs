use keystead_domain::{Action, Actor, GenerateBits, Hint, Keyset, KeysetId, Outcome, keyset::Origin};

use super::KeysetError;
use super::shared::{insert_sealed, is_duplicate, keyset_event};
use crate::ports::{Clock, KeyPair, MasterKey, Randomness, RandomnessExt, RsaEngine, Store};

/// Makes a keyset. It begins Inactive.
pub struct CreateKeyset<'a> {
    /// Where it will be kept.
    pub store: &'a dyn Store,
    /// Seals its private key.
    pub master_key: &'a dyn MasterKey,
    /// Makes the key pair.
    pub rsa: &'a dyn RsaEngine,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes the id.
    pub randomness: &'a dyn Randomness,
}

impl CreateKeyset<'_> {
    /// Makes it.
    ///
    /// # Errors
    /// When it cannot be made or kept; there is no keyset then.
    pub async fn run(&self, actor: &Actor, hint: Hint, bits: GenerateBits) -> Result<Keyset, KeysetError> {
        let id = KeysetId::from_random_bytes(self.randomness.bytes()?);
        self.make(actor, id, hint, bits).await
    }

    /// Makes it under an id that was chosen before. When there is one with this id already, it was made by an earlier run
    /// that did not live to say so, and that one is meant.
    ///
    /// # Errors
    /// As [`CreateKeyset::run`].
    pub async fn run_once(
        &self,
        actor: &Actor,
        id: KeysetId,
        hint: Hint,
        bits: GenerateBits,
    ) -> Result<Keyset, KeysetError> {
        if let Some(made) = self.store.snapshot().await?.find_keyset(id).await? {
            return Ok(made);
        }
        match self.make(actor, id, hint, bits).await {
            Err(KeysetError::Store(error)) if is_duplicate(&error) => {
                let made = self.store.snapshot().await?.find_keyset(id).await?;
                made.ok_or(KeysetError::Store(error))
            }
            other => other,
        }
    }

    async fn make(
        &self,
        actor: &Actor,
        id: KeysetId,
        hint: Hint,
        bits: GenerateBits,
    ) -> Result<Keyset, KeysetError> {
        let KeyPair { private, public } = self.rsa.generate(bits).await?;
        let keyset = Keyset::new(id, hint, public, Origin::Generated, self.clock.now());
        let sealed = self
            .master_key
            .seal(private.as_secret(), &keyset.sealing_context())
            .await?;

        let mut unit = self.store.begin().await?;
        insert_sealed(&mut *unit, &keyset, &sealed).await?;
        let event = keyset_event(
            self.clock.now(),
            actor,
            Action::KeysetCreate,
            Outcome::Done,
            &keyset,
        )
        .with("bits", bits.get());
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(keyset)
    }
}
