//! What requests bring, read strictly: what is not understood is refused, with the reason.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use keystead_domain::keyset::Version;
use keystead_domain::{JobId, KeysetReference, Passphrase, PersonName, Reason, Roles, Sha256Digest};
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use crate::problem::{ApiProblem, Known, problem_of};

/// The longest body of a request that is no file.
pub(crate) const SMALL_BODY: usize = 64 * 1024;
/// The greatest page of a list.
const MAX_LIMIT: u32 = 1000;
const USUAL_LIMIT: u32 = 100;
/// The longest key of a request that may be repeated.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        read_json(json_bytes(request, state).await?).map(Self)
    }
}

async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiProblem> {
    if !is_json(request.headers()) {
        return Err(Known::NotJson.into());
    }
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let problem = match rejection.status().as_u16() {
            413 => Known::TooLarge,
            _ => Known::BadBody("it did not arrive whole".to_owned()),
        };
        problem.into()
    })
}

/// A JSON body that may be absent.
pub(crate) struct MaybeBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        let said = request.headers().contains_key(header::CONTENT_TYPE);
        match said {
            true => Body::from_request(request, state)
                .await
                .map(|Body(body)| Self(body)),
            false => Ok(Self(T::default())),
        }
    }
}

/// Reads JSON, and wipes it where nobody else has it: it may hold passwords.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: Bytes) -> Result<T, ApiProblem> {
    // The library takes a list for the fields of an object in their order; nobody asked for that.
    let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
    if !is_object {
        return Err(Known::BadBody("it is no JSON object".to_owned()).into());
    }
    let read = serde_json::from_slice(&bytes).map_err(|error| {
        // The texts of the parser name fields and places, never values of strings... except of words that it knows.
        ApiProblem::from(Known::BadBody(harmless(&error)))
    });
    if let Ok(mut own) = bytes.try_into_mut() {
        own.as_mut().zeroize();
    }
    read
}

/// What is wrong with a text, without the text: it may be a secret in the wrong field.
fn harmless(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it is not well-formed",
        serde_json::error::Category::Io => "it could not be read",
        serde_json::error::Category::Data => {
            let text = error.to_string();
            let known = ["missing field", "unknown field", "duplicate field"];
            return match known.iter().any(|known| text.starts_with(known)) {
                true => text.chars().take(200).collect(),
                false => format!("a field is not of its type at {place}"),
            };
        }
    };
    format!("{kind} at {place}")
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        let kind = value.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    })
}

/// A query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| {
                let text: String = rejection.body_text().chars().take(200).collect();
                Known::BadQuery(text).into()
            })
    }
}

/// A part of the path.
pub(crate) struct Path(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        axum::extract::Path::<String>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(text)| Self(text))
            .map_err(|_| Known::NoSuchRoute.into())
    }
}

/// A page of a list.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

impl Page {
    pub(crate) fn limit(&self) -> Result<u32, ApiProblem> {
        match self.limit.unwrap_or(USUAL_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            other => Err(bad("limit", format!("{other} is not between 1 and {MAX_LIMIT}"))),
        }
    }
}

/// The reason that comes with a deletion.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithReason {
    pub(crate) reason: Option<String>,
}

impl WithReason {
    pub(crate) fn read(self) -> Result<Option<Reason>, ApiProblem> {
        self.reason.map(|text| parsed("reason", &text)).transpose()
    }
}

/// A value that is none.
pub(crate) fn bad(what: &'static str, why: impl std::fmt::Display) -> ApiProblem {
    Known::BadValue {
        what,
        why: why.to_string().chars().take(300).collect(),
    }
    .into()
}

pub(crate) fn parsed<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, ApiProblem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| bad(what, error))
}

/// How a keyset is named. What is no name of one names none.
pub(crate) fn keyset(text: &str) -> Result<KeysetReference, ApiProblem> {
    text.parse().map_err(|_| {
        let mut problem = problem_of("keyset-not-found");
        "the keyset was not found".clone_into(&mut problem.title);
        "a keyset is named by its id, by 8 digits or more of its fingerprint, or \"active\""
            .clone_into(&mut problem.detail);
        ApiProblem::of(problem)
    })
}

pub(crate) fn person(what: &'static str, text: &str) -> Result<PersonName, ApiProblem> {
    parsed(what, text)
}

pub(crate) fn roles(words: &[String]) -> Result<Roles, ApiProblem> {
    if words.is_empty() {
        return Err(bad("roles", "at least one is needed"));
    }
    let roles: Result<Vec<_>, _> = words.iter().map(|word| parsed("roles", word)).collect();
    Ok(roles?.into_iter().collect())
}

pub(crate) fn secret(text: &keystead_wire::SecretText) -> Passphrase {
    Passphrase::from(text)
}

/// The version that a change expects, by the header `If-Match`.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<Version>, ApiProblem> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let (value, more) = (values.next(), values.next());
    let Some(value) = value else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" && more.is_none() {
        return Ok(None);
    }
    // One strong ETag, as this service gives them. Any other can be the ETag of nothing here.
    let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    match (number.and_then(|number| number.parse().ok()), more) {
        (Some(version), None) => Ok(Some(Version(version))),
        _ => Err(Known::VersionChanged.into()),
    }
}

/// Whether the answer is known already, by the header `If-None-Match`.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || tag == etag)
}

/// The id of a job: a request that is repeated with the same `Idempotency-Key` by the same one is the same job.
pub(crate) fn job_id(headers: &HeaderMap, who: &str, random: [u8; 16]) -> Result<JobId, ApiProblem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(JobId::from_random_bytes(random));
    };
    let key = key.as_bytes();
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY {
        return Err(bad("Idempotency-Key", "it has 1 to 255 characters"));
    }
    let text = [b"keystead job\n", who.as_bytes(), b"\n", key].concat();
    let digest = Sha256Digest::of(&text);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    Ok(JobId::from_random_bytes(bytes))
}
