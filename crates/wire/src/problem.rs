use keystead_application::{Explain, Status};
use serde::{Deserialize, Serialize};

/// What the `type` of every problem begins with; its code follows.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:keystead:problem:";

/// Why a request was not carried out: problem details (RFC 9457), with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Names the kind of problem: `urn:keystead:problem:` and the code.
    #[serde(rename = "type")]
    #[cfg_attr(
        feature = "openapi",
        schema(format = "uri", example = "urn:keystead:problem:not-found")
    )]
    pub kind: String,
    /// What happened.
    #[cfg_attr(feature = "openapi", schema(example = "the keyset was not found"))]
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 599, example = 404))]
    pub status: u16,
    /// Why.
    pub detail: String,
    /// What to do, in words that fit every surface.
    pub fix: String,
    /// What to do, in words of the command line, where those say more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cli_fix: Option<String>,
    /// A word for this kind of problem that programs can rely on: it never changes its meaning.
    #[cfg_attr(feature = "openapi", schema(example = "not-found"))]
    pub code: String,
    /// How the command line ends on it: 1 refused, 2 wrong input, 3 not found, 4 not unlocked.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 4, example = 3))]
    pub exit_status: u8,
    /// The request that it answers, as the log of the manager names it.
    pub request_id: String,
}

impl Problem {
    /// A problem of a kind. `status` is the HTTP status.
    #[must_use]
    pub fn new(code: &str, status: u16, exit: Status, title: &str, detail: &str, fix: &str) -> Self {
        Self {
            kind: format!("{PROBLEM_TYPE_PREFIX}{code}"),
            title: title.to_owned(),
            status,
            detail: detail.to_owned(),
            fix: fix.to_owned(),
            cli_fix: None,
            code: code.to_owned(),
            exit_status: exit as u8,
            request_id: String::new(),
        }
    }

    /// The problem that an error explains. `status` is the HTTP status.
    #[must_use]
    pub fn explained(error: &dyn Explain, status: u16) -> Self {
        Self::new(
            error.code(),
            status,
            error.status(),
            &error.what(),
            &error.why(),
            &error.fix(),
        )
    }
}
