//! The store in a database, over SeaORM: SQLite, PostgreSQL, MariaDB and MySQL, chosen by the URL.
//!
//! Times are integers (microseconds since the epoch), ids and fingerprints are text, everything else is a plain column:
//! the same on every engine, and readable with the engine's own tools. What one engine needs alone is in its own module.
//!
//! The active keyset is the one that a one-row table points at. Two of them cannot be stored. Whoever writes locks the
//! one row of the audit head first and the pointer after it, so that writers queue and never wait for each other in a
//! circle.

mod audit;
mod engine;
mod entities;
mod error;
mod mapping;
mod migration;
mod mysql;
mod options;
mod postgres;
mod provider;
mod read;
mod records;
mod recoveries;
mod rotation;
mod schema;
mod server;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod transaction;
mod write;

pub use options::SeaOrmOptions;
pub use provider::SeaOrmStoreProvider;
pub use schema::SeaOrmSchema;
pub use store::SeaOrmStore;
