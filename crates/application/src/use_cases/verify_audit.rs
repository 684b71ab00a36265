use std::collections::BTreeMap;

use keystead_domain::{AuditHead, Installation, Sequence};

use super::InstallationError;
use crate::audit::{AuditFinding, AuditVerification, TrailChecker, verified_checkpoint};
use crate::ports::{MasterKey, MasterKeyError, SigningEngine, Snapshot, Store, StoreErrorKind};

const PAGE: u32 = 1000;

/// Verifies the audit trail: that nothing was changed, removed, inserted, reordered or cut off.
///
/// The chain shows what was done to single rows. Somebody who can write to the database can also make the chain anew; only
/// what was signed shows that, and only what was signed and is kept elsewhere shows it when the signed part was cut off
/// too.
pub struct VerifyAudit<'a> {
    /// Where the trail is kept.
    pub store: &'a dyn Store,
    /// Verifies signatures.
    pub signing: &'a dyn SigningEngine,
}

/// Signed values that were kept elsewhere.
pub struct Witness {
    /// Where they come from, for people.
    pub name: String,
    /// The values, each of which the installation's identity signed, directly or by the chain.
    pub heads: Vec<AuditHead>,
}

impl VerifyAudit<'_> {
    /// Goes through the whole trail.
    ///
    /// # Errors
    /// When the store cannot be read. What is wrong with the trail is a finding, not an error.
    pub async fn run(&self, witnesses: Vec<Witness>) -> Result<AuditVerification, InstallationError> {
        let mut snapshot = self.store.snapshot().await?;
        let installation = snapshot
            .installation()
            .await?
            .ok_or(InstallationError::NotInitialised)?;
        let mut checker = TrailChecker::new();
        let head = match snapshot.audit_head().await {
            Ok(head) => Some(head),
            // What is there instead of a head is a finding. A snapshot may not be usable behind a failure.
            Err(error) if error.kind == StoreErrorKind::Corrupt => {
                snapshot = self.store.snapshot().await?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        for Witness { name, heads } in witnesses {
            for head in heads {
                checker.expect(head, name.clone());
            }
        }
        let stored = self.expect_stored(snapshot.as_mut(), &installation, &mut checker);
        let refused = match stored.await {
            Err(InstallationError::Store(error)) if error.kind == StoreErrorKind::Corrupt => {
                snapshot = self.store.snapshot().await?;
                BTreeMap::from([(Sequence(0), error.message)])
            }
            other => other?,
        };
        let mut after = None;
        loop {
            let rows = snapshot.audit_rows(after, PAGE).await?;
            rows.iter().for_each(|row| checker.look_at(row));
            match rows.last() {
                Some(last) => after = Some(last.sequence),
                None => break,
            }
        }
        for (at, why) in refused {
            checker.note(AuditFinding::CheckpointRefused { at, why });
        }
        Ok(checker.finish(head))
    }

    /// Whether the identity in the database is the one whose private key the master key opens. Somebody who can write to
    /// the database could put an identity of their own there, and sign a forged trail with it.
    ///
    /// # Errors
    /// When the master key cannot be used.
    pub async fn identity_is_genuine(
        &self,
        installation: &Installation,
        master_key: &dyn MasterKey,
    ) -> Result<bool, InstallationError> {
        let identity = &installation.identity;
        let context = Installation::identity_context(installation.id, &identity.public_key);
        let opened = master_key.open(&identity.sealed_private_key, &context).await;
        match opened {
            Ok(private_key) => {
                let message = b"keystead identity check";
                let signature = self.signing.sign(&private_key, message)?;
                Ok(self
                    .signing
                    .verify(&identity.public_key, message, &signature)
                    .is_ok())
            }
            // What is sealed under a key of somebody else's is not what `init` put there.
            Err(
                MasterKeyError::Damaged | MasterKeyError::OtherKey { .. } | MasterKeyError::UnknownFormat(_),
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn expect_stored(
        &self,
        snapshot: &mut dyn Snapshot,
        installation: &Installation,
        checker: &mut TrailChecker,
    ) -> Result<BTreeMap<Sequence, String>, InstallationError> {
        let mut refused = BTreeMap::new();
        let mut after = None;
        loop {
            let stored = snapshot.checkpoints(after, PAGE).await?;
            for one in &stored {
                checker.stored_checkpoint(one.sequence);
                match verified_checkpoint(&one.note, installation, self.signing) {
                    Ok(checkpoint) if checkpoint.head.sequence == one.sequence => {
                        let name = format!("the checkpoint of {}", checkpoint.at);
                        checker.expect(checkpoint.head, name);
                    }
                    Ok(checkpoint) => {
                        let why = format!("it is of event {}", checkpoint.head.sequence.0);
                        refused.insert(one.sequence, why);
                    }
                    Err(error) => {
                        refused.insert(one.sequence, error.to_string());
                    }
                }
            }
            match stored.last() {
                Some(last) => after = Some(last.sequence),
                None => return Ok(refused),
            }
        }
    }
}
