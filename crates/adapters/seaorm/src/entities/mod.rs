//! The tables, one module each. These models never leave the crate.

// The macros make everything public; the modules keep it in.
#![allow(unreachable_pub)]

pub(crate) mod active_keyset;
pub(crate) mod audit_checkpoints;
pub(crate) mod audit_events;
pub(crate) mod audit_head;
pub(crate) mod backup_servers;
pub(crate) mod installation;
pub(crate) mod keyset_private_keys;
pub(crate) mod keysets;
pub(crate) mod officers;
pub(crate) mod records;
pub(crate) mod recoveries;
pub(crate) mod recovery_approvals;
pub(crate) mod recovery_documents;
pub(crate) mod recovery_policy;
pub(crate) mod recovery_register;
pub(crate) mod server_identities;
pub(crate) mod staged_private_keys;

/// The id of the row in a table that has one row.
pub(crate) const THE_ROW: i16 = 1;
