use keystead_domain::{
    Action, Actor, AuditEvent, AuditHead, Checkpoint, Installation, Outcome, SecretBytes, SignedNote,
};

use super::InstallationError;
use super::shared::{again_on_conflict, manager_identity};
use crate::audit::{StoredCheckpoint, checkpoint_key};
use crate::ports::{Clock, MasterKey, SigningEngine, Store, StoreError, StoreErrorKind, UnitOfWork};

/// Signs the audit trail as it is now with the manager's identity. Kept off the machine, the signature shows later
/// whether anything up to here was changed or cut off.
pub struct MakeCheckpoint<'a> {
    /// Where the trail is kept.
    pub store: &'a dyn Store,
    /// Opens the identity's private key.
    pub master_key: &'a dyn MasterKey,
    /// Signs.
    pub signing: &'a dyn SigningEngine,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl MakeCheckpoint<'_> {
    /// Signs it, and keeps the checkpoint beside the trail too. That it was signed is itself the last event that the
    /// signature covers.
    ///
    /// # Errors
    /// When the identity cannot be used, or the trail cannot be written.
    pub async fn run(
        &self,
        actor: &Actor,
        installation: &Installation,
    ) -> Result<(StoredCheckpoint, AuditHead), InstallationError> {
        let key = manager_identity(self.master_key, installation).await?;
        again_on_conflict(|| self.make(actor, installation, &key)).await
    }

    async fn make(
        &self,
        actor: &Actor,
        installation: &Installation,
        key: &SecretBytes,
    ) -> Result<(StoredCheckpoint, AuditHead), InstallationError> {
        let mut unit = self.store.begin().await?;
        let event = AuditEvent::new(
            self.clock.now(),
            actor.clone(),
            Action::AuditCheckpoint,
            Outcome::Done,
        );
        unit.append_audit(&event.on(installation.id)).await?;
        let made = self.sign(unit.as_mut(), installation, key).await?;
        unit.commit().await?;
        Ok(made)
    }

    /// A signature takes microseconds, so it is made while the trail stands still.
    async fn sign(
        &self,
        unit: &mut dyn UnitOfWork,
        installation: &Installation,
        key: &SecretBytes,
    ) -> Result<(StoredCheckpoint, AuditHead), InstallationError> {
        let head = unit.audit_head().await?;
        let text = Checkpoint {
            installation: installation.id,
            head,
            at: self.clock.now(),
        }
        .to_string();
        let signature = self.signing.sign(key, text.as_bytes())?;
        let note = checkpoint_key(installation)
            .and_then(|name| SignedNote::new(text, &name, &signature))
            .map_err(|e| StoreError::caused_by(StoreErrorKind::Corrupt, "sign the audit trail", e))?;
        let stored = StoredCheckpoint {
            sequence: head.sequence,
            note: note.to_string(),
        };
        unit.append_checkpoint(&stored).await?;
        Ok((stored, head))
    }
}
