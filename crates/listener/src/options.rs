use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::ListenError;

const MAX_CONNECTIONS: usize = 1_000_000;

/// Where to listen, and how.
#[derive(Debug, Clone)]
pub struct ListenOptions {
    /// The address and port. Port 0 is any that is free.
    pub address: SocketAddr,
    /// What TLS needs; without, everything can be read on the way.
    pub tls: Option<TlsFiles>,
    /// What clients may take.
    pub limits: Limits,
}

/// A certificate and its private key, in PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and after it those of the authorities between it and the root.
    pub certificate: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1, not encrypted. Nobody but its owner and group may read it.
    pub private_key: PathBuf,
}

/// What clients may take of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many connections there are at most; fewer, when the operating system does not allow so many open files.
    pub connections: usize,
    /// How many of them come from one IPv4 address or one /64 network of IPv6; `None` is as many as want, for where all
    /// clients come through one proxy.
    pub per_address: Option<usize>,
    /// How long a client may take for the beginning of TLS.
    pub handshake_timeout: Duration,
    /// How long it may take from the first byte of an HTTP/1.1 request to the end of its headers.
    pub header_timeout: Duration,
    /// How long a connection is kept on which nothing is asked.
    pub idle_timeout: Duration,
    /// How long a client may leave the response that it asked for unread.
    pub write_timeout: Duration,
    /// How many bytes the request line and the headers of a request have at most, from 8 KiB to 1 MiB.
    pub max_header_bytes: u32,
    /// How many headers a request has at most.
    pub max_headers: usize,
    /// How many requests may be under way on one HTTP/2 connection.
    pub http2_streams: u32,
    /// How many requests more than it waited for a client may take back before they were answered, on one HTTP/2
    /// connection.
    pub http2_resets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: Some(512),
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            max_header_bytes: 32 * 1024,
            max_headers: 100,
            http2_streams: 64,
            http2_resets: 100,
        }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), ListenError> {
        let times = [
            self.handshake_timeout,
            self.header_timeout,
            self.idle_timeout,
            self.write_timeout,
        ];
        let wrong = if self.connections == 0 || self.per_address == Some(0) {
            "no connection is allowed at all"
        } else if self.connections > MAX_CONNECTIONS {
            "more than a million connections are allowed"
        } else if self.max_headers == 0 || self.http2_streams == 0 {
            "no request is allowed at all"
        } else if !(8 * 1024..=1024 * 1024).contains(&self.max_header_bytes) {
            "the headers of a request may take less than 8 KiB or more than 1 MiB"
        } else if times.iter().any(Duration::is_zero) {
            "a time limit is zero"
        } else {
            return Ok(());
        };
        Err(ListenError::Limits(wrong))
    }
}
