use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use keystead_application::{Explain, Status};

/// Why there is nothing to listen with.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address and port cannot be had.
    #[error("it is not possible to listen on {address}: {why}")]
    Address {
        /// The address and port.
        address: SocketAddr,
        /// Why not.
        why: String,
        /// What to do about it.
        fix: &'static str,
    },
    /// Limits under which no client could be served.
    #[error("the limits for clients make no sense: {0}")]
    Limits(&'static str),
    /// A certificate or private key cannot be used, or not be made.
    #[error("{}: {why}", path.display())]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        why: String,
        /// What to do about it.
        fix: String,
    },
    /// A certificate cannot be made for what was asked.
    #[error("a certificate cannot be made: {why}")]
    Certificate {
        /// Why not.
        why: String,
        /// What to do about it.
        fix: &'static str,
    },
}

impl ListenError {
    pub(crate) fn address(address: SocketAddr, error: &io::Error) -> Self {
        let fix = match error.kind() {
            ErrorKind::AddrInUse => "stop the program that listens there, or choose another port",
            ErrorKind::AddrNotAvailable => {
                "choose an address that this machine has, or 0.0.0.0 or [::] for all of them"
            }
            ErrorKind::PermissionDenied => {
                "choose a port from 1024 up, or let the service have the capability CAP_NET_BIND_SERVICE"
            }
            _ => "choose another address",
        };
        Self::Address {
            address,
            why: error.to_string(),
            fix,
        }
    }

    pub(crate) fn file(path: &Path, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::File {
            path: path.to_owned(),
            why: why.into(),
            fix: fix.into(),
        }
    }
}

impl Explain for ListenError {
    fn what(&self) -> String {
        match self {
            Self::Address { address, .. } => format!("it is not possible to listen on {address}"),
            Self::Limits(_) => "the limits for clients make no sense".to_owned(),
            Self::File { path, .. } => format!("{} cannot be used for TLS", path.display()),
            Self::Certificate { .. } => "a certificate cannot be made".to_owned(),
        }
    }

    fn why(&self) -> String {
        match self {
            Self::Address { why, .. } | Self::File { why, .. } | Self::Certificate { why, .. } => why.clone(),
            Self::Limits(why) => (*why).to_owned(),
        }
    }

    fn fix(&self) -> String {
        match self {
            Self::Address { fix, .. } | Self::Certificate { fix, .. } => (*fix).to_owned(),
            Self::Limits(_) => "correct the limits, or leave them out".to_owned(),
            Self::File { fix, .. } => fix.clone(),
        }
    }

    fn status(&self) -> Status {
        Status::Refused
    }
}
