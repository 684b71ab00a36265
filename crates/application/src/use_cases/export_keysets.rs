use std::sync::Arc;

use keystead_domain::{
    Action, Actor, AuditEvent, ExportMetadata, Keyset, KeysetReference, Outcome, SecretBytes, Timestamp,
    keyset::LastExport,
};
use zeroize::Zeroizing;

use super::KeysetError;
use super::custody::{Custody, KeyUse};
use super::export_files::{PlannedFile, plan_files, publish_and_compare};
use super::export_request::{ExportDestination, ExportProtection, ExportReceipt, ExportRequest, Exported};
use super::shared::{again_on_conflict, all_keysets, off_runtime, record_refusal, resolve};
use crate::ports::{
    Clock, DamagedKeyset, EncodePlan, ExportCodec, FileShares, LocatedShare, MasterKey, Protect, Randomness,
    RandomnessExt, RsaEngine, ShareCapabilities, SignedMetadata, Store, WriteReceipt,
};

/// Writes keysets to a file share, reads back what was written, and records it.
pub struct ExportKeysets<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// Opens their private keys.
    pub master_key: &'a dyn MasterKey,
    /// Signs the metadata.
    pub rsa: &'a dyn RsaEngine,
    /// Writes the format.
    pub codec: Arc<dyn ExportCodec>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes salts.
    pub randomness: &'a dyn Randomness,
}

