use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keystead_application::ports::{KeysetCursor, RandomnessExt};
use keystead_application::use_cases::{
    AccessError, ActivateKeyset, BrowseKeysets, DeleteKeyset, EditKeyset, Jobs, KeysetError,
};
use keystead_domain::keyset::Force;
use keystead_domain::{GenerateBits, JobWork, KeysetId, Timestamp};
use keystead_wire::{
    ActivatedJson, CreateKeysetRequest, EditKeysetRequest, JobJson, KeysetJson, KeysetListJson, Problem,
};

use super::jobs::{job_json, location};
use super::versioned;
use crate::caller::{May, to};
use crate::input::{Body, Page, Path, Query, WithReason, bad, if_match, job_id, keyset, parsed};
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// Lists keysets, oldest first.
#[utoipa::path(get, path = "/v1/keysets", tag = "keysets", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 when absent."),
    ("after" = Option<String>, Query, max_length = 100, description = "Where to go on: `next` of the page before."),
), responses((status = 200, description = "A page of keysets.", body = KeysetListJson)))]
pub(crate) async fn list_keysets(
    State(service): State<Arc<Service>>,
    _: May<to::ReadKeysets>,
    Query(page): Query<Page>,
) -> Result<Json<KeysetListJson>, ApiProblem> {
    let after = page.after.as_deref().map(cursor).transpose()?;
    let browse = BrowseKeysets {
        store: service.store.as_ref(),
    };
    let found = browse.list(after, page.limit()?).await?;
    let next = found
        .next
        .map(|next| format!("{}.{}", next.created_at.as_micros(), next.id));
    Ok(Json(KeysetListJson::new(&found.keysets, &found.damaged, next)))
}

fn cursor(text: &str) -> Result<KeysetCursor, ApiProblem> {
    let read = || {
        let (micros, id) = text.split_once('.')?;
        Some(KeysetCursor {
            created_at: Timestamp::from_micros(micros.parse().ok()?).ok()?,
            id: id.parse::<KeysetId>().ok()?,
        })
    };
    read().ok_or_else(|| bad("after", "it is not the `next` of a page of this list"))
}

/// Shows a keyset.
#[utoipa::path(get, path = "/v1/keysets/{keyset}", tag = "keysets", params(
    ("keyset" = String, Path, description = "Its id, 8 digits or more of its fingerprint, or `active`."),
), responses((status = 200, description = "The keyset.", body = KeysetJson, headers(("etag" = String, description = "Its version.")))))]
pub(crate) async fn show_keyset(
    State(service): State<Arc<Service>>,
    _: May<to::ReadKeysets>,
    Path(reference): Path,
) -> Result<Response, ApiProblem> {
    let browse = BrowseKeysets {
        store: service.store.as_ref(),
    };
    let found = browse.show(&keyset(&reference)?).await?;
    Ok(versioned(
        StatusCode::OK,
        found.version(),
        KeysetJson::from(&found),
    ))
}

/// Generates a keyset. That takes a while, so the answer is a job.
#[utoipa::path(post, path = "/v1/keysets", tag = "keysets", request_body = CreateKeysetRequest, params(
    ("idempotency-key" = Option<String>, Header, min_length = 1, max_length = 255, description = "Makes a repeated request the same job."),
), responses((status = 202, description = "The job; its result will be the keyset.", body = JobJson,
    headers(("location" = String, description = "Where to look at the job.")))))]
pub(crate) async fn create_keyset(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeKeysets>,
    headers: HeaderMap,
    Body(request): Body<CreateKeysetRequest>,
) -> Result<Response, ApiProblem> {
    let CreateKeysetRequest { hint, bits, activate } = request;
    let bits = bits.unwrap_or(service.tools.default_bits);
    let work = JobWork::CreateKeyset {
        hint: parsed("hint", &hint)?,
        bits: GenerateBits::try_from(bits).map_err(|error| bad("bits", error))?,
        activate,
    };
    submit(&service, &caller, &headers, work).await
}

