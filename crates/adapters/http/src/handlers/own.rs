//! What a backup server does about its own requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keystead_application::use_cases::{Principal, RecoveryError};
use keystead_domain::{RecoveryState, RequestId};
use keystead_wire::{OwnRecoveryJson, ReceiveRequest, RecoveryStateJson};

use super::jobs::responder;
use super::recoveries::{found, receive, shower};
use crate::caller::{Caller, May, to};
use crate::input::{Body, Path};
use crate::large::Large;
use crate::problem::ApiProblem;
use crate::service::Service;

/// Sends a recovery request of the server that asks.
#[utoipa::path(post, path = "/v1/server/recoveries", tag = "server", request_body = ReceiveRequest,
    responses((status = 201, description = "The request.", body = OwnRecoveryJson)))]
pub(crate) async fn send_recovery(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::OwnRecoveries>,
    _room: Large,
    Body(request): Body<ReceiveRequest>,
) -> Result<(StatusCode, Json<OwnRecoveryJson>), ApiProblem> {
    // Whose request it is, is in the request, and signed; that another server carries it changes nothing of that.
    let id = receive(&service, &caller, &request.text).await?;
    let json = own(&service, &caller, id).await?;
    Ok((StatusCode::CREATED, Json(json)))
}

/// Shows what became of a request of the server that asks, with the answer once there is one.
#[utoipa::path(get, path = "/v1/server/recoveries/{recovery}", tag = "server", params(
    ("recovery" = String, Path, description = "Its id."),
), responses((status = 200, description = "The request.", body = OwnRecoveryJson)))]
pub(crate) async fn show_own_recovery(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::OwnRecoveries>,
    Path(reference): Path,
) -> Result<Json<OwnRecoveryJson>, ApiProblem> {
    let id = found(&service, &reference).await?;
    Ok(Json(own(&service, &caller, id).await?))
}

async fn own(service: &Service, caller: &Caller, id: RequestId) -> Result<OwnRecoveryJson, ApiProblem> {
    let shown = shower(service, &caller.view).run(id).await?;
    let is_own = match caller.principal.as_ref() {
        Principal::Server(server) => shown.server.id == server.id,
        _ => false,
    };
    if !is_own {
        return Err(RecoveryError::NoSuchRequest(id.to_string()).into());
    }
    let (state, response) = match &shown.recovery.state {
        RecoveryState::Waiting => (RecoveryStateJson::Waiting, None),
        RecoveryState::Denied { .. } => (RecoveryStateJson::Denied, None),
        RecoveryState::Answered { until, .. } if *until <= service.clock().now() => {
            (RecoveryStateJson::Answered, None)
        }
        RecoveryState::Answered { .. } => {
            let respond = responder(service, &caller.view);
            let again = respond.run(&caller.actor(), id, true, &|_| ()).await?;
            (RecoveryStateJson::Answered, Some(again.text))
        }
    };
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(OwnRecoveryJson {
        id: id.to_string(),
        state,
        approvals_given: count(shown.standing.given),
        approvals_needed: count(shown.standing.needed),
        response,
    })
}
