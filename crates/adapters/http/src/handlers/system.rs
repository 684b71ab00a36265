use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::caller::{May, to};
use crate::metrics::METRICS_TYPE;
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// Whether the process can do its work.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ReadyJson {
    /// Whether all of it is as it should be.
    ready: bool,
    /// Whether the database answers.
    database: bool,
    /// Whether the master key opens what is sealed under it.
    master_key: bool,
    /// Whether the database has the schema of this program.
    schema: bool,
}

/// Tells that the process lives.
#[utoipa::path(get, path = "/healthz", tag = "system",
    responses((status = 200, description = "It lives.", body = String, content_type = "text/plain")))]
pub(crate) async fn health() -> &'static str {
    "alive\n"
}

/// Tells whether the process can do its work: database, master key and schema.
#[utoipa::path(get, path = "/readyz", tag = "system", responses(
    (status = 200, description = "It can.", body = ReadyJson),
    (status = 503, description = "It cannot now.", body = ReadyJson),
))]
pub(crate) async fn ready(State(service): State<Arc<Service>>) -> Response {
    let schema = service.schema.status().await;
    let schema = schema.is_ok_and(|status| status.exists && status.pending.is_empty());
    let view = service.views.now().await;
    let (database, master_key) = match &view {
        Ok(_) => (true, true),
        Err(problem) => match problem.problem.code.as_str() {
            "master-key-unusable" => (true, false),
            _ => (false, false),
        },
    };
    let ready = database && master_key && schema;
    let json = Json(ReadyJson {
        ready,
        database,
        master_key,
        schema,
    });
    match ready {
        true => json.into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, json).into_response(),
    }
}

/// Gives what is counted, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "system",
    responses((status = 200, description = "The metrics.", body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(
    State(service): State<Arc<Service>>,
    _: May<to::ReadMetrics>,
) -> Result<Response, ApiProblem> {
    let text = service.metrics.text().ok_or(Known::Internal)?;
    let mut response = text.into_response();
    let kind = HeaderValue::from_static(METRICS_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
