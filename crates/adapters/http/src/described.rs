//! The description of the API: OpenAPI 3.1, made from the handlers, and a page to browse it with.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use keystead_domain::Role;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::problem::{ApiProblem, Known, PROBLEM_TYPE};
use crate::routes::{ROUTES, Route, RouteAccess, all};
use crate::service::Service;

/// What the page may load: its own scripts, and styles that its script makes.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Keystead",
        description = "Keeps encrypted backups openable after the password is lost.\n\nErrors are problem details \
            (RFC 9457); their kinds are listed in the documentation. People sign in with a password and get a session; \
            programs send a token, and enrolled backup servers a JSON Web Token that they sign with their identity, as \
            `Authorization: Bearer`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(keystead_wire::Problem, crate::handlers::public_key::KeyForm)),
    tags(
        (name = "access", description = "Signing in"),
        (name = "keysets", description = "Keysets, their public keys, exports and imports"),
        (name = "shares", description = "Places that exports go to"),
        (name = "servers", description = "Backup servers"),
        (name = "rules", description = "Officers, and the rules for recoveries"),
        (name = "recoveries", description = "Recovery requests, for people"),
        (name = "server", description = "Recovery requests, for the backup server that makes them"),
        (name = "audit", description = "The audit trail"),
        (name = "users", description = "People who may sign in"),
        (name = "tokens", description = "What programs sign in with"),
        (name = "jobs", description = "Long work"),
        (name = "system", description = "Looking after the service"),
    )
)]
struct Described;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(description);

/// The description of the API, as it is kept with the documentation: JSON with a line end.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&*DESCRIPTION).unwrap_or_default();
    text.push('\n');
    text
}

fn description() -> Value {
    let (_, api) = all().split_for_parts();
    let mut all = Described::openapi();
    all.merge(api);
    let mut value = serde_json::to_value(&all).unwrap_or_default();
    value["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token, or a JSON Web Token of a backup server."},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-keystead_session",
            "description": "A session. Changes also bring the header X-CSRF-Token."},
    });
    for route in &ROUTES {
        let operation = &mut value["paths"][route.path][route.method.to_lowercase()];
        if operation.is_object() {
            complete(operation, route);
        }
    }
    value
}

/// A parameter that is optional may be absent; it is never the word null.
fn without_null(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [one] = kinds.as_slice() {
            let one = one.clone();
            schema["type"] = one;
        }
    }
    if let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        choices.retain(|choice| choice["type"] != "null");
        if let [one] = choices.as_slice() {
            let one = one.clone();
            *schema = one;
        }
    }
}

/// What is the same for all: who may, and what errors look like.
fn complete(operation: &mut Value, route: &Route) {
    operation["operationId"] = json!(route.name);
    if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        parameters
            .iter_mut()
            .for_each(|parameter| without_null(&mut parameter["schema"]));
    }
    let problem = json!({
        "description": "Why it was not done.",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let of = |description: &str| {
        let mut problem = problem.clone();
        problem["description"] = json!(description);
        problem
    };
    let who = match route.access {
        RouteAccess::Everybody => None,
        RouteAccess::Known => Some("Everybody who is known may do this.".to_owned()),
        RouteAccess::Allowed(op) => {
            let roles = Role::ALL.into_iter().filter(|role| role.may(op));
            let roles: Vec<&str> = roles.map(Role::as_str).collect();
            Some(format!("Roles: {}.", roles.join(", ")))
        }
    };
    operation["responses"]["default"] = problem.clone();
    let Some(who) = who else {
        operation["security"] = json!([]);
        return;
    };
    operation["security"] = json!([{"bearer": []}, {"session": []}]);
    operation["responses"]["401"] = of("Nobody is signed in.");
    operation["responses"]["403"] = of("It is not allowed.");
    let before = operation["description"].as_str().unwrap_or_default();
    operation["description"] = json!(format!("{before}\n\n{who}").trim());
}

/// The description, and the page.
pub(crate) fn pages() -> Router<Arc<Service>> {
    Router::new()
        .route("/openapi.json", get(|| async { Json(&*DESCRIPTION) }))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { file("index.html") }))
        .route(
            "/docs/{file}",
            get(|Path(name): Path<String>| async move { file(&name) }),
        )
}

static PAGE: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> = LazyLock::new(|| {
    let config = utoipa_swagger_ui::Config::from("/openapi.json")
        .try_it_out_enabled(false)
        .persist_authorization(false)
        .validator_url("none");
    Arc::new(config)
});

fn file(name: &str) -> Response {
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&PAGE));
    let Ok(Some(found)) = found else {
        return ApiProblem::from(Known::NoSuchRoute).into_response();
    };
    let mut response = (StatusCode::OK, found.bytes.into_owned()).into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&found.content_type) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
