//! The store in a database, over SeaORM: SQLite in this release.
//!
//! Times are integers (microseconds since the epoch), ids and fingerprints are text, everything else is a plain column:
//! the same on every engine, and readable with the engine's own tools. What one engine needs alone is in its own module.
//!
//! The active keyset is the one that a one-row table points at. Two of them cannot be stored.

mod engine;
mod entities;
mod error;
mod mapping;
mod migration;
mod options;
mod read;
mod schema;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod transaction;
mod write;

pub use options::SeaOrmOptions;
pub use schema::SeaOrmSchema;
pub use store::SeaOrmStore;
