//! SFTP shares against servers that we did not write.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod contract;
mod cut_links;
mod failures;
mod host_keys;
mod links;
mod odd_server;
mod places;
mod signing_in;
mod support;
mod temporary_files;
