use std::sync::Arc;

use axum::Json;
use axum::body::Body as ResponseBody;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use keystead_application::audit::checkpoint_key;
use keystead_application::use_cases::{
    ExportAudit, InstallationError, ListAudit, MakeCheckpoint, VerifyAudit,
};
use keystead_domain::{AuditHead, Sequence};
use keystead_wire::{AuditEventJson, AuditJson, AuditVerificationJson, CheckpointJson, DamagedEventJson};
use serde::Deserialize;

use crate::caller::{Caller, May, to};
use crate::input::{Query, bad};
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// A place in the trail to begin behind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    after: Option<i64>,
    limit: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterQuery {
    after: Option<i64>,
}

fn place(number: i64) -> Result<Sequence, ApiProblem> {
    u64::try_from(number)
        .map(Sequence)
        .map_err(|_| bad("after", format!("{number} is no place of the trail")))
}

/// Lists events of the audit trail, oldest first.
#[utoipa::path(get, path = "/v1/audit/events", tag = "audit", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 when absent."),
    ("after" = Option<i64>, Query, minimum = 0, description = "Begin after this place."),
), responses((status = 200, description = "A page of events.", body = AuditJson)))]
pub(crate) async fn list_events(
    State(service): State<Arc<Service>>,
    _: May<to::ReadAudit>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditJson>, ApiProblem> {
    let page = crate::input::Page {
        after: None,
        limit: query.limit,
    };
    let list = ListAudit {
        store: service.store.as_ref(),
    };
    let found = list.run(query.after.map(place).transpose()?, page.limit()?).await;
    let found = found.map_err(InstallationError::from)?;
    Ok(Json(AuditJson {
        events: found.records.iter().map(AuditEventJson::from).collect(),
        damaged: found.damaged.iter().map(DamagedEventJson::from).collect(),
        next_after: found.next.map(|place| place.0),
    }))
}

/// Goes through the whole trail, and tells whether an event was changed, removed, inserted, moved or cut off.
#[utoipa::path(get, path = "/v1/audit/verification", tag = "audit",
    responses((status = 200, description = "What was found.", body = AuditVerificationJson)))]
pub(crate) async fn verify_audit(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadAudit>,
) -> Result<Json<AuditVerificationJson>, ApiProblem> {
    let _turn = service
        .whole_trails
        .try_acquire()
        .map_err(|_| Known::Overloaded)?;
    let verify = VerifyAudit {
        store: service.store.as_ref(),
        signing: service.tools.signing.as_ref(),
    };
    let view = &caller.view;
    let genuine = verify
        .identity_is_genuine(&view.installation, view.master_key.as_ref())
        .await?;
    let verified = verify.run(Vec::new()).await?;
    let sound = verified.findings.is_empty() && genuine;
    Ok(Json(AuditVerificationJson::new(&verified, sound, Some(genuine))))
}

/// Signs the trail as it is now. The checkpoint is to be kept on another machine.
#[utoipa::path(post, path = "/v1/audit/checkpoints", tag = "audit",
    responses((status = 201, description = "The checkpoint.", body = CheckpointJson)))]
pub(crate) async fn make_checkpoint(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadAudit>,
) -> Result<(StatusCode, Json<CheckpointJson>), ApiProblem> {
    let (note, head) = signed(&service, &caller).await?;
    let key = checkpoint_key(&caller.view.installation).map_err(|_| Known::Internal)?;
    let json = CheckpointJson::new(head, None, &key.to_string(), Some(note));
    Ok((StatusCode::CREATED, Json(json)))
}

async fn signed(service: &Service, caller: &Caller) -> Result<(String, AuditHead), ApiProblem> {
    let make = MakeCheckpoint {
        store: service.store.as_ref(),
        master_key: caller.view.master_key.as_ref(),
        signing: service.tools.signing.as_ref(),
        clock: service.clock(),
    };
    let (stored, head) = make.run(&caller.actor(), &caller.view.installation).await?;
    Ok((stored.note, head))
}

/// Signs the trail, and gives it as JSON lines; the last line is the checkpoint.
#[utoipa::path(post, path = "/v1/audit/export", tag = "audit", params(
    ("after" = Option<i64>, Query, minimum = 0, description = "Begin after this place."),
), responses((status = 200, description = "The trail.", body = String, content_type = "application/jsonl")))]
pub(crate) async fn export_audit(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadAudit>,
    Query(query): Query<AfterQuery>,
) -> Result<Response, ApiProblem> {
    let after = place(query.after.unwrap_or(0))?;
    let signed = signed(&service, &caller).await?;
    let lines = stream::unfold(Exported::new(service, after, signed), Exported::next);
    let mut response = ResponseBody::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jsonl"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"audit.jsonl\""),
    );
    Ok(response)
}

/// A trail on its way out. A store that fails in between cuts it off, and whoever reads it misses the last line.
struct Exported {
    service: Arc<Service>,
    state: Option<keystead_application::use_cases::AuditPlace>,
}

impl Exported {
    fn new(service: Arc<Service>, after: Sequence, signed: (String, AuditHead)) -> Self {
        let export = ExportAudit {
            store: service.store.as_ref(),
        };
        let state = Some(export.run(after, Some(signed)).into_place());
        Self { service, state }
    }

    async fn next(mut self) -> Option<(Result<String, std::io::Error>, Self)> {
        let store = Arc::clone(&self.service.store);
        let mut lines = self.state.take()?.resume(store.as_ref());
        match lines.next().await {
            Ok(Some(text)) => {
                self.state = Some(lines.into_place());
                Some((Ok(text), self))
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "an export of the audit trail was cut off");
                Some((Err(std::io::Error::other("the store failed")), self))
            }
        }
    }
}
