use std::sync::Arc;

use keystead_domain::{
    Action, Actor, AuditEvent, GenerateBits, Hint, Installation, InstallationId, Keyset, KeysetId,
    ManagerIdentity, Outcome, SecretBytes, keyset::Origin,
};

use super::shared::{is_duplicate, keyset_event, record_refusal};
use super::{InstallationError, KeysetError};
use crate::ports::{
    Clock, KeyPair, MasterKey, MasterKeyError, MasterKeyProviders, Randomness, RandomnessExt, RsaEngine,
    SigningEngine, Store,
};

/// Makes an installation: master key, identity, and the first keyset, which is Active.
///
/// Everything in the store is written in one unit of work. When the run is cut off before that, only a master key that
/// seals nothing yet is left, and the next run takes it.
pub struct Initialise<'a> {
    /// Where the installation will live.
    pub store: &'a dyn Store,
    /// Where the master key comes from.
    pub master_keys: &'a MasterKeyProviders,
    /// Makes the keyset.
    pub rsa: &'a dyn RsaEngine,
    /// Makes the identity.
    pub signing: &'a dyn SigningEngine,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes the ids.
    pub randomness: &'a dyn Randomness,
}

/// A new installation.
pub struct Initialised {
    /// What it is.
    pub installation: Installation,
    /// Its first keyset.
    pub keyset: Keyset,
    /// Its master key.
    pub master_key: Arc<dyn MasterKey>,
}

impl Initialise<'_> {
    /// Makes it.
    ///
    /// # Errors
    /// When there is one already; nothing is changed then.
    pub async fn run(
        &self,
        actor: &Actor,
        hint: Hint,
        bits: GenerateBits,
    ) -> Result<Initialised, InstallationError> {
        self.refuse_if_there(actor).await?;
        let master_key = self.master_key().await?;
        let pair = self.rsa.generate(bits).await.map_err(KeysetError::from)?;
        let installation = self.installation(master_key.as_ref()).await?;
        let KeyPair { private, public } = pair;
        let keyset = Keyset::new(
            KeysetId::from_random_bytes(self.randomness.bytes()?),
            hint,
            public,
            Origin::Generated,
            self.clock.now(),
        );
        let sealed = master_key
            .seal(private.as_secret(), &keyset.sealing_context())
            .await?;

        let activated = keyset
            .activated_as_first(self.clock.now())
            .map_err(KeysetError::from)?;
        let mut unit = self.store.begin().await?;
        match unit.insert_installation(&installation).await {
            Err(error) if is_duplicate(&error) => {
                drop(unit);
                self.refuse_if_there(actor).await?;
                return Err(error.into());
            }
            other => other?,
        }
        unit.insert_keyset(&keyset, &sealed).await?;
        unit.point_active(keyset.id(), None).await?;
        unit.save_keyset(&activated, keyset.version()).await?;
        let now = self.clock.now();
        let made = AuditEvent::new(now, actor.clone(), Action::InstallationCreate, Outcome::Done)
            .on(installation.id)
            .with("master_key", master_key.id());
        unit.append_audit(&made).await?;
        for action in [Action::KeysetCreate, Action::KeysetActivate] {
            unit.append_audit(&keyset_event(now, actor, action, Outcome::Done, &activated))
                .await?;
        }
        unit.commit().await?;
        Ok(Initialised {
            installation,
            keyset: activated,
            master_key,
        })
    }

    async fn refuse_if_there(&self, actor: &Actor) -> Result<(), InstallationError> {
        match self.store.snapshot().await?.installation().await? {
            Some(installation) => {
                let refused = InstallationError::AlreadyInitialised(installation.id);
                let event = AuditEvent::new(
                    self.clock.now(),
                    actor.clone(),
                    Action::InstallationCreate,
                    Outcome::Refused,
                )
                .with("refused_because", &refused);
                record_refusal(self.store, event).await;
                Err(refused)
            }
            None => Ok(()),
        }
    }

    async fn master_key(&self) -> Result<Arc<dyn MasterKey>, InstallationError> {
        let provider = self.master_keys.preferred();
        // One that was put there on purpose, or left by a run that was cut off.
        if let Some(there) = provider.keys().await?.into_iter().next() {
            return Ok(there);
        }
        match provider.create().await {
            // Another process was faster; whose installation it becomes is decided by the store.
            Err(MasterKeyError::Exists(place)) => match provider.keys().await?.into_iter().next() {
                Some(key) => Ok(key),
                None => Err(MasterKeyError::Exists(place).into()),
            },
            other => Ok(other?),
        }
    }

    async fn installation(&self, master_key: &dyn MasterKey) -> Result<Installation, InstallationError> {
        let id = InstallationId::from_random_bytes(self.randomness.bytes()?);
        let pair = self.signing.generate()?;
        let created_at = self.clock.now();
        let check = SecretBytes::new(Installation::KEY_CHECK_TEXT.to_vec());
        let context = Installation::identity_context(id, &pair.public_key);
        Ok(Installation {
            id,
            created_at,
            key_check: master_key
                .seal(&check, &Installation::key_check_context(id))
                .await?,
            identity: ManagerIdentity {
                public_key: pair.public_key,
                sealed_private_key: master_key.seal(&pair.private_key, &context).await?,
                created_at,
            },
        })
    }
}
