use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keystead_application::use_cases::{BrowseOfficers, ManageOfficers, ManagePolicy, ShowPolicy};
use keystead_domain::RecoveryPolicy;
use keystead_wire::{AddOfficerRequest, ChangePolicyRequest, OfficerJson, OfficersJson, PolicyJson};

use crate::caller::{Caller, May, to};
use crate::input::{Body, Path, Query, WithReason, bad, person};
use crate::problem::ApiProblem;
use crate::service::Service;

const MAX_NAMES: usize = 20;

/// Lists officers, with those who were taken off.
#[utoipa::path(get, path = "/v1/officers", tag = "rules",
    responses((status = 200, description = "The officers.", body = OfficersJson)))]
pub(crate) async fn list_officers(
    State(service): State<Arc<Service>>,
    _: May<to::ReadRules>,
) -> Result<Json<OfficersJson>, ApiProblem> {
    let browse = BrowseOfficers {
        store: service.store.as_ref(),
    };
    Ok(Json(OfficersJson::new(&browse.list().await?)))
}

fn officers<'a>(service: &'a Service, caller: &'a Caller) -> ManageOfficers<'a> {
    ManageOfficers {
        store: service.store.as_ref(),
        register: service.records(&caller.view).register(),
        ssh: service.tools.ssh.as_ref(),
        clock: service.clock(),
        randomness: service.tools.randomness.as_ref(),
    }
}

/// Adds a person who may approve recovery requests.
#[utoipa::path(post, path = "/v1/officers", tag = "rules", request_body = AddOfficerRequest,
    responses((status = 201, description = "The officer.", body = OfficerJson)))]
pub(crate) async fn add_officer(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeRules>,
    Body(request): Body<AddOfficerRequest>,
) -> Result<(StatusCode, Json<OfficerJson>), ApiProblem> {
    let AddOfficerRequest { name, also, key } = request;
    if also.len() > MAX_NAMES {
        return Err(bad("also", format!("at most {MAX_NAMES} names")));
    }
    let also: Vec<_> = also
        .iter()
        .map(|name| person("also", name))
        .collect::<Result<_, _>>()?;
    let name = person("name", &name)?;
    let officer = officers(&service, &caller)
        .add(&caller.actor(), &name, &also, &key)
        .await?;
    Ok((StatusCode::CREATED, Json(OfficerJson::new(&officer))))
}

/// Takes an officer off: what the person approved does not count any more.
#[utoipa::path(delete, path = "/v1/officers/{officer}", tag = "rules", params(
    ("officer" = String, Path, description = "The id or name."),
    ("reason" = Option<String>, Query, min_length = 1, max_length = 200, description = "Why."),
), responses((status = 200, description = "The officer, taken off.", body = OfficerJson)))]
pub(crate) async fn remove_officer(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeRules>,
    Path(officer): Path,
    Query(why): Query<WithReason>,
) -> Result<Json<OfficerJson>, ApiProblem> {
    let reason = why.read()?;
    let officers = officers(&service, &caller);
    let removed = officers
        .remove(&caller.actor(), &officer, reason.as_ref())
        .await?;
    Ok(Json(OfficerJson::new(&removed)))
}

/// Shows the rules for recoveries.
#[utoipa::path(get, path = "/v1/policy", tag = "rules",
    responses((status = 200, description = "The rules.", body = PolicyJson)))]
pub(crate) async fn show_policy(
    State(service): State<Arc<Service>>,
    _: May<to::ReadRules>,
) -> Result<Json<PolicyJson>, ApiProblem> {
    let show = ShowPolicy {
        store: service.store.as_ref(),
    };
    Ok(Json(PolicyJson::new(&show.run().await?)))
}

/// Changes the rules for recoveries. What is absent stays.
#[utoipa::path(patch, path = "/v1/policy", tag = "rules", request_body = ChangePolicyRequest,
    responses((status = 200, description = "The rules.", body = PolicyJson)))]
pub(crate) async fn change_policy(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeRules>,
    Body(request): Body<ChangePolicyRequest>,
) -> Result<Json<PolicyJson>, ApiProblem> {
    let manage = ManagePolicy {
        store: service.store.as_ref(),
        register: service.records(&caller.view).register(),
        clock: service.clock(),
    };
    let change = |before: &RecoveryPolicy| {
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3600);
        RecoveryPolicy::new(
            request.approvals.unwrap_or(before.approvals()),
            request.response_hours.map_or(before.response_lifetime(), hours),
            request.requests_per_day.unwrap_or(before.requests_per_day()),
        )
    };
    let policy = manage.set(&caller.actor(), change).await?;
    Ok(Json(PolicyJson::new(&policy)))
}
