use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use keystead_application::ports::RecoveryCursor;
use keystead_application::use_cases::{
    ApproveRecovery, BrowseRecoveries, DenyRecovery, Principal, ReceiveRequest as Receive, RecoveryError,
    ShowRecovery,
};
use keystead_domain::{JobWork, Permission, PersonName, RequestId, Timestamp};
use keystead_wire::{
    ApproveRequest, ApprovedJson, DenyRequest, JobJson, OriginsJson, ReceiveRequest, RecoveriesJson,
    RecoveryJson, RespondRequest, ShownRecoveryJson,
};
use serde::Deserialize;

use super::jobs::trust;
use super::keysets::submit;
use crate::caller::{Caller, May, to};
use crate::input::{Body, MaybeBody, Page, Path, Query, bad, parsed};
use crate::large::Large;
use crate::problem::ApiProblem;
use crate::service::Service;
use crate::view::View;

/// Lists recovery requests, the last received first.
#[utoipa::path(get, path = "/v1/recoveries", tag = "recoveries", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 when absent."),
    ("after" = Option<String>, Query, max_length = 100, description = "Where to go on: `next` of the page before."),
), responses((status = 200, description = "A page of requests.", body = RecoveriesJson)))]
pub(crate) async fn list_recoveries(
    State(service): State<Arc<Service>>,
    _: May<to::ReadRecoveries>,
    Query(page): Query<Page>,
) -> Result<Json<RecoveriesJson>, ApiProblem> {
    let after = page.after.as_deref().map(cursor).transpose()?;
    let limit = page.limit()?;
    let browse = BrowseRecoveries {
        store: service.store.as_ref(),
    };
    let list = browse.list(after, limit).await?;
    let last = list.last().filter(|_| list.len() == limit as usize);
    let next = last.map(|last| {
        let place = RecoveryCursor::of(&last.recovery);
        format!("{}.{}", place.received_at.as_micros(), place.id)
    });
    Ok(Json(RecoveriesJson::new(&list, next)))
}

fn cursor(text: &str) -> Result<RecoveryCursor, ApiProblem> {
    let read = || {
        let (micros, id) = text.split_once('.')?;
        Some(RecoveryCursor {
            received_at: Timestamp::from_micros(micros.parse().ok()?).ok()?,
            id: id.parse::<RequestId>().ok()?,
        })
    };
    read().ok_or_else(|| bad("after", "it is not the `next` of a page of this list"))
}

/// Takes in a request that came by another way, such as by e-mail.
#[utoipa::path(post, path = "/v1/recoveries", tag = "recoveries", request_body = ReceiveRequest,
    responses((status = 201, description = "The request, seen closely.", body = ShownRecoveryJson)))]
pub(crate) async fn receive_recovery(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReceiveRecoveries>,
    _room: Large,
    Body(request): Body<ReceiveRequest>,
) -> Result<(StatusCode, Json<ShownRecoveryJson>), ApiProblem> {
    let id = receive(&service, &caller, &request.text).await?;
    let shown = shower(&service, &caller.view).run(id).await?;
    Ok((StatusCode::CREATED, Json(ShownRecoveryJson::from(&shown))))
}

pub(crate) async fn receive(service: &Service, caller: &Caller, text: &str) -> Result<RequestId, ApiProblem> {
    let receive = Receive {
        store: service.store.as_ref(),
        trust: trust(service, &caller.view),
        clock: service.clock(),
    };
    let (recovery, _) = receive.run(&caller.actor(), text).await?;
    Ok(recovery.id)
}

pub(crate) fn shower<'a>(service: &'a Service, view: &'a View) -> ShowRecovery<'a> {
    ShowRecovery {
        store: service.store.as_ref(),
        trust: trust(service, view),
        format: Arc::clone(&service.tools.format),
    }
}

/// The request that a path means.
pub(crate) async fn found(service: &Service, reference: &str) -> Result<RequestId, ApiProblem> {
    let browse = BrowseRecoveries {
        store: service.store.as_ref(),
    };
    Ok(browse.find(reference).await?.id)
}

/// Shows a request closely: who asks, for what, which keysets it needs, and whether they are here.
#[utoipa::path(get, path = "/v1/recoveries/{recovery}", tag = "recoveries", params(
    ("recovery" = String, Path, description = "Its id, or 8 or more of its first digits."),
), responses((status = 200, description = "The request.", body = ShownRecoveryJson)))]
pub(crate) async fn show_recovery(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadRecoveries>,
    Path(reference): Path,
) -> Result<Json<ShownRecoveryJson>, ApiProblem> {
    let id = found(&service, &reference).await?;
    let shown = shower(&service, &caller.view).run(id).await?;
    Ok(Json(ShownRecoveryJson::from(&shown)))
}

