//! One handler for each route: it reads what the request brings, calls one use case, and writes what came of it.

pub(crate) mod audit;
pub(crate) mod exports;
pub(crate) mod jobs;
pub(crate) mod keysets;
pub(crate) mod me;
pub(crate) mod own;
pub(crate) mod public_key;
pub(crate) mod recoveries;
pub(crate) mod rules;
pub(crate) mod servers;
pub(crate) mod sessions;
pub(crate) mod shares;
pub(crate) mod system;
pub(crate) mod tokens;
pub(crate) mod users;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keystead_domain::keyset::Version;

/// An answer with the version of what it shows, for a later change.
pub(crate) fn versioned(status: StatusCode, version: Version, body: impl serde::Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", version.0)) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
