//! The folder of a backup server on the local disk.
//!
//! Each document is a file `KIND/WHICH` that its owner alone may use. It is written under a temporary name in the folder
//! that it will stand in, flushed, and put under its own name in one step. A temporary file carries an advisory lock
//! while somebody works on it, which the operating system takes away with the process; one without a lock was left
//! behind, and goes when the folder is locked next.

mod disk;
mod documents;
mod erase;
mod error;
mod folder;
mod safety;
mod temporary;

pub use folder::LocalServerFolder;
