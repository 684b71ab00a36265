//! What comes back, and what it means.

use std::fmt;

use keystead_application::{Explain, Status};
use keystead_wire::Problem;
use serde::de::DeserializeOwned;

use super::transport::{ApiResponse, TransportFailure};

/// An answer that does not refuse.
pub(crate) struct Answer(ApiResponse);

/// Why there is none.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The manager says why.
    Problem(Box<Problem>),
    /// Something answered that is no API of a manager, or one of another version.
    NotUnderstood(String),
    /// Nothing answered.
    Lost(TransportFailure),
}

impl Answer {
    /// Tells answers from refusals.
    pub(super) fn of(response: ApiResponse) -> Result<Self, Refusal> {
        if (200..300).contains(&response.status) {
            return Ok(Self(response));
        }
        Err(refusal(
            response.status,
            response.content_type.as_deref(),
            &response.body,
        ))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.0.body)
            .map_err(|error| Refusal::NotUnderstood(format!("its answer is not what is expected: {error}")))
    }

    pub(crate) fn text(&self) -> Result<&str, Refusal> {
        std::str::from_utf8(&self.0.body)
            .map_err(|_| Refusal::NotUnderstood("its answer is no text in UTF-8".to_owned()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.body
    }

    /// What names the version of what was looked at.
    pub(crate) fn etag(&self) -> Option<String> {
        self.0.etag.clone()
    }
}

/// What an answer with another status than success means.
pub(super) fn refusal(status: u16, content_type: Option<&str>, body: &[u8]) -> Refusal {
    let is_problem = content_type.is_some_and(|kind| kind.starts_with("application/problem+json"));
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if is_problem => {
            tracing::info!(
                request = problem.request_id,
                code = problem.code,
                "the manager refused"
            );
            Refusal::Problem(Box::new(problem))
        }
        _ => Refusal::NotUnderstood(format!(
            "it answered with the HTTP status {status}, and did not say why"
        )),
    }
}

impl Refusal {
    /// The word for the kind of problem that the manager names.
    pub(crate) fn problem_code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            Self::NotUnderstood(_) | Self::Lost(_) => None,
        }
    }

    /// Whether the same may succeed a moment later, without anybody doing something about it.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Problem(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::NotUnderstood(_) => false,
            Self::Lost(lost) => lost.may_pass,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why())
    }
}

impl std::error::Error for Refusal {}

impl Explain for Refusal {
    fn what(&self) -> String {
        match self {
            Self::Problem(problem) => problem.title.clone(),
            Self::NotUnderstood(_) => "the manager was not understood".to_owned(),
            Self::Lost(lost) => lost.failure.what.clone(),
        }
    }

    fn why(&self) -> String {
        match self {
            Self::Problem(problem) if problem.status >= 500 && !problem.request_id.is_empty() => {
                format!(
                    "{} (in the manager's log: request {})",
                    problem.detail, problem.request_id
                )
            }
            Self::Problem(problem) => problem.detail.clone(),
            Self::NotUnderstood(why) => why.clone(),
            Self::Lost(lost) => lost.failure.why.clone(),
        }
    }

    fn fix(&self) -> String {
        match self {
            Self::Problem(problem) => problem.cli_fix.as_ref().unwrap_or(&problem.fix).clone(),
            Self::NotUnderstood(_) => {
                "check the URL of --server, and whether the manager and this program are of the same version"
                    .to_owned()
            }
            Self::Lost(lost) => lost.failure.fix.clone(),
        }
    }

    fn status(&self) -> Status {
        match self {
            Self::Problem(problem) => match problem.exit_status {
                2 => Status::Usage,
                3 => Status::NotFound,
                4 => Status::NotUnlocked,
                _ => Status::Refused,
            },
            Self::NotUnderstood(_) => Status::Refused,
            Self::Lost(lost) => lost.failure.status,
        }
    }
}
