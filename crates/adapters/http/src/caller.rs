//! Who makes a request, and whether that one may.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use keystead_application::use_cases::{AccessError, Authenticate, Principal, RecordRefusedRequest};
use keystead_domain::{Actor, Operation, Roles, SecretBytes, Sha256Digest, secret_digest};

use crate::cookies::{self, SESSION};
use crate::problem::{ApiProblem, Known};
use crate::service::Service;
use crate::view::View;

/// The header that changes have to bring when a browser makes them.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Somebody who is known, with the view that it was found in.
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    pub(crate) view: Arc<View>,
    pub(crate) from: String,
}

/// A caller who may do what the route does.
pub(crate) struct May<O>(pub(crate) Caller, pub(crate) std::marker::PhantomData<O>);

/// What a route does.
pub(crate) trait Does: Send + Sync {
    const OPERATION: Operation;
}

macro_rules! operations {
    ($($name:ident)*) => {
        /// One type for each operation, to name it in the signature of a handler.
        pub(crate) mod to {
            $(pub(crate) struct $name;
            impl super::Does for $name {
                const OPERATION: super::Operation = super::Operation::$name;
            })*
        }
    };
}

operations! {
    ReadPublicKeys ReadKeysets ChangeKeysets ExportKeysets UseShares ReadServers ChangeServers ReadRules ChangeRules
    ReadRecoveries ReceiveRecoveries DecideRecoveries AnswerRecoveries OwnRecoveries ReadAudit ManageUsers ManageTokens
    ReadMetrics ReadJobs OwnAccount
}

impl Caller {
    pub(crate) fn actor(&self) -> Actor {
        self.principal.actor()
    }
}

impl<O: Does> FromRequestParts<Arc<Service>> for May<O> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, ApiProblem> {
        let caller = Caller::from_request_parts(parts, service).await?;
        let check = RecordRefusedRequest {
            records: service.records(&caller.view),
        };
        check.check(&caller.principal, O::OPERATION).await?;
        Ok(Self(caller, std::marker::PhantomData))
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, ApiProblem> {
        let from = client_address(parts, service);
        // Nobody learns anything, and the store is not asked, before something was brought at all.
        let given = Given::from(&parts.headers, &parts.method)?;
        let view = service.views.now().await?;
        let principal = given.identify(service, &view).await?;
        Ok(Self {
            principal,
            view,
            from,
        })
    }
}

/// What a request brings to be known by.
enum Given {
    Token(SecretBytes, Sha256Digest),
    Session(SecretBytes, Sha256Digest),
    ServerToken(String),
}

impl Given {
    fn from(headers: &HeaderMap, method: &Method) -> Result<Self, ApiProblem> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        match (given.next(), given.next()) {
            (Some(value), None) => Self::bearer(value.as_bytes()),
            (Some(_), Some(_)) => Err(AccessError::NotKnown.into()),
            (None, _) => Self::session(headers, method),
        }
    }

    fn bearer(value: &[u8]) -> Result<Self, ApiProblem> {
        let (scheme, text) = match value.iter().position(|byte| *byte == b' ') {
            Some(blank) => (&value[..blank], value[blank..].trim_ascii()),
            None => return Err(AccessError::NotKnown.into()),
        };
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Err(AccessError::NotKnown.into());
        }
        // A JSON Web Token has two dots, a token of the manager none.
        if text.contains(&b'.') {
            let text = std::str::from_utf8(text).map_err(|_| AccessError::NotKnown)?;
            return Ok(Self::ServerToken(text.to_owned()));
        }
        let digest = secret_digest(text).map_err(|_| AccessError::NotKnown)?;
        Ok(Self::Token(SecretBytes::new(text.to_vec()), digest))
    }

    fn session(headers: &HeaderMap, method: &Method) -> Result<Self, ApiProblem> {
        let secret = cookies::find(headers, SESSION).ok_or(AccessError::NotSignedIn)?;
        let digest = secret_digest(secret.expose()).map_err(|_| AccessError::NotKnown)?;
        if !method.is_safe() {
            check_not_forged(headers, &secret)?;
        }
        Ok(Self::Session(secret, digest))
    }

    async fn identify(self, service: &Service, view: &Arc<View>) -> Result<Arc<Principal>, ApiProblem> {
        let authenticate = Authenticate {
            records: service.records(view),
        };
        let (secret, digest, is_session) = match self {
            Self::ServerToken(text) => {
                let servers = view.servers.get_or_try_init(|| authenticate.servers()).await?;
                return Ok(Arc::new(authenticate.server(&text, servers)?));
            }
            Self::Token(secret, digest) => (secret, digest, false),
            Self::Session(secret, digest) => (secret, digest, true),
        };
        let now = service.clock().now();
        if let Some(known) = view.remembered(&digest) {
            let is_kind = matches!(known.as_ref(), Principal::User { .. }) == is_session;
            if is_kind && known.check_holds(now).is_ok() {
                return seen(&authenticate, view, digest, known).await;
            }
            // Another process may know of a later use of the session.
            view.forget(&digest);
        }
        let found = match is_session {
            true => authenticate.session(&secret).await?,
            false => authenticate.token(&secret).await?,
        };
        let found = Arc::new(found);
        view.remember(digest, Arc::clone(&found));
        seen(&authenticate, view, digest, found).await
    }
}

