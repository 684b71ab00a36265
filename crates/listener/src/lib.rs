//! Listening for clients on a network that nobody vouches for: TCP, TLS by rustls with its ring provider, HTTP/1.1 and
//! HTTP/2. It is technology that adapters share, and no adapter: what is asked and answered is a service of somebody else's.

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
