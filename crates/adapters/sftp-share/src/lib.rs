//! File shares over SFTP: the file side of SSH, which every Unix server and most storage boxes have.
//!
//! An address is `sftp://[user@]host[:port]/path`. The path is counted from the top of the server; a first name `~` means
//! the login folder. The host key of the server is always checked, against `known_hosts` or a fingerprint that the
//! configuration names: none is taken on trust.
//!
//! A file is written under a temporary name with mode 0600, flushed, and put under its name by a hard link (which never
//! replaces a file) or by a rename that replaces in one step. Both are extensions of OpenSSH, as is the flush. Where a
//! server lacks one, the next best is done, and the promises of the share say so.

mod cleaning;
mod connection;
mod error;
mod explain;
mod gatekeeper;
mod handshake;
mod host_keys;
mod inside;
mod key_file;
mod known_hosts;
mod open_file;
mod provider;
mod publish;
mod reach;
mod reader;
mod share;
mod sign_in;
mod temporary;
mod writer;

pub use provider::SftpShareProvider;
pub use share::SftpFileShare;
