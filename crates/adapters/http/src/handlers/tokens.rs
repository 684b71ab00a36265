use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keystead_application::use_cases::{ManageTokens, NewToken, TokenRequest};
use keystead_domain::TOKEN_LIFETIME;
use keystead_wire::{CreateTokenRequest, NewTokenJson, SecretText, TokenJson, TokensJson};
use zeroize::Zeroizing;

use super::exports::confirm;
use crate::caller::{Caller, May, to};
use crate::input::{Body, Path, Query, WithReason, parsed, person};
use crate::problem::ApiProblem;
use crate::service::Service;

const DAY: u64 = 24 * 3600;

fn manage<'a>(service: &'a Service, caller: &'a Caller) -> ManageTokens<'a> {
    ManageTokens {
        records: service.records(&caller.view),
        randomness: service.tools.randomness.as_ref(),
    }
}

/// Lists tokens, the newest first, with those that ended or were revoked.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens",
    responses((status = 200, description = "The tokens.", body = TokensJson)))]
pub(crate) async fn list_tokens(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageTokens>,
) -> Result<Json<TokensJson>, ApiProblem> {
    Ok(Json(TokensJson::new(&manage(&service, &caller).list().await?)))
}

/// Makes a token for a program. Its secret is told once.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = CreateTokenRequest,
    responses((status = 201, description = "The token.", body = NewTokenJson)))]
pub(crate) async fn create_token(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageTokens>,
    Body(request): Body<CreateTokenRequest>,
) -> Result<(StatusCode, Json<NewTokenJson>), ApiProblem> {
    let CreateTokenRequest {
        name,
        role,
        may_export,
        days,
        password,
    } = request;
    let request = TokenRequest {
        name: person("name", &name)?,
        role: parsed("role", &role)?,
        may_export,
        lifetime: days.map_or(TOKEN_LIFETIME, |days| Duration::from_secs(u64::from(days) * DAY)),
    };
    if may_export {
        // A token that may export makes another one only when it may itself; a person gives the password.
        crate::caller::may_export(&service, &caller).await?;
        confirm(&service, &caller, password.as_ref()).await?;
    }
    let NewToken { secret, token } = manage(&service, &caller).create(&caller.actor(), request).await?;
    let text = Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned());
    let json = NewTokenJson {
        token: SecretText::new(text),
        about: TokenJson::from(&token),
    };
    Ok((StatusCode::CREATED, Json(json)))
}

/// Revokes a token, at once and for good.
#[utoipa::path(delete, path = "/v1/tokens/{token}", tag = "tokens", params(
    ("token" = String, Path, description = "Its id."),
    ("reason" = Option<String>, Query, min_length = 1, max_length = 200, description = "Why."),
), responses((status = 200, description = "The token, revoked.", body = TokenJson)))]
pub(crate) async fn revoke_token(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ManageTokens>,
    Path(id): Path,
    Query(why): Query<WithReason>,
) -> Result<Json<TokenJson>, ApiProblem> {
    let reason = why.read()?;
    let manage = manage(&service, &caller);
    let revoked = manage.revoke(&caller.actor(), &id, reason.as_ref()).await?;
    Ok(Json(TokenJson::from(&revoked)))
}
