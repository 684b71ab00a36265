use std::sync::Arc;

use keystead_domain::{
    Action, Actor, AuditEvent, Installation, KeysetId, MasterKeyId, Outcome, SealedBytes, SecretBytes,
    keyset_sealing_context,
};

use super::shared::record_refusal;
use super::unlock_installation::prove;
use super::{InstallationError, RotationError, UnlockInstallation, Unlocked};
use crate::ports::{
    Clock, MasterKey, MasterKeyError, MasterKeyProvider, MasterKeyProviders, Promotion, Snapshot, Store,
    StoreErrorKind, UnstagedKey,
};

/// Private keys that are sealed anew in one unit of work.
const BATCH: u32 = 500;
/// How often the last step is tried while others make keysets.
const TRIES: u32 = 20;

/// Puts another master key in the place of the one that holds.
///
/// Every private key gets a second copy, sealed under the new key, beside the one that holds. When all have one, a single
/// unit of work puts the copies in the place of what they copy, and the installation under the new key. So at every
/// moment one master key opens everything: the old one before that unit, the new one after it. A rotation that was
/// interrupted is begun again by running it again, with the same new key.
pub struct RotateMasterKey<'a> {
    /// Where the installation lives.
    pub store: &'a dyn Store,
    /// Where master keys come from.
    pub master_keys: &'a MasterKeyProviders,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// What came of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The master key that held.
    pub from: MasterKeyId,
    /// The one that holds now.
    pub to: MasterKeyId,
    /// Its provider.
    pub provider: &'static str,
    /// Where that keeps it.
    pub place: String,
    /// The private keys that are sealed under it.
    pub private_keys: u64,
    /// Where the old key is kept; old backups of the database need it.
    pub old_kept_at: Option<String>,
    /// What has to be kept safe, in words of the provider.
    pub safekeeping: &'static str,
    /// What a person still has to do at the provider's place.
    pub to_do: Option<String>,
}

struct Rotation<'a> {
    actor: &'a Actor,
    installation: Installation,
    old: Arc<dyn MasterKey>,
    new: Arc<dyn MasterKey>,
    progress: &'a (dyn Fn(u64) + Send + Sync),
}

