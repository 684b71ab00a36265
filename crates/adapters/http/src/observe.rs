//! What happens around every request: it gets an id, its time is bounded, it is logged and counted, and the answer gets the
//! headers that every answer has.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::headers::secure;
use crate::problem::{ApiProblem, Known};
use crate::routes::{Pace, described};
use crate::service::Service;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

/// Counts a request even when whoever made it goes away.
struct Counted<'a> {
    service: &'a Service,
    operation: &'static str,
    begun: Instant,
    status: Option<u16>,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        self.service.metrics.ended(self.operation, self.status, took);
    }
}

pub(crate) async fn observe(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let route = path.as_deref().and_then(|path| described(&method, path));
    let operation = route.map_or("unknown", |route| route.name);
    let id = request_id(request.headers()).unwrap_or_else(|| service.request_id());
    service.metrics.begun();
    let mut counted = Counted {
        service: &service,
        operation,
        begun: Instant::now(),
        status: None,
    };
    let deadline = deadline(&service, route.map_or(Pace::Usual, |route| route.pace));
    let answered = tokio::time::timeout(deadline, next.run(request)).await;
    let response = answered.unwrap_or_else(|_| ApiProblem::from(Known::TooSlow).into_response());
    let mut response = with_id(response, &id);
    let status = response.status().as_u16();
    counted.status = Some(status);
    secure(response.headers_mut(), service.options.secure_cookies);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    // Neither query nor path: names in them are for the audit trail.
    tracing::info!(
        target: "keystead::http",
        request = %id,
        %method,
        operation,
        status,
        took_ms = u64::try_from(counted.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

fn deadline(service: &Service, pace: Pace) -> Duration {
    match pace {
        Pace::Usual => service.options.deadline,
        Pace::Long => service.options.long_deadline,
    }
}

/// A problem names the request that it answers.
fn with_id(mut response: Response, id: &str) -> Response {
    let Some(mut problem) = response.extensions_mut().remove::<ApiProblem>() else {
        return response;
    };
    id.clone_into(&mut problem.problem.request_id);
    let headers = std::mem::take(response.headers_mut());
    let mut named = problem.into_response();
    for (name, value) in &headers {
        if !named.headers().contains_key(name) && *name != axum::http::header::CONTENT_LENGTH {
            named.headers_mut().insert(name.clone(), value.clone());
        }
    }
    named
}

/// The id that a proxy or a client gave, when it is harmless in a log.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
    (!value.is_empty() && value.len() <= MAX_REQUEST_ID && value.chars().all(is_harmless))
        .then(|| value.to_owned())
}
