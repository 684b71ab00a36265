//! HTTPS as every adapter here speaks it: TLS by rustls with its ring provider, whose certificates are believed, and what is
//! wrong with one, in words for people. It is technology that adapters share, and no adapter.

mod body;
mod client;
mod failure;
mod host;
mod pinned;
mod tls;

pub use body::secret_body;
pub use client::client;
pub use failure::{HttpFailure, TlsFault, http_failure};
pub use host::is_loopback;
pub use pinned::{CertificateFingerprint, InvalidCertificateFingerprint};
pub use tls::Roots;
