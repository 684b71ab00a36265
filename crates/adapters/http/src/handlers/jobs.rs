use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use keystead_application::use_cases::{
    AccessError, BrowseKeysets, Jobs, KeysetError, RespondRecovery, Trust,
};
use keystead_domain::{Job, JobFailure, JobId, JobState, JobWork, KeysetId, KeysetReference, Operation};
use keystead_wire::{JobJson, JobStateJson, JobsJson, KeysetJson, Problem, RespondedJson};
use serde::Deserialize;
use tokio::time::Instant;

use crate::caller::{Caller, May, to};
use crate::input::{Path, Query, bad};
use crate::problem::{ApiProblem, problem_of};
use crate::service::Service;

/// The longest time that a request waits for a job.
const MAX_WAIT: u64 = 25;
/// How often a job of another process is looked at while somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitQuery {
    wait: Option<u64>,
}

/// Shows a job. With `wait` the answer comes when the job is over, or after that many seconds.
#[utoipa::path(get, path = "/v1/jobs/{job}", tag = "jobs", params(
    ("job" = String, Path, description = "Its id."),
    ("wait" = Option<u64>, Query, minimum = 0, maximum = 25, description = "Seconds to wait for its end."),
), responses((status = 200, description = "The job.", body = JobJson)))]
pub(crate) async fn show_job(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadJobs>,
    Path(id): Path,
    Query(query): Query<WaitQuery>,
) -> Result<Json<JobJson>, ApiProblem> {
    let wait = query.wait.unwrap_or(0);
    if wait > MAX_WAIT {
        return Err(bad("wait", format!("at most {MAX_WAIT} seconds")));
    }
    let unknown = || AccessError::NoSuchJob(JobId::from_bytes([0; 16]));
    let id: JobId = id.parse().map_err(|_| unknown())?;
    let until = Instant::now() + Duration::from_secs(wait);
    let jobs = Jobs {
        records: service.records(&caller.view),
    };
    loop {
        let job = jobs.show(&caller.actor(), id).await?;
        if job.is_over() || Instant::now() >= until {
            return Ok(Json(job_json(&service, &caller, &job, true).await?));
        }
        tokio::time::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
    }
}

/// Lists the jobs of who asks, the newest first, without what came of them.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs",
    responses((status = 200, description = "The jobs.", body = JobsJson)))]
pub(crate) async fn list_jobs(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ReadJobs>,
) -> Result<Json<JobsJson>, ApiProblem> {
    let jobs = Jobs {
        records: service.records(&caller.view),
    };
    let mut list = Vec::new();
    for job in jobs.list(&caller.actor()).await? {
        list.push(job_json(&service, &caller, &job, false).await?);
    }
    Ok(Json(JobsJson { jobs: list }))
}

pub(crate) fn location(id: JobId) -> String {
    format!("/v1/jobs/{id}")
}

/// The word for what a job does.
pub(crate) fn kind(work: &JobWork) -> &'static str {
    match work {
        JobWork::CreateKeyset { .. } => "keyset.create",
        JobWork::AnswerRecovery { .. } => "recovery.respond",
    }
}

pub(crate) async fn job_json(
    service: &Service,
    caller: &Caller,
    job: &Job,
    with_result: bool,
) -> Result<JobJson, ApiProblem> {
    let (state, finished_at, problem) = match &job.state {
        JobState::Queued => (JobStateJson::Queued, None, None),
        JobState::Running { .. } => (JobStateJson::Running, None, None),
        JobState::Done { at } => (JobStateJson::Done, Some(*at), None),
        JobState::Failed { at, failure } => (JobStateJson::Failed, Some(*at), Some(failed(failure))),
    };
    let result = match (with_result, state) {
        (true, JobStateJson::Done) => result(service, caller, job).await?,
        _ => None,
    };
    Ok(JobJson {
        id: job.id.to_string(),
        kind: kind(&job.work).to_owned(),
        state,
        done: job.done,
        total: (job.total > 0).then_some(job.total),
        created_at: job.created_at.to_string(),
        finished_at: finished_at.map(|at| at.to_string()),
        result,
        problem,
    })
}

fn failed(failure: &JobFailure) -> Problem {
    let mut problem = problem_of(&failure.code);
    problem.title.clone_from(&failure.what);
    problem.detail.clone_from(&failure.why);
    problem.cli_fix = Some(failure.fix.clone());
    problem.exit_status = failure.exit_status;
    problem
}

/// What came of a job, as it is now.
async fn result(
    service: &Service,
    caller: &Caller,
    job: &Job,
) -> Result<Option<serde_json::Value>, ApiProblem> {
    let json = match &job.work {
        JobWork::CreateKeyset { .. } => {
            let id = KeysetId::from_bytes(*job.id.as_bytes());
            let browse = BrowseKeysets {
                store: service.store.as_ref(),
            };
            match browse.show(&KeysetReference::Id(id)).await {
                Ok(keyset) => serde_json::to_value(KeysetJson::from(&keyset)).ok(),
                // It was deleted since.
                Err(KeysetError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            }
        }
        JobWork::AnswerRecovery { request, partial } => {
            if !caller.principal.may(Operation::AnswerRecoveries) {
                return Ok(None);
            }
            let respond = responder(service, &caller.view);
            // It was answered: this hands out the same response, which is an event.
            let responded = respond.run(&caller.actor(), *request, *partial, &|_| ()).await?;
            let json = RespondedJson::new(&responded, None, Some(responded.text.clone()));
            serde_json::to_value(json).ok()
        }
    };
    Ok(json)
}

pub(crate) fn responder<'a>(service: &'a Service, view: &'a crate::view::View) -> RespondRecovery<'a> {
    RespondRecovery {
        store: service.store.as_ref(),
        master_key: view.master_key.as_ref(),
        rsa: service.tools.rsa.as_ref(),
        format: Arc::clone(&service.tools.format),
        cipher: service.tools.cipher.as_ref(),
        trust: trust(service, view),
        clock: service.clock(),
    }
}

pub(crate) fn trust<'a>(service: &'a Service, view: &'a crate::view::View) -> Trust<'a> {
    Trust {
        installation: &view.installation,
        signing: service.tools.signing.as_ref(),
        ssh: service.tools.ssh.as_ref(),
    }
}