/// Checks that the caller may export, for what gives that right to others.
pub(crate) async fn may_export(service: &Service, caller: &Caller) -> Result<(), ApiProblem> {
    let check = RecordRefusedRequest {
        records: service.records(&caller.view),
    };
    Ok(check.check(&caller.principal, Operation::ExportKeysets).await?)
}

/// Checks that the caller may make or change a user of these roles.
pub(crate) async fn may_look_after(
    service: &Service,
    caller: &Caller,
    roles: Roles,
) -> Result<(), ApiProblem> {
    let check = RecordRefusedRequest {
        records: service.records(&caller.view),
    };
    Ok(check.check_look_after(&caller.principal, roles).await?)
}

/// Writes down now and then that a session is in use. The time of the last use is no change of the trail, so what is
/// remembered of it is forgotten here.
async fn seen(
    authenticate: &Authenticate<'_>,
    view: &View,
    digest: Sha256Digest,
    principal: Arc<Principal>,
) -> Result<Arc<Principal>, ApiProblem> {
    if let Principal::User { session, .. } = principal.as_ref()
        && session.seen(authenticate.records.clock.now()).is_some()
    {
        authenticate.seen(session).await?;
        view.forget(&digest);
    }
    Ok(principal)
}

/// What a browser has to bring with a change: a text that only pages of this service could learn.
pub(crate) fn csrf_token(session: &SecretBytes) -> String {
    let mut text = b"keystead csrf v1\n".to_vec();
    text.extend_from_slice(session.expose());
    let digest = Sha256Digest::of(&text).to_string();
    zeroize::Zeroize::zeroize(&mut text);
    digest
}

fn check_not_forged(headers: &HeaderMap, session: &SecretBytes) -> Result<(), ApiProblem> {
    check_same_origin(headers)?;
    let given = headers
        .get(CSRF_HEADER)
        .map_or(&b""[..], |value| value.as_bytes());
    // Digests are compared, so that the time tells nothing about the token.
    let is_right = Sha256Digest::of(given) == Sha256Digest::of(csrf_token(session).as_bytes());
    match is_right {
        true => Ok(()),
        false => Err(Known::Forged.into()),
    }
}

/// A browser says where a request comes from. One that another site made is refused, whatever it brings.
pub(crate) fn check_same_origin(headers: &HeaderMap) -> Result<(), ApiProblem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return Err(Known::Forged.into());
    }
    match (text("origin"), text("host")) {
        (None, _) => Ok(()),
        (Some(origin), Some(host)) => {
            let of_origin = origin.split_once("://").map(|(_, host)| host);
            match of_origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host)) {
                true => Ok(()),
                false => Err(Known::Forged.into()),
            }
        }
        // Over HTTP/2 the host is in the request line, and Sec-Fetch-Site says the same.
        (Some(_), None) => match text("sec-fetch-site") {
            Some(_) => Ok(()),
            None => Err(Known::Forged.into()),
        },
    }
}

/// Where a request comes from, for the audit trail: the address of the connection, or what a proxy says that is believed.
pub(crate) fn client_address(parts: &Parts, service: &Service) -> String {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let Some(ConnectInfo(peer)) = peer else {
        return "unknown".to_owned();
    };
    let peer = peer.ip().to_canonical();
    let trusted = &service.options.trusted_proxies;
    if !trusted.contains(&peer) {
        return peer.to_string();
    }
    // Each proxy adds who spoke to it at the end; what stands before the last stranger was said by that stranger.
    let said = parts.headers.get_all("x-forwarded-for").iter();
    let said: Vec<IpAddr> = said
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().parse().ok())
        .collect();
    let stranger = said.iter().rev().find(|address| !trusted.contains(address));
    stranger.unwrap_or(&peer).to_string()
}
