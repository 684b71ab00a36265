//! What a `Store`, its `Snapshot` and its `UnitOfWork` promise.
//!
//! After an error a case only drops the unit of work: some databases allow nothing else.

mod audit;
mod chain;
mod checkpoints;
mod concurrency;
mod deletion;
mod documents;
mod finding;
mod inserting;
mod key_steps;
mod listing;
mod officers;
mod pointer;
mod record_lists;
mod record_steps;
mod record_sweeps;
mod record_units;
mod records;
mod recoveries;
mod recovery_lists;
mod recovery_steps;
mod recovery_units;
mod reopening;
mod saving;
mod servers;
mod snapshot;
mod staging;
mod steps;
mod switching;
mod trail;
mod unit;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::Store;

use crate::Suite;

/// How the suite comes by stores.
#[async_trait]
pub trait StoreFixture: Send + Sync {
    /// A new store: migrated, empty, and shared with nobody.
    async fn store(&self) -> FreshStore;

    /// Whether [`StoreFixture::reopen`] works: the data lives in a place that a second handle can reach.
    fn can_reopen(&self) -> bool;

    /// The data of an earlier [`StoreFixture::store`] through a new handle, as another process would reach it. The
    /// first handle may still be in use. Never called when [`StoreFixture::can_reopen`] says no.
    async fn reopen(&self, place: &str) -> Arc<dyn Store>;
}

/// A new store, and where its data is.
pub struct FreshStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What the fixture needs to find the same data again: a path, a database name.
    pub place: String,
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn StoreFixture> {
    let cases = [
        inserting::cases(),
        finding::cases(),
        listing::cases(),
        saving::cases(),
        pointer::cases(),
        deletion::cases(),
        unit::cases(),
        audit::cases(),
        chain::cases(),
        checkpoints::cases(),
        staging::cases(),
        switching::cases(),
        snapshot::cases(),
        servers::cases(),
        officers::cases(),
        recoveries::cases(),
        recovery_lists::cases(),
        documents::cases(),
        recovery_units::cases(),
        records::cases(),
        record_lists::cases(),
        record_sweeps::cases(),
        record_units::cases(),
        concurrency::cases(),
        reopening::cases(),
    ];
    Suite::new("store", cases.into_iter().flatten().collect())
}
