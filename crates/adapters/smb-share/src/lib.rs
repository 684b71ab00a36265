//! SMB shares: Windows, Samba and the network storage that speaks as they do.
//!
//! Every session is signed, and encrypted when the server offers it. There is no guest session: it is not signed. A share
//! that refers to another server (DFS) is not followed there, because following means signing in where the server says.

mod access;
mod downgrade;
mod error;
mod handle;
mod inside;
mod link;
mod name;
mod negotiation;
mod provider;
mod publish;
mod reader;
mod share;
mod writer;

pub use provider::SmbShareProvider;
pub use share::SmbFileShare;
