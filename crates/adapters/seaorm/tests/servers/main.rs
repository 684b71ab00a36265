//! What a user of the store relies on when its database is on a server. The servers' own clients are the second witness.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod commits;
mod documents;
mod outages;
mod refusals;
mod schema;
mod support;
mod tls;
