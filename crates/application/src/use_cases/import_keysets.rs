use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_domain::{
    Action, Actor, AuditEvent, ExpectedFingerprint, ExportMetadata, Fingerprint, Hint, Keyset, KeysetId,
    Outcome, Passphrase, SealedBytes, SecretBytes, keyset::Origin,
};

use super::shared::{again_on_conflict, insert_sealed, keyset_event, record_refusal};
use super::{ExamineExport, ExaminedExport, ExaminedKeyset, KeysetError};
use crate::ports::{Clock, ExportCodec, MasterKey, Randomness, RandomnessExt, RsaEngine, Store};

/// Brings the keysets of an export in, all of them or none. They are Inactive.
pub struct ImportKeysets<'a> {
    /// Where they will be kept.
    pub store: &'a dyn Store,
    /// Seals their private keys.
    pub master_key: &'a dyn MasterKey,
    /// Checks them.
    pub rsa: &'a dyn RsaEngine,
    /// Reads the file.
    pub codec: Arc<dyn ExportCodec>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes ids.
    pub randomness: &'a dyn Randomness,
}

/// What to import.
pub struct ImportRequest {
    /// The file's bytes.
    pub file: SecretBytes,
    /// Where it came from, for the audit trail, without credentials.
    pub source: String,
    /// The passphrase, if its private keys are protected.
    pub passphrase: Option<Arc<Passphrase>>,
    /// The hint to give: it takes the place of the file's own.
    pub hint: Option<Hint>,
    /// The hints to give to keysets for which the file has none.
    pub hints_for_nameless: BTreeMap<Fingerprint, Hint>,
    /// The fingerprints of the keysets that the file must hold, all of them and no others; nothing is expected when
    /// empty.
    pub expected: Vec<ExpectedFingerprint>,
}

impl ImportKeysets<'_> {
    /// Imports them. A refusal stores no keyset, and is an event of the audit trail.
    ///
    /// # Errors
    /// When the file is not a usable export, its keysets are not those expected, or one of them is here already.
    pub async fn run(&self, actor: &Actor, request: ImportRequest) -> Result<Vec<Keyset>, KeysetError> {
        let source = request.source.clone();
        let outcome = self.import(actor, request).await;
        self.recorded(actor, &source, outcome).await
    }

    /// Looks into the file as an import would, for a person who then decides. A refusal is an event of the audit trail,
    /// as it is for [`ImportKeysets::run`].
    ///
    /// # Errors
    /// When the file is not a usable export.
    pub async fn look(
        &self,
        actor: &Actor,
        file: SecretBytes,
        source: &str,
        passphrase: Option<Arc<Passphrase>>,
    ) -> Result<ExaminedExport, KeysetError> {
        let examine = ExamineExport {
            codec: Arc::clone(&self.codec),
            rsa: self.rsa,
        };
        self.recorded(actor, source, examine.run(file, passphrase).await)
            .await
    }

    async fn recorded<T>(
        &self,
        actor: &Actor,
        source: &str,
        outcome: Result<T, KeysetError>,
    ) -> Result<T, KeysetError> {
        if let Err(error) = &outcome {
            let (how, why) = match error {
                KeysetError::Store(_)
                | KeysetError::MasterKey(_)
                | KeysetError::Randomness(_)
                | KeysetError::Worker(_) => (Outcome::Failed, "failed_because"),
                _ => (Outcome::Refused, "refused_because"),
            };
            let event = AuditEvent::new(self.clock.now(), actor.clone(), Action::KeysetImport, how)
                .with("source", source)
                .with(why, error);
            record_refusal(self.store, event).await;
        }
        outcome
    }

    async fn import(&self, actor: &Actor, request: ImportRequest) -> Result<Vec<Keyset>, KeysetError> {
        let ImportRequest {
            file,
            source,
            passphrase,
            hint,
            hints_for_nameless,
            expected,
        } = request;
        let examine = ExamineExport {
            codec: Arc::clone(&self.codec),
            rsa: self.rsa,
        };
        let examined = examine.run(file, passphrase).await?;
        let mut candidates = Vec::with_capacity(examined.keysets.len());
        for keyset in examined.keysets {
            candidates.push(self.candidate(keyset, hint.as_ref(), &hints_for_nameless).await?);
        }
        check_expected(&candidates, &expected)?;
        again_on_conflict(|| self.keep(actor, &candidates, &source)).await?;
        Ok(candidates.into_iter().map(|candidate| candidate.keyset).collect())
    }

    /// Keeps all of them or none.
    async fn keep(&self, actor: &Actor, candidates: &[Candidate], source: &str) -> Result<(), KeysetError> {
        let mut unit = self.store.begin().await?;
        for Candidate { keyset, sealed } in candidates {
            if let Some(here) = unit.find_by_fingerprint(&keyset.fingerprint()).await? {
                return Err(KeysetError::AlreadyHere {
                    fingerprint: here.fingerprint(),
                    id: here.id(),
                });
            }
            insert_sealed(&mut *unit, keyset, sealed).await?;
            let mut event = keyset_event(
                self.clock.now(),
                actor,
                Action::KeysetImport,
                Outcome::Done,
                keyset,
            )
            .with("source", source)
            .with("hint", keyset.hint());
            if let Origin::Imported {
                exported_as: Some(id),
            } = keyset.origin()
            {
                event = event.with("exported_as", id);
            }
            unit.append_audit(&event).await?;
        }
        unit.commit().await?;
        Ok(())
    }

    async fn candidate(
        &self,
        examined: ExaminedKeyset,
        given: Option<&Hint>,
        for_nameless: &BTreeMap<Fingerprint, Hint>,
    ) -> Result<Candidate, KeysetError> {
        let ExaminedKeyset {
            public: _,
            metadata,
            protection: _,
            pair,
        } = examined;
        let pair = pair.ok_or(KeysetError::PassphraseNeeded)?;
        let now = self.clock.now();
        let (exported_as, hint, created_at) = match metadata {
            Some(ExportMetadata {
                id, hint, created_at, ..
            }) => (Some(id), Some(hint), created_at),
            None => (None, None, now),
        };
        let fingerprint = pair.public.fingerprint();
        let hint = given
            .cloned()
            .or(hint)
            .or_else(|| for_nameless.get(&fingerprint).cloned())
            .ok_or(KeysetError::HintNeeded(fingerprint))?;
        let id = KeysetId::from_random_bytes(self.randomness.bytes()?);
        let keyset = Keyset::new(
            id,
            hint,
            pair.public,
            Origin::Imported { exported_as },
            created_at,
        );
        let sealed = self
            .master_key
            .seal(pair.private.as_secret(), &keyset.sealing_context())
            .await?;
        Ok(Candidate { keyset, sealed })
    }
}

struct Candidate {
    keyset: Keyset,
    sealed: SealedBytes,
}

fn check_expected(candidates: &[Candidate], expected: &[ExpectedFingerprint]) -> Result<(), KeysetError> {
    if expected.is_empty() {
        return Ok(());
    }
    let other = |expected: String, found: String| Err(KeysetError::OtherFingerprint { expected, found });
    for candidate in candidates {
        let found = candidate.keyset.fingerprint();
        if !expected.iter().any(|prefix| prefix.matches(&found)) {
            let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
            return other(expected.join(", "), found.to_string());
        }
    }
    match expected
        .iter()
        .find(|prefix| !candidates.iter().any(|c| prefix.matches(&c.keyset.fingerprint())))
    {
        Some(missing) => other(missing.to_string(), "others only".to_owned()),
        None => Ok(()),
    }
}
