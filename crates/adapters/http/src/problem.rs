//! Errors, as problem details (RFC 9457).

mod table;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keystead_application::{Explain, Status};
use keystead_wire::Problem;

pub use table::ProblemKind;
pub use table::every_problem;
use table::row;

/// The type of every error's body.
pub(crate) const PROBLEM_TYPE: &str = "application/problem+json";
/// How long to wait before what is busy is tried again, in seconds.
const RETRY_AFTER: u64 = 1;

/// An error on its way to who made the request.
#[derive(Debug, Clone)]
pub(crate) struct ApiProblem {
    pub(crate) problem: Box<Problem>,
    retry_after: Option<u64>,
}

/// What the HTTP side itself refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Known {
    #[error(
        "a browser says that another site made this request, or it does not bring the session's CSRF token"
    )]
    Forged,
    #[error("the body is not JSON of the form that is asked for: {0}")]
    BadBody(String),
    #[error("the body is not announced as application/json")]
    NotJson,
    #[error("the body is longer than this route takes")]
    TooLarge,
    #[error("the query is not of the form that is asked for: {0}")]
    BadQuery(String),
    #[error("{what}: {why}")]
    BadValue { what: &'static str, why: String },
    #[error("there is nothing at this path")]
    NoSuchRoute,
    #[error("this path does not take this method")]
    NoSuchMethod,
    #[error("none of the forms that are accepted can be given; there are {0}")]
    NotAcceptable(&'static str),
    #[error("it was not done within the time that a request may take")]
    TooSlow,
    #[error("as many requests of this kind are worked on as this process takes at once")]
    Overloaded,
    #[error("it is deleted only as it was looked at, and the request does not say at which version that was")]
    VersionNeeded,
    #[error("it was changed since it was looked at")]
    VersionChanged,
    #[error("neither a passphrase is given, nor is it said that the export may be unprotected; or both are")]
    NoProtection,
    #[error("there is no configured share \"{0}\"")]
    NoSuchShare(String),
    #[error("a part of the program stopped unexpectedly")]
    Internal,
}

impl Explain for Known {
    fn code(&self) -> &'static str {
        match self {
            Self::Forged => "request-forged",
            Self::BadBody(_) | Self::BadQuery(_) | Self::BadValue { .. } => "invalid-input",
            Self::NotJson => "not-json",
            Self::TooLarge => "too-large",
            Self::NoSuchRoute => "no-such-route",
            Self::NoSuchMethod => "no-such-method",
            Self::NotAcceptable(_) => "not-acceptable",
            Self::TooSlow => "too-slow",
            Self::Overloaded => "overloaded",
            Self::VersionNeeded => "version-needed",
            Self::VersionChanged => "version-changed",
            Self::NoProtection => "protection-needed",
            Self::NoSuchShare(_) => "share-not-found",
            Self::Internal => "internal",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Forged => "the request was refused",
            Self::BadBody(_) | Self::NotJson | Self::BadQuery(_) | Self::BadValue { .. } => {
                "the request cannot be carried out as it was made"
            }
            Self::TooLarge => "the request is too large",
            Self::NoSuchRoute | Self::NoSuchMethod => "there is no such thing to do",
            Self::NotAcceptable(_) => "the form that is asked for cannot be given",
            Self::TooSlow | Self::Overloaded => "the request was not carried out",
            Self::VersionNeeded => "nothing was changed",
            Self::VersionChanged => "somebody else changed the same thing at the same time",
            Self::NoProtection => "nothing was exported",
            Self::NoSuchShare(_) => "the share was not found",
            Self::Internal => "the work could not be done",
        }
        .to_owned()
    }

    fn why(&self) -> String {
        self.to_string()
    }

    fn fix(&self) -> String {
        table::row(self.code()).fix.to_owned()
    }

    fn status(&self) -> Status {
        match self {
            Self::NoSuchRoute | Self::NoSuchMethod | Self::NoSuchShare(_) => Status::NotFound,
            Self::BadBody(_)
            | Self::NotJson
            | Self::BadQuery(_)
            | Self::BadValue { .. }
            | Self::NoProtection => Status::Usage,
            _ => Status::Refused,
        }
    }
}

impl<E: Explain> From<E> for ApiProblem {
    fn from(error: E) -> Self {
        let row = row(error.code());
        let mut problem = Problem::explained(&error, row.status);
        // What the use cases advise is in words of the command line.
        let advice = std::mem::replace(&mut problem.fix, row.fix.to_owned());
        problem.cli_fix = (advice != problem.fix).then_some(advice);
        if row.status == 500 {
            tracing::error!(code = error.code(), why = %error, "a request failed");
        }
        Self {
            problem: Box::new(problem),
            retry_after: matches!(row.status, 429 | 503).then_some(RETRY_AFTER),
        }
    }
}

/// The problem of a kind, without words about this case.
pub(crate) fn problem_of(code: &str) -> Problem {
    let row = row(code);
    Problem::new(row.code, row.status, Status::NotFound, "", "", row.fix)
}

impl ApiProblem {
    pub(crate) fn of(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            retry_after: None,
        }
    }

    /// Says how long to wait.
    pub(crate) fn after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// The problem that a version brings that was named and is not there: the request said what it expected.
    pub(crate) fn for_precondition(self) -> Self {
        match self.problem.code == "changed-meanwhile" {
            true => Known::VersionChanged.into(),
            false => self,
        }
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&*self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
