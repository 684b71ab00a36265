//! HTTPS as every adapter here speaks it: TLS by rustls with its ring provider, whose certificates are believed, and what is
//! wrong with one, in words for people. It is technology that adapters share, and no adapter.

mod tls;

pub use tls::{Roots, client_config, tls_failure};
