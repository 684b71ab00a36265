use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keystead_application::use_cases::{AccessError, ManageUsers, Principal};
use keystead_domain::Operation;
use keystead_wire::{ChangePasswordRequest, MeJson, MeKind};

use crate::caller::{Caller, May, to};
use crate::input::{Body, secret};
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// Tells who the request comes from.
#[utoipa::path(get, path = "/v1/me", tag = "access",
    responses((status = 200, description = "Who it is.", body = MeJson)))]
pub(crate) async fn who_am_i(caller: Caller) -> Json<MeJson> {
    let principal = caller.principal.as_ref();
    let (kind, id, name, ends_at) = match principal {
        Principal::User { user, session } => (
            MeKind::User,
            user.id.to_string(),
            user.name.to_string(),
            Some(session.ends_at()),
        ),
        Principal::Token(token) => (
            MeKind::Token,
            token.id.to_string(),
            token.name.to_string(),
            Some(token.expires_at),
        ),
        Principal::Server(server) => (
            MeKind::BackupServer,
            server.id.to_string(),
            server.name.to_string(),
            None,
        ),
    };
    Json(MeJson {
        kind,
        id,
        name,
        roles: principal.roles().iter().map(|role| role.to_string()).collect(),
        may_export: principal.may(Operation::ExportKeysets),
        ends_at: ends_at.map(|at| at.to_string()),
    })
}

/// Changes the password of who is signed in. All sessions of that person end, this one too.
#[utoipa::path(put, path = "/v1/me/password", tag = "access", request_body = ChangePasswordRequest,
    responses((status = 204, description = "It was changed. Sign in again.")))]
pub(crate) async fn change_my_password(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::OwnAccount>,
    Body(request): Body<ChangePasswordRequest>,
) -> Result<StatusCode, ApiProblem> {
    let Principal::User { user, .. } = caller.principal.as_ref() else {
        return Err(AccessError::Forbidden {
            who: caller.actor().to_string(),
            operation: Operation::OwnAccount,
        }
        .into());
    };
    let _turn = service.sign_ins.try_acquire().map_err(|_| Known::Overloaded)?;
    let records = service.records(&caller.view);
    let (passwords, randomness) = (
        service.tools.passwords.as_ref(),
        service.tools.randomness.as_ref(),
    );
    let sign_in = service.sign_in(&caller.view);
    let (old, new) = (secret(&request.old_password), secret(&request.new_password));
    sign_in.check_again(user, &old, &caller.from).await?;
    let manage = ManageUsers {
        records,
        passwords,
        randomness,
    };
    manage.set_password(&caller.actor(), &user.name, &new).await?;
    Ok(StatusCode::NO_CONTENT)
}
