//! What the cases of this suite do again and again.

use std::fmt;
use std::sync::Arc;

use keystead_application::ports::{Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork};
use keystead_domain::keyset::{Activation, Keyset};
use keystead_domain::{Action, KeysetId, Timestamp};

use super::StoreFixture;
use crate::case::ensure;
use crate::{Verdict, Violation, samples};

/// More often than this no unit of work is tried again; a store that serialises its writers needs a handful.
const TRIES: u32 = 500;

pub(super) async fn fresh(fixture: &Arc<dyn StoreFixture>) -> Arc<dyn Store> {
    fixture.store().await.store
}

/// Inserts keysets, each in a unit of work of its own.
pub(super) async fn insert(store: &dyn Store, keysets: &[Keyset]) -> Verdict {
    for (n, keyset) in (0..).zip(keysets) {
        let mut unit = store.begin().await?;
        unit.insert_keyset(keyset, &samples::sealed(n)?).await?;
        commit(unit, Action::KeysetCreate, keyset.id()).await?;
    }
    Ok(())
}

/// Adds an event and commits.
pub(super) async fn commit(
    mut unit: Box<dyn UnitOfWork>,
    action: Action,
    about: impl fmt::Display + Send,
) -> Verdict {
    unit.append_audit(&samples::event(action, about)?).await?;
    Ok(unit.commit().await?)
}

/// Saves a keyset in a unit of work of its own.
pub(super) async fn save(store: &dyn Store, before: &Keyset, after: &Keyset) -> Verdict {
    let mut unit = store.begin().await?;
    unit.save_keyset(after, before.version()).await?;
    commit(unit, Action::KeysetEdit, after.id()).await
}

/// Activates a keyset as the program does it, in one unit of work.
pub(super) async fn activate(store: &dyn Store, id: KeysetId, at: Timestamp) -> Verdict {
    let mut unit = store.begin().await?;
    activate_within(unit.as_mut(), id, at).await?;
    commit(unit, Action::KeysetActivate, id).await
}

/// The steps of an activation, up to the event and the commit.
pub(super) async fn activate_within(unit: &mut dyn UnitOfWork, id: KeysetId, at: Timestamp) -> Verdict {
    try_to_activate(unit, id, at).await?.map_err(Violation::from)
}

/// The same; a failure of the store is left to the caller.
pub(super) async fn try_to_activate(
    unit: &mut dyn UnitOfWork,
    id: KeysetId,
    at: Timestamp,
) -> Result<Result<(), StoreError>, Violation> {
    let current = match unit.active_keyset().await {
        Ok(current) => current,
        Err(error) => return Ok(Err(error)),
    };
    let keyset = match unit.find_keyset(id).await {
        Ok(Some(keyset)) => keyset,
        Ok(None) => return Err(Violation::new(format!("keyset {id} is gone"))),
        Err(error) => return Ok(Err(error)),
    };
    let (activated, superseded) = match keyset.activate(current.as_ref(), at)? {
        Activation::Unchanged => return Ok(Ok(())),
        Activation::Activated {
            activated,
            superseded,
        } => (activated, superseded),
    };
    let saves = async {
        unit.point_active(id, current.as_ref().map(Keyset::id)).await?;
        if let (Some(before), Some(after)) = (&current, &superseded) {
            unit.save_keyset(after, before.version()).await?;
        }
        unit.save_keyset(&activated, keyset.version()).await
    };
    Ok(saves.await)
}

/// Begins, and tries again as long as the store says that this may help.
pub(super) async fn begin(store: &dyn Store) -> Result<Box<dyn UnitOfWork>, Violation> {
    for _ in 0..TRIES {
        match store.begin().await {
            Err(error) if error.kind.is_retryable() => tokio::task::yield_now().await,
            other => return Ok(other?),
        }
    }
    Err(Violation::new("the store stayed busy for ever"))
}

/// Activates a keyset and tries again as long as the store says that this may help.
pub(super) async fn activate_in_the_crowd(store: &dyn Store, id: KeysetId, at: Timestamp) -> Verdict {
    for _ in 0..TRIES {
        let mut unit = begin(store).await?;
        let result = match try_to_activate(unit.as_mut(), id, at).await? {
            Ok(()) => {
                let event = samples::event(Action::KeysetActivate, id)?;
                match unit.append_audit(&event).await {
                    Ok(_) => unit.commit().await,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        match result {
            Err(error) if error.kind.is_retryable() => tokio::task::yield_now().await,
            other => return Ok(other?),
        }
    }
    Err(Violation::new("the store stayed in conflict for ever"))
}

/// That something was refused, and with this kind.
pub(super) fn refused<T>(result: Result<T, StoreError>, kind: StoreErrorKind, what: &str) -> Verdict {
    match result {
        Err(error) if error.kind == kind => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused as {:?} and not as {kind:?} ({error})",
            error.kind
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: accepted, expected {kind:?}"))),
    }
}

/// What must be there.
pub(super) fn there<T>(found: Option<T>, what: impl fmt::Display) -> Result<T, Violation> {
    found.ok_or_else(|| Violation::new(format!("{what} is not there")))
}

/// The keyset with this id, through a new snapshot.
pub(super) async fn read(store: &dyn Store, id: KeysetId) -> Result<Keyset, Violation> {
    there(
        store.snapshot().await?.find_keyset(id).await?,
        format!("keyset {id}"),
    )
}

/// Every keyset, page by page.
pub(super) async fn all_keysets(snapshot: &mut dyn Snapshot, limit: u32) -> Result<Vec<Keyset>, Violation> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = snapshot.list_keysets(after, limit).await?;
        ensure!(
            page.keysets.len() <= limit as usize,
            "a page holds more than {limit} keysets"
        );
        ensure!(
            page.next.is_none() || page.next != after,
            "the next page begins where this one did"
        );
        all.extend(page.keysets);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

/// That the store holds exactly these keysets, in the order of a list.
pub(super) async fn holds_exactly(store: &dyn Store, expected: &[&Keyset]) -> Verdict {
    let found = all_keysets(store.snapshot().await?.as_mut(), 50).await?;
    crate::case::equal(
        found.iter().collect::<Vec<_>>().as_slice(),
        expected,
        "the keysets of the store",
    )
}
