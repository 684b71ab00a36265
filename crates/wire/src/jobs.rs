//! Long work.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// Long work that the manager does, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobJson {
    /// Names it: `GET /v1/jobs/{id}`.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// What it does.
    #[cfg_attr(feature = "openapi", schema(example = "keyset.create"))]
    pub kind: String,
    /// How far it is.
    pub state: JobStateJson,
    /// How many steps are done.
    pub done: u64,
    /// How many steps there are; `null` when nobody knows.
    pub total: Option<u64>,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When it was done, or failed.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub finished_at: Option<String>,
    /// What came of it, in the form that the request names; `null` until it is done.
    pub result: Option<serde_json::Value>,
    /// Why it failed; `null` unless it did.
    pub problem: Option<Problem>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum JobStateJson {
    /// It has not begun.
    Queued,
    /// It is being done.
    Running,
    /// It is done, and `result` says what came of it.
    Done,
    /// It failed, and `problem` says why.
    Failed,
}

impl JobStateJson {
    /// Whether nothing more comes.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// The jobs that are kept, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobsJson {
    /// The jobs.
    pub jobs: Vec<JobJson>,
}
