use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use keystead_application::use_cases::{
    BrowseServers, EnrolByCode, EnrolServer, EnrolServerRequest as EnrolWith, EnrolledServer, MakeServerCode,
    RemoveServer,
};
use keystead_domain::Fingerprint;
use keystead_wire::{
    EnrolByCodeRequest, EnrolServerRequest, EnrolledJson, SecretText, ServerCodeJson, ServerCodeRequest,
    ServerJson, ServersJson,
};
use zeroize::Zeroizing;

use crate::caller::{May, check_same_origin, to};
use crate::input::{Body, MaybeBody, Path, Query, WithReason, parsed};
use crate::problem::ApiProblem;
use crate::service::Service;
use crate::view::View;

/// Lists backup servers, with those that were removed.
#[utoipa::path(get, path = "/v1/servers", tag = "servers",
    responses((status = 200, description = "The servers.", body = ServersJson)))]
pub(crate) async fn list_servers(
    State(service): State<Arc<Service>>,
    _: May<to::ReadServers>,
) -> Result<Json<ServersJson>, ApiProblem> {
    let browse = BrowseServers {
        store: service.store.as_ref(),
    };
    Ok(Json(ServersJson::new(&browse.list().await?)))
}

/// Shows a backup server.
#[utoipa::path(get, path = "/v1/servers/{server}", tag = "servers", params(("server" = String, Path, description = "Its id or name.")),
    responses((status = 200, description = "The server.", body = ServerJson)))]
pub(crate) async fn show_server(
    State(service): State<Arc<Service>>,
    _: May<to::ReadServers>,
    Path(server): Path,
) -> Result<Json<ServerJson>, ApiProblem> {
    let browse = BrowseServers {
        store: service.store.as_ref(),
    };
    Ok(Json(ServerJson::new(&browse.show(&server).await?)))
}

/// Enrols a backup server by the text that it made, once people have compared the fingerprint.
#[utoipa::path(post, path = "/v1/servers", tag = "servers", request_body = EnrolServerRequest,
    responses((status = 201, description = "The server, and the confirmation for it.", body = EnrolledJson)))]
pub(crate) async fn enrol_server(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeServers>,
    Body(request): Body<EnrolServerRequest>,
) -> Result<(StatusCode, Json<EnrolledJson>), ApiProblem> {
    let EnrolServerRequest {
        enrolment,
        name,
        expect_fingerprint,
        again,
    } = request;
    let with = EnrolWith {
        name: name.as_deref().map(|name| parsed("name", name)).transpose()?,
        expected: expect_fingerprint
            .as_deref()
            .map(|text| parsed("expect_fingerprint", text))
            .transpose()?,
        again,
    };
    let tools = &service.tools;
    let enrol = EnrolServer {
        store: service.store.as_ref(),
        register: service.records(&caller.view).register(),
        ssh: tools.ssh.as_ref(),
        rsa: tools.rsa.as_ref(),
        clock: service.clock(),
        randomness: tools.randomness.as_ref(),
    };
    let enrolment = enrol.examine(&enrolment)?;
    let enrolled = enrol.run(&caller.actor(), &enrolment, &with).await?;
    Ok((StatusCode::CREATED, Json(enrolled_json(&enrolled, &caller.view))))
}

fn enrolled_json(enrolled: &EnrolledServer, view: &View) -> EnrolledJson {
    EnrolledJson::new(
        enrolled,
        &manager(view),
        None,
        Some(enrolled.confirmation.clone()),
    )
}

fn manager(view: &View) -> Fingerprint {
    Fingerprint::of_ed25519(&view.installation.identity.public_key)
}

/// Removes a backup server: its requests are refused from then on.
#[utoipa::path(delete, path = "/v1/servers/{server}", tag = "servers", params(
    ("server" = String, Path, description = "Its id or name."),
    ("reason" = Option<String>, Query, min_length = 1, max_length = 200, description = "Why."),
), responses((status = 200, description = "The server, removed.", body = ServerJson)))]
pub(crate) async fn remove_server(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeServers>,
    Path(server): Path,
    Query(why): Query<WithReason>,
) -> Result<Json<ServerJson>, ApiProblem> {
    let reason = why.read()?;
    let remove = RemoveServer {
        store: service.store.as_ref(),
        register: service.records(&caller.view).register(),
        clock: service.clock(),
    };
    let removed = remove.run(&caller.actor(), &server, reason.as_ref()).await?;
    Ok(Json(ServerJson::new(&removed)))
}

/// Makes a one-time code that enrols one backup server. It holds for an hour.
#[utoipa::path(post, path = "/v1/server-codes", tag = "servers", request_body = Option<ServerCodeRequest>,
    responses((status = 201, description = "The code, told once.", body = ServerCodeJson)))]
pub(crate) async fn make_server_code(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeServers>,
    MaybeBody(request): MaybeBody<ServerCodeRequest>,
) -> Result<(StatusCode, Json<ServerCodeJson>), ApiProblem> {
    let ServerCodeRequest { name, again } = request;
    let name = name.as_deref().map(|name| parsed("name", name)).transpose()?;
    let browse = BrowseServers {
        store: service.store.as_ref(),
    };
    let again = match again {
        Some(reference) => Some(browse.show(&reference).await?.id),
        None => None,
    };
    let make = MakeServerCode {
        records: service.records(&caller.view),
        randomness: service.tools.randomness.as_ref(),
    };
    let made = make.run(&caller.actor(), name, again).await?;
    let text = Zeroizing::new(String::from_utf8_lossy(made.text.expose()).into_owned());
    let json = ServerCodeJson {
        code: SecretText::new(text),
        expires_at: made.code.expires_at.to_string(),
        manager: manager(&caller.view).to_string(),
    };
    Ok((StatusCode::CREATED, Json(json)))
}

/// Enrols the backup server that asks, by a one-time code.
#[utoipa::path(post, path = "/v1/enrolments", tag = "servers", request_body = EnrolByCodeRequest,
    responses((status = 201, description = "The server, and the confirmation for it.", body = EnrolledJson)))]
pub(crate) async fn enrol_by_code(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Body(request): Body<EnrolByCodeRequest>,
) -> Result<(StatusCode, Json<EnrolledJson>), ApiProblem> {
    check_same_origin(&headers)?;
    let view = service.views.now().await?;
    let tools = &service.tools;
    let enrol = EnrolByCode {
        records: service.records(&view),
        ssh: tools.ssh.as_ref(),
        rsa: tools.rsa.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    let enrolled = enrol
        .run(request.code.expose().as_bytes(), &request.enrolment)
        .await?;
    Ok((StatusCode::CREATED, Json(enrolled_json(&enrolled, &view))))
}
