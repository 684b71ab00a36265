use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncRead;
use zeroize::Zeroizing;

use crate::Failure;

/// Where the API of a manager is, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Its URL, such as `https://keys.example:8443`.
    pub url: String,
    /// What its certificate is compared with; the authorities that the system trusts when absent.
    pub certificate: Option<ServerCertificate>,
}

/// What the certificate of a manager is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerCertificate {
    /// SHA-256 of the certificate (DER), 64 small hexadecimal digits. Nothing else about the certificate matters then.
    Fingerprint(String),
    /// Certificates in PEM: the manager's own, or the authority's that issued it.
    Pem(String),
}

/// What is done to what is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiMethod {
    /// Look at it.
    Get,
    /// Make or do something.
    Post,
    /// Put something in its place.
    Put,
    /// Change a part of it.
    Patch,
    /// Take it away.
    Delete,
}

/// A request to the API of a manager.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// What is to be done.
    pub method: ApiMethod,
    /// Path and query, percent-encoded; begins with `/v1/`.
    pub path: String,
    /// Goes into `Authorization: Bearer`.
    pub bearer: Option<Zeroizing<String>>,
    /// Goes into `Accept`.
    pub accept: &'static str,
    /// Goes into `If-Match`.
    pub if_match: Option<String>,
    /// Goes into `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The body, which is JSON.
    pub body: Option<Zeroizing<Vec<u8>>>,
    /// A longer answer is refused while it comes in, in bytes.
    pub max_answer: usize,
    /// How long the manager may be silent.
    pub patience: Duration,
}

/// An answer that was read whole.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`, as it came.
    pub content_type: Option<String>,
    /// The `ETag`, as it came.
    pub etag: Option<String>,
    /// The body. It may hold secrets.
    pub body: Zeroizing<Vec<u8>>,
}

/// An answer whose body comes bit by bit.
pub struct ApiStream {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`, as it came.
    pub content_type: Option<String>,
    /// The body. It ends with an error when the connection breaks before its end.
    pub body: Box<dyn AsyncRead + Send + Unpin>,
}

/// Why no answer came.
#[derive(Debug)]
pub struct TransportFailure {
    /// For the person who waits.
    pub failure: Failure,
    /// Whether the same request may be answered a moment later: the manager could not be reached, or the connection broke. A
    /// certificate that is not the right one, or an answer that is too long, stays so.
    pub may_pass: bool,
}

/// Speaks with the API of one manager. A request that can be repeated, which is one that only looks or has an idempotency
/// key, is asked again for a while when the connection breaks or the manager is not ready.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the answer whole. An answer that refuses is an answer.
    ///
    /// # Errors
    /// When no answer came.
    async fn send(&self, request: ApiRequest) -> Result<ApiResponse, TransportFailure>;

    /// Sends a request and gives the answer while it comes in. `max_answer` holds for the body of an answer that refuses.
    ///
    /// # Errors
    /// When no answer came.
    async fn stream(&self, request: ApiRequest) -> Result<ApiStream, TransportFailure>;
}

impl fmt::Debug for ApiRequest {
    /// Without what may be secret: who asks, and what with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiResponse")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
