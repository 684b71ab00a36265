//! File shares.

use keystead_application::ports::{ConfiguredShare, ShareCapabilities};
use keystead_application::use_cases::{ShareTest, TestedStep};
use serde::{Deserialize, Serialize};

use crate::Problem;

/// The shares that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharesJson {
    /// The shares.
    pub shares: Vec<ShareJson>,
}

/// A share that the configuration names. Its secrets are not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShareJson {
    /// Its name, as in `share:NAME/path`.
    pub name: String,
    /// Where it is, without credentials.
    pub url: String,
    /// Who signs in there.
    pub username: Option<String>,
    /// Whether nothing is ever written there.
    pub read_only: bool,
    /// How long an answer is waited for, in seconds.
    pub timeout_seconds: u64,
    /// For how long what a broken link undid is done again, in seconds.
    pub retry_seconds: u64,
}

impl From<&[ConfiguredShare]> for SharesJson {
    fn from(shares: &[ConfiguredShare]) -> Self {
        let share = |share: &ConfiguredShare| ShareJson {
            name: share.name.clone(),
            url: share.address.to_string(),
            username: share.username.clone(),
            read_only: share.read_only,
            timeout_seconds: share.patience.answer.as_secs(),
            retry_seconds: share.patience.retry.as_secs(),
        };
        Self {
            shares: shares.iter().map(share).collect(),
        }
    }
}

/// What a share promises of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromisesJson {
    /// The file appears in one step.
    pub atomic_publish: bool,
    /// Two writers at the same moment do not replace each other's file.
    pub exclusive_create: bool,
    /// A finished file survives a power cut of the server.
    pub durable: bool,
    /// Only the owner can read the file.
    pub owner_only: bool,
}

impl From<ShareCapabilities> for PromisesJson {
    fn from(promised: ShareCapabilities) -> Self {
        let ShareCapabilities {
            atomic_publish,
            exclusive_create,
            durable,
            owner_only,
        } = promised;
        Self {
            atomic_publish,
            exclusive_create,
            durable,
            owner_only,
        }
    }
}

impl From<PromisesJson> for ShareCapabilities {
    fn from(promises: PromisesJson) -> Self {
        let PromisesJson {
            atomic_publish,
            exclusive_create,
            durable,
            owner_only,
        } = promises;
        Self {
            atomic_publish,
            exclusive_create,
            durable,
            owner_only,
        }
    }
}

/// What a test of a share found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShareTestJson {
    /// Where it was tried.
    pub place: String,
    /// The steps that were tried. Only the last one can have failed.
    pub steps: Vec<StepJson>,
    /// What the share promised; `null` when nothing was written.
    pub promises: Option<PromisesJson>,
    /// Why the last step failed, with what to do; absent when none did. The command line tells it as every failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// One step of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepJson {
    /// Which one: `connect`, `look`, `write`, `publish`, `read_back`, `keep`, `replace` or `remove`.
    pub step: String,
    /// Whether it succeeded.
    pub done: bool,
    /// How long it took.
    pub milliseconds: f64,
    /// Why it failed.
    pub why: Option<String>,
}

impl From<&ShareTest> for ShareTestJson {
    fn from(test: &ShareTest) -> Self {
        let step = |step: &TestedStep| StepJson {
            step: step.step.id().to_owned(),
            done: step.result.is_ok(),
            milliseconds: step.took.as_secs_f64() * 1000.0,
            why: step.result.as_ref().err().map(ToString::to_string),
        };
        Self {
            place: test.place.clone(),
            steps: test.steps.iter().map(step).collect(),
            promises: test.promised.map(PromisesJson::from),
            problem: None,
        }
    }
}
