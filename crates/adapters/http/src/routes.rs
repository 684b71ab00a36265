//! Every route: what it is called, who may use it, and how long it may take.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use keystead_application::use_cases::MAX_EXPORT_FILE;
use keystead_domain::Operation;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::described;
use crate::handlers::{
    audit, exports, jobs, keysets, me, own, public_key, recoveries, rules, servers, sessions, shares, system,
    tokens, users,
};
use crate::input::SMALL_BODY;
use crate::observe::observe;
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// The longest body with an export in it: the longest export, and room for how JSON writes line ends.
const EXPORT_BODY: usize = MAX_EXPORT_FILE as usize / 8 * 9;
/// The longest body with a recovery request in it: ten thousand headers, and room.
const REQUEST_BODY: usize = 48 * 1024 * 1024;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteAccess {
    /// Everybody: it tells nothing, or asks for a password or code itself.
    Everybody,
    /// Everybody who is known.
    Known,
    /// Those whose role allows it.
    Allowed(Operation),
}

/// How long a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Usual,
    Long,
}

/// A route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) access: RouteAccess,
    pub(crate) pace: Pace,
}

const fn route(method: &'static str, path: &'static str, name: &'static str, access: RouteAccess) -> Route {
    Route {
        method,
        path,
        name,
        access,
        pace: Pace::Usual,
    }
}

const fn may(method: &'static str, path: &'static str, name: &'static str, operation: Operation) -> Route {
    route(method, path, name, RouteAccess::Allowed(operation))
}

const fn long(method: &'static str, path: &'static str, name: &'static str, operation: Operation) -> Route {
    Route {
        pace: Pace::Long,
        ..may(method, path, name, operation)
    }
}

use Operation as Op;

pub(crate) const ROUTES: [Route; 56] = [
    route("GET", "/healthz", "health", RouteAccess::Everybody),
    route("GET", "/readyz", "ready", RouteAccess::Everybody),
    may("GET", "/metrics", "metrics", Op::ReadMetrics),
    route("POST", "/v1/setup", "set_up", RouteAccess::Everybody),
    route("POST", "/v1/sessions", "sign_in", RouteAccess::Everybody),
    may("DELETE", "/v1/sessions/current", "sign_out", Op::OwnAccount),
    route("GET", "/v1/me", "who_am_i", RouteAccess::Known),
    may("PUT", "/v1/me/password", "change_my_password", Op::OwnAccount),
    may("GET", "/v1/keysets", "list_keysets", Op::ReadKeysets),
    may("POST", "/v1/keysets", "create_keyset", Op::ChangeKeysets),
    long("POST", "/v1/keysets/export", "export_keysets", Op::ExportKeysets),
    long(
        "POST",
        "/v1/keysets/export-to-share",
        "export_keysets_to_share",
        Op::ExportKeysets,
    ),
    long("POST", "/v1/keysets/inspect", "inspect_export", Op::ChangeKeysets),
    long("POST", "/v1/keysets/import", "import_keysets", Op::ChangeKeysets),
    may("GET", "/v1/keysets/{keyset}", "show_keyset", Op::ReadKeysets),
    may("PATCH", "/v1/keysets/{keyset}", "edit_keyset", Op::ChangeKeysets),
    may(
        "DELETE",
        "/v1/keysets/{keyset}",
        "delete_keyset",
        Op::ChangeKeysets,
    ),
    may(
        "POST",
        "/v1/keysets/{keyset}/activate",
        "activate_keyset",
        Op::ChangeKeysets,
    ),
    may(
        "GET",
        "/v1/keysets/{keyset}/public-key",
        "get_public_key",
        Op::ReadPublicKeys,
    ),
    may("GET", "/v1/shares", "list_shares", Op::UseShares),
    long("POST", "/v1/shares/{share}/test", "test_share", Op::UseShares),
    may("GET", "/v1/servers", "list_servers", Op::ReadServers),
    may("POST", "/v1/servers", "enrol_server", Op::ChangeServers),
    may("GET", "/v1/servers/{server}", "show_server", Op::ReadServers),
    may(
        "DELETE",
        "/v1/servers/{server}",
        "remove_server",
        Op::ChangeServers,
    ),
    may("POST", "/v1/server-codes", "make_server_code", Op::ChangeServers),
    route("POST", "/v1/enrolments", "enrol_by_code", RouteAccess::Everybody),
    may("GET", "/v1/officers", "list_officers", Op::ReadRules),
    may("POST", "/v1/officers", "add_officer", Op::ChangeRules),
    may(
        "DELETE",
        "/v1/officers/{officer}",
        "remove_officer",
        Op::ChangeRules,
    ),
    may("GET", "/v1/policy", "show_policy", Op::ReadRules),
    may("PATCH", "/v1/policy", "change_policy", Op::ChangeRules),
    may("GET", "/v1/recoveries", "list_recoveries", Op::ReadRecoveries),
    long(
        "POST",
        "/v1/recoveries",
        "receive_recovery",
        Op::ReceiveRecoveries,
    ),
    may(
        "GET",
        "/v1/recoveries/{recovery}",
        "show_recovery",
        Op::ReadRecoveries,
    ),
    may(
        "GET",
        "/v1/recoveries/{recovery}/statement",
        "show_statement",
        Op::ReadRecoveries,
    ),
    may(
        "POST",
        "/v1/recoveries/{recovery}/approvals",
        "approve_recovery",
        Op::DecideRecoveries,
    ),
    may(
        "POST",
        "/v1/recoveries/{recovery}/deny",
        "deny_recovery",
        Op::DecideRecoveries,
    ),
    may(
        "POST",
        "/v1/recoveries/{recovery}/response",
        "answer_recovery",
        Op::AnswerRecoveries,
    ),
    long(
        "POST",
        "/v1/server/recoveries",
        "send_recovery",
        Op::OwnRecoveries,
    ),
    may(
        "GET",
        "/v1/server/recoveries/{recovery}",
        "show_own_recovery",
        Op::OwnRecoveries,
    ),
    may("GET", "/v1/audit/events", "list_events", Op::ReadAudit),
    long("GET", "/v1/audit/verification", "verify_audit", Op::ReadAudit),
    may("POST", "/v1/audit/checkpoints", "make_checkpoint", Op::ReadAudit),
    may("POST", "/v1/audit/export", "export_audit", Op::ReadAudit),
    may("GET", "/v1/users", "list_users", Op::ManageUsers),
    may("POST", "/v1/users", "add_user", Op::ManageUsers),
    may("GET", "/v1/users/{user}", "show_user", Op::ManageUsers),
    may("PATCH", "/v1/users/{user}", "edit_user", Op::ManageUsers),
    may("DELETE", "/v1/users/{user}", "remove_user", Op::ManageUsers),
    may("POST", "/v1/users/{user}/unlock", "unlock_user", Op::ManageUsers),
    may("GET", "/v1/tokens", "list_tokens", Op::ManageTokens),
    may("POST", "/v1/tokens", "create_token", Op::ManageTokens),
    may("DELETE", "/v1/tokens/{token}", "revoke_token", Op::ManageTokens),
    may("GET", "/v1/jobs", "list_jobs", Op::ReadJobs),
    may("GET", "/v1/jobs/{job}", "show_job", Op::ReadJobs),
];