impl ExportKeysets<'_> {
    /// Exports them.
    ///
    /// # Errors
    /// When a keyset is not there, a file is in the way, or what was read back is not what was written. Files that were
    /// written for other keysets of the same call stay, and are recorded.
    pub async fn run(&self, actor: &Actor, request: ExportRequest) -> Result<ExportReceipt, KeysetError> {
        let ExportRequest {
            keysets,
            protection,
            destination,
        } = request;
        let (files, damaged) = match self.plan(&keysets, &protection, &destination).await {
            Ok(planned) => planned,
            Err(error) => {
                if matches!(
                    error,
                    KeysetError::WeakPassphrase(_) | KeysetError::Destination(_) | KeysetError::Share(_)
                ) {
                    let to = match &destination {
                        ExportDestination::Share { located, .. } => located.share.place(&located.path),
                        ExportDestination::Caller => "caller".to_owned(),
                    };
                    self.refused(actor, &to, &error).await;
                }
                return Err(error);
            }
        };
        let mut receipt = ExportReceipt {
            exported: Vec::new(),
            content: None,
            damaged,
        };
        for file in files {
            let exported = self
                .export_file(actor, file, &protection, &destination, &mut receipt)
                .await;
            if let Err(error) = exported {
                return Err(receipt.cut_short_by(error));
            }
        }
        Ok(receipt)
    }

    /// Reaches the destination of an export. When it cannot be reached, such as because a server shows another host key than
    /// it should, that is a refused attempt like others.
    ///
    /// # Errors
    /// As [`FileShares::locate`].
    pub async fn locate(
        &self,
        actor: &Actor,
        shares: &FileShares,
        location: &str,
    ) -> Result<LocatedShare, KeysetError> {
        match shares.locate(location).await {
            Ok(located) => Ok(located),
            Err(error) => {
                // What is wrong says where; what was typed may hold a password.
                let to = error.place.clone();
                let error = KeysetError::from(error);
                self.refused(actor, &to, &error).await;
                Err(error)
            }
        }
    }

    async fn refused(&self, actor: &Actor, to: &str, error: &KeysetError) {
        let event = AuditEvent::new(
            self.clock.now(),
            actor.clone(),
            Action::KeysetExport,
            Outcome::Refused,
        )
        .with("to", to)
        .with("refused_because", error);
        record_refusal(self.store, event).await;
    }

    /// Everything that can be refused is refused here, before a private key is touched.
    async fn plan(
        &self,
        keysets: &[KeysetReference],
        protection: &ExportProtection,
        destination: &ExportDestination,
    ) -> Result<(Vec<PlannedFile>, Vec<DamagedKeyset>), KeysetError> {
        protection.check()?;
        let (keysets, damaged) = self.selection(keysets).await?;
        Ok((plan_files(destination, keysets).await?, damaged))
    }

    async fn selection(
        &self,
        references: &[KeysetReference],
    ) -> Result<(Vec<Keyset>, Vec<DamagedKeyset>), KeysetError> {
        let mut snapshot = self.store.snapshot().await?;
        if references.is_empty() {
            return Ok(all_keysets(&mut *snapshot).await?);
        }
        let mut keysets: Vec<Keyset> = Vec::new();
        for reference in references {
            let keyset = resolve(&mut *snapshot, reference).await?;
            if keysets.iter().all(|other| other.id() != keyset.id()) {
                keysets.push(keyset);
            }
        }
        Ok((keysets, Vec::new()))
    }

    async fn export_file(
        &self,
        actor: &Actor,
        file: PlannedFile,
        protection: &ExportProtection,
        destination: &ExportDestination,
        receipt: &mut ExportReceipt,
    ) -> Result<(), KeysetError> {
        let protected = match protection {
            ExportProtection::Unprotected => "unprotected",
            ExportProtection::Passphrase(_) => "passphrase",
        };
        let to = match (destination, &file.path) {
            (ExportDestination::Share { located, .. }, Some(path)) => located.share.place(path),
            (ExportDestination::Caller, _) | (_, None) => "caller".to_owned(),
        };
        let details = vec![("to", to), ("protection", protected.to_owned())];
        let custody = self.custody();
        let begun = custody
            .begin(actor, Action::KeysetExport, file.keysets.clone(), details)
            .await?;
        match self.write_file(&begun, &file, protection, destination).await {
            Ok(Written::Returned(content)) => {
                custody.finish(&begun, Outcome::Done, &[]).await?;
                receipt
                    .exported
                    .extend(file.keysets.into_iter().map(|keyset| Exported {
                        keyset,
                        place: None,
                        promised: None,
                    }));
                receipt.content = Some(content);
                Ok(())
            }
            Ok(Written::Verified(WriteReceipt { place, promised, .. })) => {
                let recorded = self.record(&begun, &file.keysets, &place, promised).await;
                let keysets = recorded.map_err(|source| match source {
                    KeysetError::Store(source) => KeysetError::NotRecorded {
                        place: place.clone(),
                        source,
                    },
                    other => other,
                })?;
                let entry = |keyset| Exported {
                    keyset,
                    place: Some(place.clone()),
                    promised: Some(promised),
                };
                receipt.exported.extend(keysets.into_iter().map(entry));
                Ok(())
            }
            Err(error) => {
                let why = [("failed_because", error.to_string())];
                if let Err(unwritten) = custody.finish(&begun, Outcome::Failed, &why).await {
                    tracing::warn!(%unwritten, "the failure of an export could not be written to the audit trail");
                }
                Err(error)
            }
        }
    }

    async fn write_file(
        &self,
        begun: &KeyUse,
        file: &PlannedFile,
        protection: &ExportProtection,
        destination: &ExportDestination,
    ) -> Result<Written, KeysetError> {
        let mut groups = Vec::with_capacity(file.keysets.len());
        for keyset in &file.keysets {
            groups.push(self.encode(begun, keyset, protection).await?);
        }
        // One allocation of the right size: a vector that grows leaves copies of keys behind.
        let len = groups.iter().map(|group| group.expose().len()).sum();
        let mut content = Zeroizing::new(Vec::with_capacity(len));
        groups
            .iter()
            .for_each(|group| content.extend_from_slice(group.expose()));
        match (destination, &file.path) {
            (ExportDestination::Share { located, replace }, Some(path)) => {
                let written = publish_and_compare(located.share.as_ref(), path, *replace, &content);
                Ok(Written::Verified(written.await?))
            }
            (ExportDestination::Caller, _) | (ExportDestination::Share { .. }, None) => {
                Ok(Written::Returned(SecretBytes::from_zeroizing(content)))
            }
        }
    }

    async fn encode(
        &self,
        begun: &KeyUse,
        keyset: &Keyset,
        protection: &ExportProtection,
    ) -> Result<SecretBytes, KeysetError> {
        let released = self.custody().release(begun, keyset).await?;
        let json = self.codec.metadata_json(&metadata(keyset, self.clock.now()))?;
        let signature = released.loaded.sign(&self.codec.signed_message(&json)).await?;
        let metadata = SignedMetadata { json, signature };
        let (salt, iv) = (self.randomness.bytes()?, self.randomness.bytes()?);
        let codec = Arc::clone(&self.codec);
        let (public, protection) = (keyset.public_key().clone(), protection.clone());
        let encoded = off_runtime(move || {
            let protect = match &protection {
                ExportProtection::Unprotected => Protect::Unprotected,
                ExportProtection::Passphrase(passphrase) => Protect::Passphrase { passphrase, salt, iv },
            };
            codec.encode(EncodePlan {
                private: &released.private,
                public: &public,
                metadata,
                protect,
            })
        });
        Ok(encoded.await??)
    }

    /// Records the export, and how the use of the keys ended, in one unit of work.
    async fn record(
        &self,
        begun: &KeyUse,
        keysets: &[Keyset],
        place: &str,
        promised: ShareCapabilities,
    ) -> Result<Vec<Keyset>, KeysetError> {
        again_on_conflict(|| self.record_once(begun, keysets, place, promised)).await
    }

    async fn record_once(
        &self,
        begun: &KeyUse,
        keysets: &[Keyset],
        place: &str,
        promised: ShareCapabilities,
    ) -> Result<Vec<Keyset>, KeysetError> {
        let missing = promised.missing().collect::<Vec<_>>().join("; ");
        let mut unit = self.store.begin().await?;
        let mut recorded = Vec::with_capacity(keysets.len());
        for keyset in keysets {
            let last_export = LastExport {
                at: self.clock.now(),
                to: place.to_owned(),
            };
            // It may have been changed, or deleted, while the file was written; the file is there all the same.
            let now = match unit.find_keyset(keyset.id()).await? {
                Some(current) => {
                    let exported = current.exported(last_export);
                    unit.save_keyset(&exported, current.version()).await?;
                    exported
                }
                None => keyset.exported(last_export),
            };
            let mut verified = vec![("verified", "true".to_owned()), ("place", place.to_owned())];
            if !missing.is_empty() {
                verified.push(("not_promised", missing.clone()));
            }
            unit.append_audit(&begun.event(self.clock, keyset, Outcome::Done, &verified))
                .await?;
            recorded.push(now);
        }
        unit.commit().await?;
        Ok(recorded)
    }

    fn custody(&self) -> Custody<'_> {
        Custody {
            store: self.store,
            master_key: self.master_key,
            rsa: self.rsa,
            clock: self.clock,
        }
    }
}

enum Written {
    Verified(WriteReceipt),
    Returned(SecretBytes),
}

fn metadata(keyset: &Keyset, exported_at: Timestamp) -> ExportMetadata {
    ExportMetadata {
        id: keyset.id(),
        hint: keyset.hint().clone(),
        bits: keyset.public_key().bits(),
        created_at: keyset.created_at(),
        exported_at,
        fingerprint: keyset.fingerprint(),
    }
}
