use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keystead_application::use_cases::BrowseKeysets;
use keystead_domain::{KeysetReference, Recipient};
use serde::{Deserialize, Serialize};

use crate::caller::{May, to};
use crate::input::{Path, Query, is_known, keyset};
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// The forms of a public key, ready to be sent.
pub(crate) struct PublicKeyForms {
    forms: [Form; 3],
}

#[derive(Clone)]
struct Form {
    body: Bytes,
    etag: HeaderValue,
    kind: HeaderValue,
}

/// How a public key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyForm {
    /// SubjectPublicKeyInfo in PEM (RFC 7468).
    Pem,
    /// A line as OpenSSH writes it: what age takes as a recipient.
    Openssh,
    /// A JSON Web Key (RFC 7517), for RSA-OAEP-256.
    Jwk,
}

const FORMS: [(KeyForm, &str); 3] = [
    (KeyForm::Pem, "application/x-pem-file"),
    (KeyForm::Openssh, "text/plain; charset=utf-8"),
    (KeyForm::Jwk, "application/jwk+json"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormQuery {
    format: Option<KeyForm>,
}

/// A JSON Web Key. Source: RFC 7517 and RFC 7518, section 6.3.1.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct PublicJwk {
    /// The kind of key: `RSA`.
    kty: &'static str,
    /// What it is for: `enc`.
    #[serde(rename = "use")]
    purpose: &'static str,
    /// How it is used: `RSA-OAEP-256`.
    alg: &'static str,
    /// The keyset's fingerprint.
    kid: String,
    /// The modulus, base64url.
    n: String,
    /// The public exponent, base64url.
    e: String,
}

/// Gives the public key of a keyset, to seal to.
///
/// Without `format`, the header `Accept` decides; PEM when it does not say.
#[utoipa::path(get, path = "/v1/keysets/{keyset}/public-key", tag = "keysets", params(
    ("keyset" = String, Path, description = "Its id, 8 digits or more of its fingerprint, or `active`."),
    ("format" = Option<KeyForm>, Query, description = "How it is written."),
    ("if-none-match" = Option<String>, Header, description = "The ETag of what is known already."),
), responses(
    (status = 200, description = "The public key.", content((String = "application/x-pem-file"), (String = "text/plain"), (PublicJwk = "application/jwk+json")),
        headers(("etag" = String, description = "Names the key and its form."))),
    (status = 304, description = "It is what is known already."),
))]
pub(crate) async fn get_public_key(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadPublicKeys>,
    Path(reference): Path,
    Query(query): Query<FormQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let form = match query.format {
        Some(form) => form,
        None => accepted(&headers)?,
    };
    let reference = keyset(&reference)?;
    let forms = match reference {
        // What every machine asks for, again and again.
        KeysetReference::Active => {
            let made = || async { made(&service, &reference).await.map(Arc::new) };
            let view = &caller.view;
            Arc::clone(view.active_key.get_or_try_init(made).await?)
        }
        _ => Arc::new(made(&service, &reference).await?),
    };
    Ok(answer(&forms.forms[form as usize], &headers))
}

fn answer(form: &Form, headers: &HeaderMap) -> Response {
    let Form { body, etag, kind } = form.clone();
    let is_known = etag.to_str().is_ok_and(|etag| is_known(headers, etag));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let mut response = Response::new(body.into());
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
    };
    let answered = response.headers_mut();
    answered.insert(header::ETAG, etag);
    // It may be kept, and is asked for again before it is used: another keyset may be Active.
    answered.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    answered.insert(
        header::VARY,
        HeaderValue::from_static("accept, authorization, cookie"),
    );
    response
}

async fn made(service: &Service, reference: &KeysetReference) -> Result<PublicKeyForms, ApiProblem> {
    let browse = BrowseKeysets {
        store: service.store.as_ref(),
    };
    let (keyset, recipient): (_, Recipient) = browse.recipient(service.tools.rsa.as_ref(), reference).await?;
    let fingerprint = keyset.fingerprint();
    let pem = pem::encode_config(
        &pem::Pem::new("PUBLIC KEY", keyset.public_key().spki_der()),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    );
    let jwk = PublicJwk {
        kty: "RSA",
        purpose: "enc",
        alg: "RSA-OAEP-256",
        kid: fingerprint.to_string(),
        n: URL_SAFE_NO_PAD.encode(&recipient.numbers().modulus),
        e: URL_SAFE_NO_PAD.encode(&recipient.numbers().exponent),
    };
    let jwk = serde_json::to_string(&jwk).map_err(|_| Known::Internal)?;
    let texts = [pem, format!("{recipient}\n"), jwk];
    let mut forms = FORMS.into_iter().zip(texts).map(|((form, kind), text)| {
        let name = format!("\"{fingerprint}-{form:?}\"").to_lowercase();
        Some(Form {
            body: text.into(),
            etag: HeaderValue::from_str(&name).ok()?,
            kind: HeaderValue::from_static(kind),
        })
    });
    let mut next = || forms.next().flatten().ok_or(Known::Internal);
    Ok(PublicKeyForms {
        forms: [next()?, next()?, next()?],
    })
}

/// The first form that is accepted, by its weight and then its place.
fn accepted(headers: &HeaderMap) -> Result<KeyForm, ApiProblem> {
    let mut wanted: Vec<(u16, KeyForm)> = Vec::new();
    let mut said_any = false;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',').take(50) {
            said_any = true;
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
            let weight = (weight.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0) as u16;
            let form = match kind.as_str() {
                "*/*" | "application/*" | "application/x-pem-file" => KeyForm::Pem,
                "text/*" | "text/plain" => KeyForm::Openssh,
                "application/jwk+json" | "application/json" => KeyForm::Jwk,
                _ => continue,
            };
            if weight > 0 {
                wanted.push((weight, form));
            }
        }
    }
    if !said_any {
        return Ok(KeyForm::Pem);
    }
    // The first of the greatest weight.
    let best = wanted.iter().map(|(weight, _)| *weight).max();
    let found = wanted.into_iter().find(|(weight, _)| Some(*weight) == best);
    let none = || Known::NotAcceptable("application/x-pem-file, text/plain and application/jwk+json").into();
    found.map(|(_, form)| form).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(accept: &str) -> Option<KeyForm> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        accepted(&headers).ok()
    }

    #[test]
    fn the_form_follows_what_is_accepted() {
        assert_eq!(accepted(&HeaderMap::new()).ok(), Some(KeyForm::Pem));
        assert_eq!(form("*/*"), Some(KeyForm::Pem));
        assert_eq!(form("application/json;q=0.5, text/plain"), Some(KeyForm::Openssh));
        assert_eq!(form("text/html, application/jwk+json;q=0.1"), Some(KeyForm::Jwk));
        assert_eq!(form("text/html"), None);
        assert_eq!(form("text/plain;q=0"), None);
    }
}
