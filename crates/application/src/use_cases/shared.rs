use keystead_domain::keyset::Version;
use keystead_domain::{
    Actor, AuditEvent, Installation, Keyset, KeysetReference, Outcome, SealedBytes, SecretBytes,
};

use super::{InstallationError, KeysetError};
use crate::ports::{
    DamagedKeyset, MasterKey, MasterKeyError, Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork,
};

/// The keyset that a person means.
pub(super) async fn resolve(
    snapshot: &mut dyn Snapshot,
    reference: &KeysetReference,
) -> Result<Keyset, KeysetError> {
    match reference {
        KeysetReference::Id(id) => snapshot.find_keyset(*id).await?,
        KeysetReference::Active => return snapshot.active_keyset().await?.ok_or(KeysetError::NoActive),
        KeysetReference::Fingerprint(prefix) => {
            // Two are enough to know that the beginning is not unique.
            let mut found = snapshot.find_by_prefix(prefix, 2).await?;
            if found.len() > 1 {
                return Err(KeysetError::Ambiguous(reference.clone()));
            }
            found.pop()
        }
    }
    .ok_or_else(|| KeysetError::NotFound(reference.clone()))
}

/// Checks that a keyset is as somebody saw it.
pub(super) fn check_seen(keyset: &Keyset, seen: Option<Version>) -> Result<(), KeysetError> {
    match seen.is_some_and(|seen| seen != keyset.version()) {
        true => Err(KeysetError::ChangedSinceSeen),
        false => Ok(()),
    }
}

/// How often a unit of work is begun anew when others change the same things at the same time.
const TRIES: u32 = 5;

/// Does a whole unit of work again when somebody else changed what it read: who asked for it had not seen that, and wants
/// the same. What a person looked at first is compared with inside of it.
pub(super) async fn again_on_conflict<T, E, F>(mut unit_of_work: impl FnMut() -> F) -> Result<T, E>
where
    E: ChangedMeanwhile,
    F: Future<Output = Result<T, E>>,
{
    for _ in 1..TRIES {
        match unit_of_work().await {
            Err(error) if error.changed_meanwhile() => {}
            other => return other,
        }
    }
    unit_of_work().await
}

/// An error that may be somebody else's change at the same time.
pub(super) trait ChangedMeanwhile {
    fn changed_meanwhile(&self) -> bool;
}

impl ChangedMeanwhile for StoreError {
    fn changed_meanwhile(&self) -> bool {
        self.kind == StoreErrorKind::Conflict
    }
}

impl ChangedMeanwhile for KeysetError {
    fn changed_meanwhile(&self) -> bool {
        matches!(self, Self::Store(error) if error.changed_meanwhile())
    }
}

impl ChangedMeanwhile for InstallationError {
    fn changed_meanwhile(&self) -> bool {
        matches!(self, Self::Store(error) if error.changed_meanwhile())
    }
}

/// Keeps a new keyset, if its private key is sealed under the master key that holds now: a rotation may have come in
/// between, and what is sealed under the old key then could not be opened any more.
pub(super) async fn insert_sealed(
    unit: &mut dyn UnitOfWork,
    keyset: &Keyset,
    sealed: &SealedBytes,
) -> Result<(), KeysetError> {
    if let Some(installation) = unit.installation().await? {
        installation.check_sealed_under(sealed)?;
    }
    Ok(unit.insert_keyset(keyset, sealed).await?)
}

/// The private key of the manager's identity.
pub(super) async fn manager_identity(
    master_key: &dyn MasterKey,
    installation: &Installation,
) -> Result<SecretBytes, MasterKeyError> {
    let identity = &installation.identity;
    let context = Installation::identity_context(installation.id, &identity.public_key);
    master_key.open(&identity.sealed_private_key, &context).await
}

/// Runs work that takes long off the runtime's threads.
pub(super) async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorkerLost> {
    tokio::task::spawn_blocking(work).await.map_err(|_| WorkerLost)
}

/// A worker thread died. The program has a bug then; the text says so without guessing.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a worker of the program stopped unexpectedly")]
pub struct WorkerLost;

/// Writes down an attempt that a rule refused. The refusal stands even when this fails; it is logged then.
pub(super) async fn record_refusal(store: &dyn Store, event: AuditEvent) {
    let written = async {
        let mut unit = store.begin().await?;
        unit.append_audit(&event).await?;
        unit.commit().await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, action = event.action.as_str(), "a refused attempt could not be written to the audit trail");
    }
}

/// Every keyset, page by page, and the rows that are damaged.
pub(super) async fn all_keysets(
    snapshot: &mut dyn Snapshot,
) -> Result<(Vec<Keyset>, Vec<DamagedKeyset>), StoreError> {
    let (mut all, mut broken): (Vec<Keyset>, Vec<DamagedKeyset>) = (Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let page = snapshot.list_keysets(after, 1000).await?;
        all.extend(page.keysets);
        let new = page
            .damaged
            .into_iter()
            .filter(|row| !broken.contains(row))
            .collect::<Vec<_>>();
        broken.extend(new);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok((all, broken)),
        }
    }
}

/// An event about a keyset.
pub(super) fn keyset_event(
    at: keystead_domain::Timestamp,
    actor: &Actor,
    action: keystead_domain::Action,
    outcome: Outcome,
    keyset: &Keyset,
) -> AuditEvent {
    AuditEvent::new(at, actor.clone(), action, outcome)
        .on(keyset.id())
        .with("fingerprint", keyset.fingerprint())
}

pub(super) fn is_duplicate(error: &StoreError) -> bool {
    error.kind == StoreErrorKind::Duplicate
}
