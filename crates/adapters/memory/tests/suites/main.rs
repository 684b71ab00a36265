//! The conformance suites, tested from both sides: the reference keeps every promise, and each deliberately broken
//! variant of it is caught by the case that names the promise it breaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests, and so are their helpers"
)]

#[macro_use]
mod caught;

mod broken_cipher;
mod broken_codec;
mod broken_engine;
mod broken_folder;
mod broken_format;
mod broken_master_key;
mod broken_share;
mod broken_small;
mod broken_ssh;
mod broken_store;
mod fixtures;
mod gates;
mod holds;
