//! File shares.

use keystead_application::ports::{ConfiguredShare, ShareCapabilities};
use keystead_application::use_cases::{ShareTest, TestedStep};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct SharesJson {
    shares: Vec<ShareJson>,
}

#[derive(Serialize)]
struct ShareJson {
    name: String,
    url: String,
    username: Option<String>,
    read_only: bool,
    timeout_seconds: u64,
    retry_seconds: u64,
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
#[derive(Serialize)]
pub(crate) struct PromisesJson {
    atomic_publish: bool,
    exclusive_create: bool,
    durable: bool,
    owner_only: bool,
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

#[derive(Serialize)]
pub(crate) struct ShareTestJson {
    place: String,
    steps: Vec<StepJson>,
    promises: Option<PromisesJson>,
}

#[derive(Serialize)]
struct StepJson {
    step: &'static str,
    done: bool,
    milliseconds: f64,
    why: Option<String>,
}

impl From<&ShareTest> for ShareTestJson {
    fn from(test: &ShareTest) -> Self {
        let step = |step: &TestedStep| StepJson {
            step: step.step.id(),
            done: step.result.is_ok(),
            milliseconds: step.took.as_secs_f64() * 1000.0,
            why: step.result.as_ref().err().map(ToString::to_string),
        };
        Self {
            place: test.place.clone(),
            steps: test.steps.iter().map(step).collect(),
            promises: test.promised.map(PromisesJson::from),
        }
    }
}
