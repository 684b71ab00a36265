//! Listening for clients on a network that nobody vouches for: TCP, TLS by rustls with its ring provider, HTTP/1.1 and
//! HTTP/2. It is technology that adapters share, and no adapter: what is asked and answered is a service of somebody else's.
//!
//! - TLS 1.2 and 1.3, and on it HTTP/2 or, for clients that do not speak that, HTTP/1.1. Without TLS there is HTTP/1.1 alone:
//!   that is for this machine, or for a proxy in front of it.
//! - The certificate and key are read again when their files change, and when [`Certificates::reload`] says so.
//! - As many connections as [`Limits`] allow. When there are no more, those that have waited the longest for a request give
//!   way to new ones; what is under way never does. Clients have to cope with a connection that was closed while nothing was
//!   asked on it anyway, so this keeps out nobody who is honest, while refusing new ones would keep out everybody as long as
//!   somebody holds connections open. When something is under way on all, new ones wait at the operating system.
//! - A client has a time for the beginning of TLS, for the headers of a request (HTTP/1.1), for reading what it asked for, and
//!   between requests. On HTTP/2, headers that do not come whole count as nothing that was asked.
//! - The time for the *body* of a request is the service's: only that knows what it waits for. So is the time that it takes to
//!   answer.
//!
//! An idle connection takes about 15 KiB of memory, with TLS 25 KiB, with HTTP/2 35 KiB.

mod certificates;
mod connection;
mod crowd;
mod descriptors;
mod error;
mod listener;
mod options;
mod pulse;
mod seldom;
mod self_signed;
mod service;
mod tls;
mod watched;

pub use certificates::Certificates;
pub use error::ListenError;
pub use listener::Listener;
pub use options::{Limits, ListenOptions, TlsFiles};
pub use self_signed::{SelfSigned, SelfSignedFiles, self_signed, write_self_signed};
pub use service::Transport;
