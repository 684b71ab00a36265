//! Throwaway servers for tests: PostgreSQL and MariaDB, each in a folder of its own on a free port of the loopback, and
//! a proxy that cuts connections at the moment that matters.
//!
//! Nothing outlives the tests: a guardian process waits for the test process to end, however it ends, kills the server
//! and removes its folder. So a server may sit in a `OnceLock` and serve a whole test binary.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests stop where something is wrong, and a test may wait and look at the clock"
)]

mod link;
mod mariadb;
mod postgres;
mod process;
mod programs;
mod proxy;
mod rclone_sftp;
mod s3;
mod samba;
mod scripted;
mod sshd;
mod tls;
mod webdav;

pub use link::LinkProxy;
pub use mariadb::MariaDbServer;
pub use postgres::PostgresServer;
pub use programs::{find, have};
pub use proxy::{Cut, CuttingProxy};
pub use rclone_sftp::RcloneSftpServer;
pub use s3::{S3Server, S3Settings};
pub use samba::SambaServer;
pub use scripted::ScriptedServer;
pub use sshd::SshServer;
pub use tls::Certificates;
pub use webdav::{WebDavServer, WebDavSettings, WebDavSoftware};

/// How a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// What was committed survives a power cut, as in production. Otherwise it survives the end of the server only, and
    /// everything is faster.
    pub durable: bool,
}

/// The user that the tests log in as. It may do everything.
pub const USER: &str = "keystead";

/// Its password over TCP.
pub const PASSWORD: &str = "quiet-river-27";