/// The route of a method and a path as it is described.
pub(crate) fn described(method: &Method, path: &str) -> Option<&'static Route> {
    // A HEAD is a GET whose body is not sent.
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    ROUTES
        .iter()
        .find(|route| route.method == method && route.path == path)
}

/// Every route with who may use it, as method, path and access.
pub fn routes_and_operations() -> impl Iterator<Item = (&'static str, &'static str, RouteAccess)> {
    ROUTES
        .iter()
        .map(|route| (route.method, route.path, route.access))
}

pub(crate) fn all() -> OpenApiRouter<Arc<Service>> {
    let exports = OpenApiRouter::new()
        .routes(routes!(exports::inspect_export))
        .routes(routes!(exports::import_keysets))
        .layer(DefaultBodyLimit::max(EXPORT_BODY));
    let requests = OpenApiRouter::new()
        .routes(routes!(recoveries::list_recoveries, recoveries::receive_recovery))
        .routes(routes!(own::send_recovery))
        .layer(DefaultBodyLimit::max(REQUEST_BODY));
    OpenApiRouter::new()
        .routes(routes!(system::health))
        .routes(routes!(system::ready))
        .routes(routes!(system::metrics))
        .routes(routes!(sessions::set_up))
        .routes(routes!(sessions::sign_in))
        .routes(routes!(sessions::sign_out))
        .routes(routes!(me::who_am_i))
        .routes(routes!(me::change_my_password))
        .routes(routes!(keysets::list_keysets, keysets::create_keyset))
        .routes(routes!(exports::export_keysets))
        .routes(routes!(exports::export_keysets_to_share))
        .routes(routes!(
            keysets::show_keyset,
            keysets::edit_keyset,
            keysets::delete_keyset
        ))
        .routes(routes!(keysets::activate_keyset))
        .routes(routes!(public_key::get_public_key))
        .routes(routes!(shares::list_shares))
        .routes(routes!(shares::test_share))
        .routes(routes!(servers::list_servers, servers::enrol_server))
        .routes(routes!(servers::show_server, servers::remove_server))
        .routes(routes!(servers::make_server_code))
        .routes(routes!(servers::enrol_by_code))
        .routes(routes!(rules::list_officers, rules::add_officer))
        .routes(routes!(rules::remove_officer))
        .routes(routes!(rules::show_policy, rules::change_policy))
        .routes(routes!(recoveries::show_recovery))
        .routes(routes!(recoveries::show_statement))
        .routes(routes!(recoveries::approve_recovery))
        .routes(routes!(recoveries::deny_recovery))
        .routes(routes!(recoveries::answer_recovery))
        .routes(routes!(own::show_own_recovery))
        .routes(routes!(audit::list_events))
        .routes(routes!(audit::verify_audit))
        .routes(routes!(audit::make_checkpoint))
        .routes(routes!(audit::export_audit))
        .routes(routes!(users::list_users, users::add_user))
        .routes(routes!(users::show_user, users::edit_user, users::remove_user))
        .routes(routes!(users::unlock_user))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::show_job))
        .layer(DefaultBodyLimit::max(SMALL_BODY))
        .merge(exports)
        .merge(requests)
}

/// The service, ready to be given connections.
pub fn router(service: Arc<Service>) -> Router {
    let (router, _) = all().split_for_parts();
    router
        .merge(described::pages())
        .fallback(|| async { ApiProblem::from(Known::NoSuchRoute) })
        .method_not_allowed_fallback(|| async { ApiProblem::from(Known::NoSuchMethod) })
        .layer(CatchPanicLayer::custom(|_| {
            ApiProblem::from(Known::Internal).into_response()
        }))
        .layer(from_fn_with_state(Arc::clone(&service), observe))
        .with_state(service)
}
