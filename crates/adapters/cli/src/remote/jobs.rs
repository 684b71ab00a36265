//! Long work at the manager.

use std::time::Duration;

use keystead_wire::routes::{JOBS, below, with_query};
use keystead_wire::{JobJson, JobStateJson};
use serde::de::DeserializeOwned;

use super::answers::Refusal;
use super::{Call, Remote};
use crate::Failure;
use crate::output::{Printer, printable, write_err};
use crate::progress::WorkProgress;

/// How long the manager may wait before it answers that the work goes on, in seconds.
const WAIT: u64 = 20;
/// How often in a row no answer may come. Each time it is asked for a while, so that is for some ten minutes.
const MOST_LOST: u32 = 30;

/// Says that the work goes on at the manager when nobody waits for it any more.
struct Unfinished<'a> {
    id: String,
    /// Where what came of it is seen.
    look: &'a str,
    is_over: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            write_err(&format!(
                "\njob {} goes on at the manager; {}",
                printable(&self.id),
                self.look
            ));
        }
    }
}

/// Waits until a job is over. A connection that breaks is made again: the work does not depend on it.
pub(crate) async fn wait_for<T: DeserializeOwned>(
    remote: &Remote,
    printer: &Printer,
    mut job: JobJson,
    progress: &WorkProgress,
    look: &str,
) -> Result<T, Failure> {
    let mut unfinished = Unfinished {
        id: job.id.clone(),
        look,
        is_over: false,
    };
    let mut lost = 0;
    while !job.state.is_over() {
        progress.at(job.done);
        let wait = Some(WAIT.to_string());
        let call = Call::get(with_query(&below(JOBS, &job.id), &[("wait", wait)]))
            .patience(Duration::from_secs(WAIT + 10));
        match remote.call(call).await {
            Ok(answer) => {
                lost = 0;
                job = answer.json()?;
            }
            Err(refusal) if refusal.may_pass() && lost < MOST_LOST => {
                lost += 1;
                if lost == 1 {
                    let why = printable(&refusal.to_string());
                    printer.remark(&format!(
                        "{why}; the work goes on at the manager, which is asked again"
                    ));
                }
                tokio::time::sleep(pause(lost)).await;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    unfinished.is_over = true;
    match (job.state, job.result, job.problem) {
        (JobStateJson::Done, Some(result), _) => serde_json::from_value(result).map_err(|error| {
            Refusal::NotUnderstood(format!("what came of the work is not what is expected: {error}")).into()
        }),
        (JobStateJson::Failed, _, Some(problem)) => Err(Refusal::Problem(Box::new(problem)).into()),
        _ => Err(Refusal::NotUnderstood("it does not say what came of the work".to_owned()).into()),
    }
}

/// How long to wait before asking again.
fn pause(lost: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(5);
    Duration::from_secs(lost.into()).min(LONGEST)
}
