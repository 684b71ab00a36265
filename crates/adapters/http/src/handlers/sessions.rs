use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keystead_application::use_cases::{AccessError, FirstAdmin, KnownPlace, Principal, SignedIn};
use keystead_domain::UserName;
use keystead_wire::{SecretText, SessionJson, SetUpRequest, SignInRequest, UserJson};
use zeroize::Zeroizing;

use crate::caller::{May, check_same_origin, client_address, csrf_token, to};
use crate::cookies::{self, PLACE, SESSION};
use crate::input::{Body, secret};
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// Makes the first admin, by the one-time code that the service printed when it started.
#[utoipa::path(post, path = "/v1/setup", tag = "access", request_body = SetUpRequest,
    responses((status = 201, description = "The admin, who can sign in now.", body = UserJson)))]
pub(crate) async fn set_up(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Body(request): Body<SetUpRequest>,
) -> Result<(StatusCode, Json<UserJson>), ApiProblem> {
    check_same_origin(&headers)?;
    let SetUpRequest { code, name, password } = request;
    let name: UserName = name.parse().map_err(AccessError::from)?;
    let _turn = service.sign_ins.try_acquire().map_err(|_| Known::Overloaded)?;
    let view = service.views.now().await?;
    let first = FirstAdmin {
        records: service.records(&view),
        passwords: service.tools.passwords.as_ref(),
        randomness: service.tools.randomness.as_ref(),
    };
    let user = first
        .run(code.expose().as_bytes(), name, &secret(&password))
        .await?;
    Ok((StatusCode::CREATED, Json(UserJson::from(&user))))
}

/// Signs a person in. The session is a cookie; changes bring its CSRF token in the header `X-CSRF-Token`.
#[utoipa::path(post, path = "/v1/sessions", tag = "access", request_body = SignInRequest,
    responses((status = 201, description = "The session.", body = SessionJson, headers(("set-cookie" = String, description = "The session.")))))]
pub(crate) async fn sign_in(
    State(service): State<Arc<Service>>,
    head: HeadOnly,
    Body(request): Body<SignInRequest>,
) -> Result<Response, ApiProblem> {
    let HeadOnly { headers, from } = head;
    check_same_origin(&headers)?;
    let SignInRequest { name, password } = request;
    // Comparing a password is work: what would have to wait for long is refused, and the rest goes on.
    let _turn = service.sign_ins.try_acquire().map_err(|_| Known::Overloaded)?;
    let view = service.views.now().await?;
    let place = cookies::find(&headers, PLACE);
    let place = place
        .and_then(|place| String::from_utf8(place.expose().to_vec()).ok())
        .map(KnownPlace);
    let sign_in = service.sign_in(&view);
    let signed_in = sign_in
        .run(&name, &secret(&password), place.as_ref(), &from)
        .await;
    let signed_in = signed_in.map_err(|error| match error {
        AccessError::TooManyAttempts(wait) => {
            let seconds = wait.0.as_secs() + 1;
            ApiProblem::from(AccessError::from(wait)).after_seconds(seconds)
        }
        other => other.into(),
    })?;
    answer(&service, &signed_in)
}

fn answer(service: &Service, signed_in: &SignedIn) -> Result<Response, ApiProblem> {
    let SignedIn {
        user,
        session,
        secret,
        place,
    } = signed_in;
    let json = SessionJson {
        user: UserJson::from(user),
        csrf_token: SecretText::new(Zeroizing::new(csrf_token(secret))),
        ends_at: session.ends_at().to_string(),
    };
    let value = Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned());
    let mut response = (StatusCode::CREATED, Json(json)).into_response();
    let options = &service.options;
    let cookies = [
        cookies::set(SESSION, &value, false, options),
        cookies::set(PLACE, &place.0, true, options),
    ];
    for cookie in cookies {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookie.ok_or(Known::Internal)?);
    }
    Ok(response)
}

/// Signs out: the session is none any more.
#[utoipa::path(delete, path = "/v1/sessions/current", tag = "access",
    responses((status = 204, description = "Signed out.")))]
pub(crate) async fn sign_out(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::OwnAccount>,
) -> Result<Response, ApiProblem> {
    if let Principal::User { user, session } = caller.principal.as_ref() {
        let sign_in = service.sign_in(&caller.view);
        sign_in.out(user, session).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = cookies::clear(SESSION, &service.options) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The head of a request whose body is read besides.
pub(crate) struct HeadOnly {
    headers: HeaderMap,
    pub(crate) from: String,
}

impl axum::extract::FromRequestParts<Arc<Service>> for HeadOnly {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Self::Rejection> {
        Ok(Self {
            from: client_address(parts, service),
            headers: parts.headers.clone(),
        })
    }
}
