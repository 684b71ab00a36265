//! Does the jobs. Any process takes any job; one that falls silent is taken over by another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keystead_application::Explain;
use keystead_application::use_cases::{
    ActivateKeyset, BrowseRecoveries, CreateKeyset, Jobs, KeysetError, RecoveryError, TakenJob,
};
use keystead_domain::{Actor, GenerateBits, Hint, Job, JobId, JobWork, KeysetId, KeysetReference, RequestId};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::handlers::jobs::{kind, responder};
use crate::problem::ApiProblem;
use crate::service::Service;
use crate::view::View;

/// How often jobs of other processes are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is said that a job goes on; other processes take it after three times that.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// How often what is over is thrown away.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Does jobs, one at a time, until `shutdown` ends; the job that is under way is finished then, or given back when it is
/// dropped.
pub async fn run_jobs(service: Arc<Service>, shutdown: impl Future<Output = ()>) {
    tokio::pin!(shutdown);
    let mut sweep = interval_at(Instant::now() + SWEEP_EVERY, SWEEP_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        match do_next(&service).await {
            // There may be more.
            Ok(true) => {}
            Ok(false) => {
                tokio::select! {
                    () = &mut shutdown => return,
                    () = service.new_job.notified() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    _ = sweep.tick() => swept(&service).await,
                }
            }
            Err(problem) => {
                tracing::warn!(why = %problem.problem.detail, "jobs could not be looked for");
                tokio::select! {
                    () = &mut shutdown => return,
                    () = tokio::time::sleep(SAY_EVERY) => {}
                }
            }
        }
        if is_over(&mut shutdown).await {
            return;
        }
    }
}

async fn is_over(shutdown: &mut (impl Future<Output = ()> + Unpin)) -> bool {
    tokio::select! {
        biased;
        () = shutdown => true,
        () = std::future::ready(()) => false,
    }
}

async fn swept(service: &Service) {
    let swept = async {
        let view = service.views.now().await?;
        let jobs = Jobs {
            records: service.records(&view),
        };
        Ok::<_, ApiProblem>(jobs.sweep().await?)
    };
    match swept.await {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "records whose time was over were thrown away"),
        Err(problem) => {
            tracing::warn!(why = %problem.problem.detail, "what is over could not be thrown away");
        }
    }
}

/// Does one job, if there is one.
async fn do_next(service: &Service) -> Result<bool, ApiProblem> {
    let view = service.views.now().await?;
    let jobs = Jobs {
        records: service.records(&view),
    };
    let Some(taken) = jobs.take(&service.runner).await? else {
        return Ok(false);
    };
    let counts = Counts::default();
    counts
        .total
        .store(total(service, &taken.0).await, Ordering::Relaxed);
    let job = taken.0.clone();
    let work = done(service, &view, &job, &counts);
    let (taken, outcome) = watched(&jobs, &service.runner, taken, &counts, work).await?;
    let word = match &outcome {
        Ok(()) => "done",
        Err(_) => "failed",
    };
    service.metrics.job(kind(&taken.0.work), word);
    jobs.finish(
        &taken,
        outcome
            .as_ref()
            .err()
            .map(|error| &**error as &(dyn Explain + Sync)),
    )
    .await?;
    Ok(true)
}

#[derive(Default)]
struct Counts {
    done: AtomicU64,
    total: AtomicU64,
}

type Outcome = Result<(), Box<dyn Explain + Send + Sync>>;

/// Works, and says now and then that the work goes on. When somebody else has the job by then, the work is dropped.
async fn watched(
    jobs: &Jobs<'_>,
    runner: &str,
    mut taken: TakenJob,
    counts: &Counts,
    work: impl Future<Output = Outcome>,
) -> Result<(TakenJob, Outcome), ApiProblem> {
    tokio::pin!(work);
    let mut say = interval_at(Instant::now() + SAY_EVERY / 10, SAY_EVERY / 5);
    say.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            outcome = &mut work => {
                let (done, total) = (counts.done.load(Ordering::Relaxed), counts.total.load(Ordering::Relaxed));
                let taken = jobs.go_on(&taken, runner, done, total).await?;
                return Ok((taken, outcome));
            }
            _ = say.tick() => {
                let (done, total) = (counts.done.load(Ordering::Relaxed), counts.total.load(Ordering::Relaxed));
                taken = jobs.go_on(&taken, runner, done, total).await?;
            }
        }
    }
}

/// How many steps a job has.
async fn total(service: &Service, job: &Job) -> u64 {
    match &job.work {
        JobWork::CreateKeyset { .. } => 1,
        JobWork::AnswerRecovery { request, .. } => {
            let browse = BrowseRecoveries {
                store: service.store.as_ref(),
            };
            match browse.find(&request.to_string()).await {
                Ok(recovery) => recovery.files.into(),
                Err(_) => 0,
            }
        }
    }
}

async fn done(service: &Service, view: &View, job: &Job, counts: &Counts) -> Outcome {
    match job.work.clone() {
        JobWork::CreateKeyset { hint, bits, activate } => {
            let made = create(service, view, &job.by, job.id, (hint, bits, activate)).await;
            made.map_err(|error| Box::new(error) as Box<_>)
        }
        JobWork::AnswerRecovery { request, partial } => {
            let answered = answer(service, view, &job.by, (request, partial), counts).await;
            answered.map_err(|error| Box::new(error) as Box<_>)
        }
    }
}

async fn create(
    service: &Service,
    view: &View,
    by: &Actor,
    id: JobId,
    (hint, bits, activate): (Hint, GenerateBits, bool),
) -> Result<(), KeysetError> {
    let tools = &service.tools;
    let create = CreateKeyset {
        store: service.store.as_ref(),
        master_key: view.master_key.as_ref(),
        rsa: tools.rsa.as_ref(),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    // The keyset has the id of the job, so that a job that is done twice makes one.
    let id = KeysetId::from_bytes(*id.as_bytes());
    create.run_once(by, id, hint, bits).await?;
    if activate {
        let activate = ActivateKeyset {
            store: service.store.as_ref(),
            clock: tools.clock.as_ref(),
        };
        activate.run(by, &KeysetReference::Id(id)).await?;
    }
    Ok(())
}

async fn answer(
    service: &Service,
    view: &View,
    by: &Actor,
    (request, partial): (RequestId, bool),
    counts: &Counts,
) -> Result<(), RecoveryError> {
    let respond = responder(service, view);
    let progress = |done: u64| counts.done.store(done, Ordering::Relaxed);
    respond.run(by, request, partial, &progress).await.map(|_| ())
}