/// What an officer allows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermissionQuery {
    #[serde(default)]
    origins: OriginsJson,
    #[serde(default)]
    retired_identity: bool,
}

fn permission(origins: OriginsJson, retired_identity: bool) -> Permission {
    Permission {
        origins: origins.into(),
        retired_identity,
    }
}

/// Gives the text that officers sign to approve the request: exactly these bytes.
#[utoipa::path(get, path = "/v1/recoveries/{recovery}/statement", tag = "recoveries", params(
    ("recovery" = String, Path, description = "Its id, or 8 or more of its first digits."),
    ("origins" = Option<OriginsJson>, Query, description = "Whose files may be opened; `own` when absent."),
    ("retired_identity" = Option<bool>, Query, description = "Whether a retired identity may have signed the request."),
), responses((status = 200, description = "The statement.", body = String, content_type = "text/plain")))]
pub(crate) async fn show_statement(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadRecoveries>,
    Path(reference): Path,
    Query(query): Query<PermissionQuery>,
) -> Result<String, ApiProblem> {
    let id = found(&service, &reference).await?;
    let permission = permission(query.origins, query.retired_identity);
    Ok(shower(&service, &caller.view).statement(id, permission).await?)
}

/// Approves a request by an officer's signature over its statement.
#[utoipa::path(post, path = "/v1/recoveries/{recovery}/approvals", tag = "recoveries", request_body = ApproveRequest, params(
    ("recovery" = String, Path, description = "Its id, or 8 or more of its first digits."),
), responses((status = 201, description = "What the approvals come to.", body = ApprovedJson)))]
pub(crate) async fn approve_recovery(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::DecideRecoveries>,
    Path(reference): Path,
    Body(request): Body<ApproveRequest>,
) -> Result<(StatusCode, Json<ApprovedJson>), ApiProblem> {
    let id = found(&service, &reference).await?;
    let ApproveRequest {
        signature,
        origins,
        retired_identity,
    } = request;
    let signature = service.tools.ssh.dearmor(&signature);
    let signature = signature.map_err(RecoveryError::OfficerSignature)?;
    let approve = ApproveRecovery {
        store: service.store.as_ref(),
        trust: trust(&service, &caller.view),
        clock: service.clock(),
    };
    let permission = permission(origins, retired_identity);
    let approved = approve.run(&caller.actor(), id, permission, &signature).await?;
    Ok((StatusCode::CREATED, Json(ApprovedJson::from(&approved))))
}

/// Denies a request, for good.
#[utoipa::path(post, path = "/v1/recoveries/{recovery}/deny", tag = "recoveries", request_body = DenyRequest, params(
    ("recovery" = String, Path, description = "Its id, or 8 or more of its first digits."),
), responses((status = 200, description = "The request, denied.", body = RecoveryJson)))]
pub(crate) async fn deny_recovery(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::DecideRecoveries>,
    Path(reference): Path,
    Body(request): Body<DenyRequest>,
) -> Result<Json<RecoveryJson>, ApiProblem> {
    let id = found(&service, &reference).await?;
    let reason = parsed("reason", &request.reason)?;
    let deny = DenyRecovery {
        store: service.store.as_ref(),
        clock: service.clock(),
    };
    let (recovery, server) = deny.run(&caller.actor(), id, &person(&caller)?, &reason).await?;
    Ok(Json(RecoveryJson::new(&recovery, &server)))
}

/// The name of who decides, as it is written into the request.
fn person(caller: &Caller) -> Result<PersonName, ApiProblem> {
    match caller.principal.as_ref() {
        Principal::User { user, .. } => parsed("name", user.name.as_str()),
        Principal::Token(token) => Ok(token.name.clone()),
        Principal::Server(server) => parsed("name", server.name.as_str()),
    }
}

/// Answers an approved request. That may take long, so the answer is a job; its result has the text for the server.
#[utoipa::path(post, path = "/v1/recoveries/{recovery}/response", tag = "recoveries", request_body = Option<RespondRequest>, params(
    ("recovery" = String, Path, description = "Its id, or 8 or more of its first digits."),
    ("idempotency-key" = Option<String>, Header, min_length = 1, max_length = 255, description = "Makes a repeated request the same job."),
), responses((status = 202, description = "The job.", body = JobJson, headers(("location" = String, description = "Where to look at the job.")))))]
pub(crate) async fn answer_recovery(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::AnswerRecoveries>,
    Path(reference): Path,
    headers: HeaderMap,
    MaybeBody(request): MaybeBody<RespondRequest>,
) -> Result<Response, ApiProblem> {
    let work = JobWork::AnswerRecovery {
        request: found(&service, &reference).await?,
        partial: request.partial,
    };
    submit(&service, &caller, &headers, work).await
}