impl RotateMasterKey<'_> {
    /// Rotates to a new key of the provider with this name; of the present one when none is named. `progress` is told how
    /// many private keys were sealed anew.
    ///
    /// # Errors
    /// [`RotationError`]; the old key holds then, unless the error says otherwise.
    pub async fn run(
        &self,
        actor: &Actor,
        to: Option<&str>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Rotated, RotationError> {
        let unlock = UnlockInstallation {
            store: self.store,
            master_keys: self.master_keys,
        };
        let Unlocked {
            installation,
            master_key: old,
        } = unlock.run().await?;
        let present = self.provider(old.provider())?;
        let target = match to {
            Some(name) => self.provider(name)?,
            None => present,
        };
        // A rotation that was killed between its last two steps left this undone.
        present
            .promote(old.id())
            .await
            .map_err(RotationError::Unfinished)?;
        let new = self.successor(&installation, target).await?;
        let rotation = Rotation {
            actor,
            installation,
            old,
            new,
            progress,
        };
        let private_keys = match self.rotate(&rotation).await {
            Ok(private_keys) => private_keys,
            Err(error) => {
                let event = self.of(&rotation, Outcome::Failed).with("failed_because", &error);
                record_refusal(self.store, event).await;
                return Err(error);
            }
        };
        let Promotion { old_kept_at, to_do } = target
            .promote(rotation.new.id())
            .await
            .map_err(RotationError::NotPromoted)?;
        let elsewhere = (present.name() != target.name()).then(|| present.place());
        Ok(Rotated {
            from: rotation.old.id().clone(),
            to: rotation.new.id().clone(),
            provider: target.name(),
            place: target.place(),
            private_keys,
            old_kept_at: elsewhere.or(old_kept_at),
            safekeeping: target.safekeeping(),
            to_do,
        })
    }

    fn provider(&self, name: &str) -> Result<&dyn MasterKeyProvider, RotationError> {
        self.master_keys
            .named(name)
            .ok_or_else(|| RotationError::NoProvider {
                name: name.to_owned(),
                known: self.master_keys.all().map(MasterKeyProvider::name).collect(),
            })
    }

    /// The key that an interrupted rotation was sealing under, or a new one.
    async fn successor(
        &self,
        installation: &Installation,
        target: &dyn MasterKeyProvider,
    ) -> Result<Arc<dyn MasterKey>, RotationError> {
        let staged = self.store.snapshot().await?.master_key_census().await?.staged;
        let current = installation.master_key_id();
        if let [only] = staged.as_slice()
            && only.master_key_id != *current
        {
            let keys = target.keys().await.map_err(RotationError::Successor)?;
            if let Some(key) = keys.into_iter().find(|key| *key.id() == only.master_key_id) {
                return Ok(key);
            }
        }
        let new = target
            .create_successor()
            .await
            .map_err(RotationError::Successor)?;
        if new.id() == current {
            return Err(RotationError::Successor(MasterKeyError::Unusable {
                place: target.place(),
                why: "it gave the key that is to be replaced".to_owned(),
            }));
        }
        Ok(new)
    }

    async fn rotate(&self, rotation: &Rotation<'_>) -> Result<u64, RotationError> {
        let mut unit = self.store.begin().await?;
        check_still_current(unit.as_mut(), rotation).await?;
        // What an earlier run staged was not opened by anybody since; the originals go when the copies take their place.
        unit.discard_staged().await?;
        unit.append_audit(&self.of(rotation, Outcome::Begun)).await?;
        unit.commit().await?;
        let resealed = rotation.resealed_installation().await?;
        for _ in 0..TRIES {
            self.stage_all(rotation).await?;
            if let Some(private_keys) = self.switch(rotation, &resealed).await? {
                return Ok(private_keys);
            }
        }
        Err(RotationError::NeverDone)
    }

    /// Gives every private key its second copy.
    async fn stage_all(&self, rotation: &Rotation<'_>) -> Result<(), RotationError> {
        let mut damaged = Vec::new();
        let (mut after, mut done) = (None, 0);
        loop {
            let page = self
                .store
                .snapshot()
                .await?
                .unstaged_private_keys(after, BATCH)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(last.keyset);
            let mut staged = Vec::with_capacity(page.len());
            for key in page {
                match rotation.reseal(&key).await? {
                    Some(sealed) => staged.push((key.keyset, sealed)),
                    None => damaged.push(key.keyset),
                }
            }
            if !self.stage(rotation, &staged).await? {
                // One of them was deleted meanwhile: what is left of them comes again.
                after = None;
                continue;
            }
            done += staged.len() as u64;
            (rotation.progress)(done);
        }
        if damaged.is_empty() {
            return Ok(());
        }
        // A key that the old one does not open is damaged only if the old one is still what it should be sealed under.
        check_still_current(self.store.snapshot().await?.as_mut(), rotation).await?;
        Err(RotationError::Damaged(damaged))
    }

    async fn stage(
        &self,
        rotation: &Rotation<'_>,
        staged: &[(KeysetId, SealedBytes)],
    ) -> Result<bool, RotationError> {
        if staged.is_empty() {
            return Ok(true);
        }
        let mut unit = self.store.begin().await?;
        check_still_current(unit.as_mut(), rotation).await?;
        match unit.stage_private_keys(staged).await {
            Err(error) if error.kind == StoreErrorKind::Conflict => return Ok(false),
            other => other?,
        }
        let event = self.of(rotation, Outcome::Done).with("staged", staged.len());
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(true)
    }

    /// The one step that counts. `None` when a keyset was made in between.
    async fn switch(
        &self,
        rotation: &Rotation<'_>,
        resealed: &Installation,
    ) -> Result<Option<u64>, RotationError> {
        let mut unit = self.store.begin().await?;
        check_still_current(unit.as_mut(), rotation).await?;
        match unit.switch_master_key(resealed).await {
            Err(error) if error.kind == StoreErrorKind::Conflict => return Ok(None),
            other => other?,
        }
        let census = unit.master_key_census().await?;
        let private_keys = census.sealed.iter().map(|count| count.private_keys).sum();
        let event = self
            .of(rotation, Outcome::Done)
            .with("private_keys", private_keys);
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(Some(private_keys))
    }

    fn of(&self, rotation: &Rotation<'_>, outcome: Outcome) -> AuditEvent {
        self.event(rotation.actor, &rotation.installation, outcome)
            .with("from", rotation.old.id())
            .with("to", rotation.new.id())
            .with("provider", rotation.new.provider())
    }

    fn event(&self, actor: &Actor, installation: &Installation, outcome: Outcome) -> AuditEvent {
        AuditEvent::new(self.clock.now(), actor.clone(), Action::MasterKeyRotate, outcome).on(installation.id)
    }
}

/// Somebody else may have rotated to the end meanwhile. Nothing is staged or judged under a key that does not hold any more.
async fn check_still_current(
    snapshot: &mut (impl Snapshot + ?Sized),
    rotation: &Rotation<'_>,
) -> Result<(), RotationError> {
    let now = snapshot
        .installation()
        .await?
        .ok_or(InstallationError::NotInitialised)?;
    match now.master_key_id() == rotation.old.id() {
        true => Ok(()),
        false => Err(RotationError::RotatedMeanwhile(now.master_key_id().clone())),
    }
}

impl Rotation<'_> {
    /// The private key under the new master key; `None` when the old one does not open it.
    async fn reseal(&self, key: &UnstagedKey) -> Result<Option<SealedBytes>, RotationError> {
        let context = keyset_sealing_context(key.keyset, &key.fingerprint);
        match self.old.open(&key.sealed, &context).await {
            Ok(private) => Ok(Some(self.seal(&private, &context).await?)),
            Err(
                MasterKeyError::Damaged | MasterKeyError::OtherKey { .. } | MasterKeyError::UnknownFormat(_),
            ) => Ok(None),
            Err(error) => Err(InstallationError::from(error).into()),
        }
    }

    /// The installation under the new master key, proven before it is relied on.
    async fn resealed_installation(&self) -> Result<Installation, RotationError> {
        let Installation { id, identity, .. } = &self.installation;
        let check = SecretBytes::new(Installation::KEY_CHECK_TEXT.to_vec());
        let check = self.seal(&check, &Installation::key_check_context(*id)).await?;
        let context = Installation::identity_context(*id, &identity.public_key);
        let private = self
            .old
            .open(&identity.sealed_private_key, &context)
            .await
            .map_err(InstallationError::from)?;
        let identity = self.seal(&private, &context).await?;
        let resealed = self.installation.resealed(check, identity);
        prove(&resealed, self.new.as_ref()).await?;
        Ok(resealed)
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, RotationError> {
        let sealed = self.new.seal(secret, context).await;
        sealed.map_err(RotationError::Successor)
    }
}
