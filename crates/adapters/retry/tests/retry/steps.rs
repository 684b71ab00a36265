//! What the program does with a store, and how to look at what came of it.

use std::sync::Arc;

use keystead_application::audit::{TrailChecker, from_canonical_bytes};
use keystead_application::ports::{Snapshot, Store, StoreError, StoreErrorKind};
use keystead_contract::samples;
use keystead_domain::keyset::Keyset;
use keystead_domain::{Action, KeysetId};
use keystead_memory::{MemoryRandomness, MemoryStore};
use keystead_retry::{RetryOptions, RetryingStore};

use crate::faults::FaultyStore;

/// Every kind of failure.
pub(crate) const KINDS: [StoreErrorKind; 12] = [
    StoreErrorKind::Conflict,
    StoreErrorKind::Duplicate,
    StoreErrorKind::Unaudited,
    StoreErrorKind::Corrupt,
    StoreErrorKind::Newer,
    StoreErrorKind::NotMigrated,
    StoreErrorKind::Busy,
    StoreErrorKind::Undone,
    StoreErrorKind::Disconnected,
    StoreErrorKind::CommitUnknown,
    StoreErrorKind::NoSpace,
    StoreErrorKind::Unavailable,
];

/// A store with two keysets, the first of them active, and one event for each of the three steps to there.
pub(crate) async fn prepared() -> FaultyStore {
    let memory = MemoryStore::new();
    for n in [1, 2] {
        create(&memory, n).await.unwrap();
    }
    activate(&memory, samples::keyset_id(1)).await.unwrap();
    FaultyStore::new(memory)
}

pub(crate) fn retrying(store: &FaultyStore) -> RetryingStore {
    with_options(store, RetryOptions::default())
}

pub(crate) fn with_options(store: &FaultyStore, options: RetryOptions) -> RetryingStore {
    let randomness = Arc::new(MemoryRandomness::default());
    RetryingStore::new(Arc::new(store.clone()), options, randomness)
}

/// Five calls: begin, look, insert, event, commit.
pub(crate) async fn create(store: &dyn Store, n: u32) -> Result<(), StoreError> {
    let keyset = samples::keyset(n).unwrap();
    let mut unit = store.begin().await?;
    let known = unit.find_by_fingerprint(&keyset.fingerprint()).await?;
    assert!(known.is_none());
    unit.insert_keyset(&keyset, &samples::sealed(n).unwrap()).await?;
    unit.append_audit(&samples::event(Action::KeysetCreate, keyset.id()).unwrap())
        .await?;
    unit.commit().await
}

/// Up to eight calls: begin, the active one, the one to activate, the pointer, two saves, event, commit.
pub(crate) async fn activate(store: &dyn Store, id: KeysetId) -> Result<(), StoreError> {
    let mut unit = store.begin().await?;
    let current = unit.active_keyset().await?;
    let keyset = unit.find_keyset(id).await?.unwrap();
    let now = samples::at(100).unwrap();
    let (activated, superseded) = samples::activated(&keyset, current.as_ref(), now).unwrap();
    unit.point_active(id, current.as_ref().map(Keyset::id)).await?;
    if let (Some(before), Some(after)) = (&current, &superseded) {
        unit.save_keyset(after, before.version()).await?;
    }
    unit.save_keyset(&activated, keyset.version()).await?;
    unit.append_audit(&samples::event(Action::KeysetActivate, id).unwrap())
        .await?;
    unit.commit().await
}

/// An event of somebody else.
pub(crate) async fn note(store: MemoryStore) {
    let mut unit = store.begin().await.unwrap();
    unit.append_audit(&samples::event(Action::BackupOpen, "somebody else").unwrap())
        .await
        .unwrap();
    unit.commit().await.unwrap();
}

/// The actions and subjects of the audit trail, which must verify.
pub(crate) async fn trail(store: &MemoryStore) -> Vec<(Action, String)> {
    let mut snapshot = store.snapshot().await.unwrap();
    let rows = snapshot.audit_rows(None, u32::MAX).await.unwrap();
    let mut checker = TrailChecker::new();
    rows.iter().for_each(|row| checker.look_at(row));
    let verification = checker.finish(Some(snapshot.audit_head().await.unwrap()));
    assert_eq!(verification.findings, []);
    let event = |bytes: &[u8]| from_canonical_bytes(bytes).unwrap().event;
    rows.iter()
        .map(|row| event(&row.canonical))
        .map(|event| (event.action, event.subject.unwrap_or_default()))
        .collect()
}

/// How many events there are about this, and whether the keyset is there.
pub(crate) async fn created(store: &MemoryStore, n: u32) -> (usize, bool) {
    let id = samples::keyset_id(n);
    let events = count(store, Action::KeysetCreate, id).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let kept = snapshot.find_keyset(id).await.unwrap().is_some();
    assert_eq!(kept, snapshot.sealed_private_key(id).await.unwrap().is_some());
    (events, kept)
}

/// How many events there are about this, and whether the keyset is the active one.
pub(crate) async fn activated(store: &MemoryStore, n: u32) -> (usize, bool) {
    let id = samples::keyset_id(n);
    let events = count(store, Action::KeysetActivate, id).await;
    let active = active(store.snapshot().await.unwrap().as_mut()).await;
    (events, active == Some(id))
}

pub(crate) async fn active(snapshot: &mut dyn Snapshot) -> Option<KeysetId> {
    snapshot.active_keyset().await.unwrap().map(|keyset| keyset.id())
}

async fn count(store: &MemoryStore, action: Action, id: KeysetId) -> usize {
    let about = (action, id.to_string());
    trail(store).await.iter().filter(|event| **event == about).count()
}
