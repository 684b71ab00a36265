use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use keystead_application::use_cases::{AccessError, ManageUsers, UserRequest};
use keystead_domain::UserName;
use keystead_wire::{AddUserRequest, EditUserRequest, UserJson, UsersJson};

use super::versioned;
use crate::caller::{Caller, May, may_look_after, to};
use crate::input::{Body, Path, Query, WithReason, bad, if_match, roles, secret};
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

fn manage<'a>(service: &'a Service, caller: &'a Caller) -> ManageUsers<'a> {
    ManageUsers {
        records: service.records(&caller.view),
        passwords: service.tools.passwords.as_ref(),
        randomness: service.tools.randomness.as_ref(),
    }
}

/// The user of a path. What cannot be a name is nobody's.
fn named(text: &str) -> Result<UserName, ApiProblem> {
    text.parse().map_err(|_| {
        let mut problem = crate::problem::problem_of("user-not-found");
        "it was not found".clone_into(&mut problem.title);
        "no user has such a name".clone_into(&mut problem.detail);
        ApiProblem::of(problem)
    })
}

/// Lists users, with those who were removed.
#[utoipa::path(get, path = "/v1/users", tag = "users",
    responses((status = 200, description = "The users.", body = UsersJson)))]
pub(crate) async fn list_users(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageUsers>,
) -> Result<Json<UsersJson>, ApiProblem> {
    Ok(Json(UsersJson::new(&manage(&service, &caller).list().await?)))
}

/// Adds a person who may sign in.
#[utoipa::path(post, path = "/v1/users", tag = "users", request_body = AddUserRequest,
    responses((status = 201, description = "The user.", body = UserJson)))]
pub(crate) async fn add_user(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageUsers>,
    Body(request): Body<AddUserRequest>,
) -> Result<Response, ApiProblem> {
    let request = UserRequest {
        name: request.name.parse().map_err(AccessError::from)?,
        roles: roles(&request.roles)?,
        password: secret(&request.password),
    };
    may_look_after(&service, &caller, request.roles).await?;
    let _turn = service.sign_ins.try_acquire().map_err(|_| Known::Overloaded)?;
    let user = manage(&service, &caller).add(&caller.actor(), request).await?;
    Ok(versioned(
        StatusCode::CREATED,
        user.version,
        UserJson::from(&user),
    ))
}

/// Shows a user.
#[utoipa::path(get, path = "/v1/users/{user}", tag = "users", params(("user" = String, Path, description = "The name.")),
    responses((status = 200, description = "The user.", body = UserJson, headers(("etag" = String, description = "Its version.")))))]
pub(crate) async fn show_user(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageUsers>,
    Path(name): Path,
) -> Result<Response, ApiProblem> {
    let user = manage(&service, &caller).show(&named(&name)?).await?;
    Ok(versioned(StatusCode::OK, user.version, UserJson::from(&user)))
}

/// Gives a user other roles, or another password, or both.
#[utoipa::path(patch, path = "/v1/users/{user}", tag = "users", request_body = EditUserRequest, params(
    ("user" = String, Path, description = "The name."),
    ("if-match" = Option<String>, Header, description = "The ETag of the user as it was looked at."),
), responses((status = 200, description = "The user.", body = UserJson, headers(("etag" = String, description = "Its version.")))))]
pub(crate) async fn edit_user(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageUsers>,
    Path(name): Path,
    headers: HeaderMap,
    Body(request): Body<EditUserRequest>,
) -> Result<Response, ApiProblem> {
    let EditUserRequest {
        roles: words,
        password,
    } = request;
    let (manage, name, actor) = (manage(&service, &caller), named(&name)?, caller.actor());
    // What is wrong with the password is told before the roles are changed.
    let password = password.as_ref().map(secret);
    if let Some(password) = &password {
        password.check_for_user(&name).map_err(AccessError::from)?;
    }
    let words = words.as_deref().map(roles).transpose()?;
    let before = manage.show(&name).await?;
    for roles in words.into_iter().chain([before.roles]) {
        may_look_after(&service, &caller, roles).await?;
    }
    let user = match (words, &password) {
        (None, None) => return Err(bad("body", "neither roles nor a password are given")),
        (Some(words), _) => {
            let changed = manage.set_roles(&actor, &name, words, if_match(&headers)?).await;
            changed.map_err(|error| ApiProblem::from(error).for_precondition())?
        }
        (None, Some(_)) => {
            if if_match(&headers)?.is_some_and(|seen| seen != before.version) {
                return Err(Known::VersionChanged.into());
            }
            before
        }
    };
    let user = match &password {
        Some(password) => {
            let _turn = service.sign_ins.try_acquire().map_err(|_| Known::Overloaded)?;
            manage.set_password(&actor, &name, password).await?
        }
        None => user,
    };
    Ok(versioned(StatusCode::OK, user.version, UserJson::from(&user)))
}

/// Removes a user: nobody signs in as it any more, and its sessions end.
#[utoipa::path(delete, path = "/v1/users/{user}", tag = "users", params(
    ("user" = String, Path, description = "The name."),
    ("reason" = Option<String>, Query, min_length = 1, max_length = 200, description = "Why."),
), responses((status = 200, description = "The user, removed.", body = UserJson)))]
pub(crate) async fn remove_user(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageUsers>,
    Path(name): Path,
    Query(why): Query<WithReason>,
) -> Result<Json<UserJson>, ApiProblem> {
    let (name, reason) = (named(&name)?, why.read()?);
    let manage = manage(&service, &caller);
    let removed = manage.remove(&caller.actor(), &name, reason.as_ref()).await?;
    Ok(Json(UserJson::from(&removed)))
}

/// Forgets wrong passwords of a user, so that the next try need not wait.
#[utoipa::path(post, path = "/v1/users/{user}/unlock", tag = "users", params(("user" = String, Path, description = "The name.")),
    responses((status = 204, description = "They are forgotten.")))]
pub(crate) async fn unlock_user(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageUsers>,
    Path(name): Path,
) -> Result<StatusCode, ApiProblem> {
    manage(&service, &caller)
        .unlock(&caller.actor(), &named(&name)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
