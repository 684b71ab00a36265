//! Room for large requests: few are in memory at once.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// How long a large request waits for others to be done.
const PATIENCE: Duration = Duration::from_secs(10);

/// Leave to have a large body in memory. It is asked for before the body is read, and after it is known who asks.
pub(crate) struct Large(#[allow(dead_code)] OwnedSemaphorePermit); // held, never looked at

impl FromRequestParts<Arc<Service>> for Large {
    type Rejection = ApiProblem;

    async fn from_request_parts(_: &mut Parts, service: &Arc<Service>) -> Result<Self, ApiProblem> {
        let room = Arc::clone(&service.large).acquire_owned();
        match tokio::time::timeout(PATIENCE, room).await {
            Ok(Ok(permit)) => Ok(Self(permit)),
            _ => Err(ApiProblem::from(Known::Overloaded).after_seconds(10)),
        }
    }
}
