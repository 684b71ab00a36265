//! Local folders, and whatever the operating system mounts into them, as a file share.
//!
//! A file is written under a temporary name in the folder that it will stand in, flushed, and put under its own name in
//! one step. While it is written it carries an advisory lock, which the operating system takes away with the process;
//! so a temporary file without a lock was left behind and can go.

mod error;
mod location;
mod provider;
mod publish;
mod share;
mod temporary;
mod writer;

pub use provider::LocalShareProvider;
pub use share::LocalFileShare;
