//! A manager's HTTP interface as programs on other machines reach it.
//!
//! - To one manager only: no redirect is followed, so a credential goes to nobody else, and nothing is remembered between
//!   requests.
//! - By TLS, unless the manager is on this machine or somebody says otherwise. The certificate is checked against the
//!   authorities of the operating system, those in a file, or the fingerprint of the one certificate that is believed.
//! - Proxies of the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) are used for TLS to other machines, where all that
//!   they see is the name of the manager.
//! - What can be done twice without harm is asked again when the link breaks or the manager is not ready: methods that change
//!   nothing, and requests with an `Idempotency-Key`. Nothing else is.
//! - Bodies are overwritten when they are dropped.

mod address;
mod client;
mod error;
mod options;
mod patience;
mod request;
mod response;

pub use client::HttpClient;
pub use error::{ClientError, ClientErrorKind};
pub use options::{ClientOptions, Credential, Trust};
pub use request::{ApiRequest, Body};
pub use reqwest::Method;
pub use response::{ApiResponse, Headers, StreamedResponse};