/// Keeps a job, and answers with it.
pub(crate) async fn submit(
    service: &Service,
    caller: &crate::caller::Caller,
    headers: &HeaderMap,
    work: JobWork,
) -> Result<Response, ApiProblem> {
    let random = service.tools.randomness.bytes().map_err(AccessError::from)?;
    let actor = caller.actor();
    let id = job_id(headers, &actor.to_string(), random)?;
    let jobs = Jobs {
        records: service.records(&caller.view),
    };
    let job = jobs.submit(&actor, id, work).await?;
    service.new_job.notify_one();
    let json = job_json(service, caller, &job, false).await?;
    let mut response = (StatusCode::ACCEPTED, Json(json)).into_response();
    if let Ok(value) = HeaderValue::from_str(&location(job.id)) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// Gives a keyset another hint. Exports that exist keep the one that they were made with.
#[utoipa::path(patch, path = "/v1/keysets/{keyset}", tag = "keysets", request_body = EditKeysetRequest, params(
    ("keyset" = String, Path, description = "Its id, 8 digits or more of its fingerprint, or `active`."),
    ("if-match" = Option<String>, Header, description = "The ETag of the keyset as it was looked at."),
), responses((status = 200, description = "The keyset.", body = KeysetJson, headers(("etag" = String, description = "Its version.")))))]
pub(crate) async fn edit_keyset(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeKeysets>,
    Path(reference): Path,
    headers: HeaderMap,
    Body(request): Body<EditKeysetRequest>,
) -> Result<Response, ApiProblem> {
    let edit = EditKeyset {
        store: service.store.as_ref(),
        clock: service.clock(),
    };
    let (reference, hint) = (keyset(&reference)?, parsed("hint", &request.hint)?);
    let edited = match if_match(&headers)? {
        Some(seen) => edit.run_as_seen(&caller.actor(), &reference, hint, seen).await,
        None => edit.run(&caller.actor(), &reference, hint).await,
    };
    let edited = edited.map_err(precondition)?;
    Ok(versioned(
        StatusCode::OK,
        edited.version(),
        KeysetJson::from(&edited),
    ))
}

/// Makes a keyset the Active one; the one that was is Inactive then, in the same moment.
#[utoipa::path(post, path = "/v1/keysets/{keyset}/activate", tag = "keysets", params(
    ("keyset" = String, Path, description = "Its id, 8 digits or more of its fingerprint, or `active`."),
    ("if-match" = Option<String>, Header, description = "The ETag of the keyset as it was looked at."),
), responses((status = 200, description = "What came of it.", body = ActivatedJson)))]
pub(crate) async fn activate_keyset(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeKeysets>,
    Path(reference): Path,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let activate = ActivateKeyset {
        store: service.store.as_ref(),
        clock: service.clock(),
    };
    let reference = keyset(&reference)?;
    let activated = match if_match(&headers)? {
        Some(seen) => activate.run_as_seen(&caller.actor(), &reference, seen).await,
        None => activate.run(&caller.actor(), &reference).await,
    };
    let activated = activated.map_err(precondition)?;
    let version = activated.keyset.version();
    Ok(versioned(
        StatusCode::OK,
        version,
        ActivatedJson::from(&activated),
    ))
}

/// Deletes a keyset and its private key for good, as it was looked at.
#[utoipa::path(delete, path = "/v1/keysets/{keyset}", tag = "keysets", params(
    ("keyset" = String, Path, description = "Its id, 8 digits or more of its fingerprint."),
    ("if-match" = String, Header, description = "The ETag of the keyset as it was looked at."),
    ("reason" = Option<String>, Query, min_length = 1, max_length = 200, description = "Why it is deleted although it was never exported."),
), responses((status = 200, description = "What was deleted.", body = KeysetJson), (status = 428, description = "The header If-Match is missing.", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn delete_keyset(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeKeysets>,
    Path(reference): Path,
    Query(why): Query<WithReason>,
    headers: HeaderMap,
) -> Result<Json<KeysetJson>, ApiProblem> {
    let reference = keyset(&reference)?;
    let force = why.read()?.map(|reason| Force { reason });
    if !headers.contains_key(header::IF_MATCH) {
        return Err(Known::VersionNeeded.into());
    }
    let store = service.store.as_ref();
    let seen = BrowseKeysets { store }.show(&reference).await?;
    if if_match(&headers)?.is_some_and(|version| version != seen.version()) {
        return Err(Known::VersionChanged.into());
    }
    let delete = DeleteKeyset {
        store,
        clock: service.clock(),
    };
    let deleted = delete
        .run(&caller.actor(), &seen, force)
        .await
        .map_err(precondition)?;
    Ok(Json(KeysetJson::from(&deleted)))
}

fn precondition(error: KeysetError) -> ApiProblem {
    ApiProblem::from(error).for_precondition()
}
