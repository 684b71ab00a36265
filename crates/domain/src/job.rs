//! Long work that somebody asked for over the network: it outlives the request, and the process that began it.

use std::time::Duration;

use crate::keyset::Version;
use crate::{Actor, GenerateBits, Hint, JobId, RequestId, Timestamp};

/// How often a job is begun. One that ends the process again and again is not begun for ever.
pub const MAX_JOB_TRIES: u32 = 3;
/// How long a process may be silent about a job before another one takes it.
const LEASE: Duration = Duration::from_secs(30);
/// How long what came of a job can be looked at.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Long work, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Counts the changes.
    pub version: Version,
    /// What is to be done.
    pub work: JobWork,
    /// Who asked for it.
    pub by: Actor,
    /// When.
    pub created_at: Timestamp,
    /// How far it is.
    pub state: JobState,
    /// How often it was begun.
    pub tries: u32,
    /// How many parts are done.
    pub done: u64,
    /// How many parts there are.
    pub total: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobWork {
    /// Make a keyset. The job's id becomes the keyset's, so that doing it again after a crash makes no second one.
    CreateKeyset {
        /// Its hint.
        hint: Hint,
        /// Its size.
        bits: GenerateBits,
        /// Whether to activate it.
        activate: bool,
    },
    /// Answer a recovery request. An answered one gives the same response again.
    AnswerRecovery {
        /// Which.
        request: RequestId,
        /// Whether to answer when some of the files cannot be opened.
        partial: bool,
    },
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Nobody has begun it.
    Queued,
    /// A process works on it.
    Running {
        /// Which process.
        runner: String,
        /// Until when it has said so.
        until: Timestamp,
    },
    /// It is done.
    Done {
        /// When.
        at: Timestamp,
    },
    /// It cannot be done.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        failure: JobFailure,
    },
}

/// Why a job failed, for the person who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// The word for programs.
    pub code: String,
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do, in words of the command line.
    pub fix: String,
    /// How a command ends that fails by it, 1 to 4.
    pub exit_status: u8,
}

impl Job {
    /// A new job.
    #[must_use]
    pub fn new(id: JobId, work: JobWork, by: Actor, now: Timestamp) -> Self {
        Self {
            id,
            version: Version(1),
            work,
            by,
            created_at: now,
            state: JobState::Queued,
            tries: 0,
            done: 0,
            total: 0,
        }
    }

    /// Whether a process may take it now.
    #[must_use]
    pub fn is_free(&self, now: Timestamp) -> bool {
        match &self.state {
            JobState::Queued => true,
            JobState::Running { until, .. } => *until <= now,
            JobState::Done { .. } | JobState::Failed { .. } => false,
        }
    }

    /// Whether it has come to an end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, JobState::Done { .. } | JobState::Failed { .. })
    }

    /// Until when it is kept; `None` while it is not over.
    #[must_use]
    pub fn kept_until(&self) -> Option<Timestamp> {
        match &self.state {
            JobState::Queued | JobState::Running { .. } => None,
            JobState::Done { at } | JobState::Failed { at, .. } => Some(at.after(KEPT)),
        }
    }

    /// The job, taken by a process; failed, when it was begun too often.
    #[must_use]
    pub fn taken(&self, runner: &str, now: Timestamp) -> Self {
        if self.tries >= MAX_JOB_TRIES {
            return self.failed(given_up(), now);
        }
        Self {
            tries: self.tries + 1,
            state: running(runner, now),
            ..self.changed()
        }
    }

    /// The job, still worked on by the same process.
    #[must_use]
    pub fn going_on(&self, runner: &str, done: u64, total: u64, now: Timestamp) -> Self {
        Self {
            state: running(runner, now),
            done,
            total,
            ..self.changed()
        }
    }

    /// The job, given back by a process that ends in good order. That does not count as a try.
    #[must_use]
    pub fn given_back(&self) -> Self {
        Self {
            state: JobState::Queued,
            tries: self.tries.saturating_sub(1),
            ..self.changed()
        }
    }

    /// The job, done.
    #[must_use]
    pub fn finished(&self, now: Timestamp) -> Self {
        Self {
            state: JobState::Done { at: now },
            done: self.total.max(self.done),
            ..self.changed()
        }
    }

    /// The job, failed.
    #[must_use]
    pub fn failed(&self, failure: JobFailure, now: Timestamp) -> Self {
        Self {
            state: JobState::Failed { at: now, failure },
            ..self.changed()
        }
    }

    /// Whether this process has it.
    #[must_use]
    pub fn is_run_by(&self, runner: &str) -> bool {
        matches!(&self.state, JobState::Running { runner: by, .. } if by == runner)
    }

    fn changed(&self) -> Self {
        Self {
            version: Version(self.version.0.saturating_add(1)),
            ..self.clone()
        }
    }
}

fn running(runner: &str, now: Timestamp) -> JobState {
    JobState::Running {
        runner: runner.to_owned(),
        until: now.after(LEASE),
    }
}

fn given_up() -> JobFailure {
    JobFailure {
        code: "given-up".to_owned(),
        what: "the work was given up".to_owned(),
        why: format!("it was begun {MAX_JOB_TRIES} times, and the process that did it ended each time"),
        fix: "look into the log of the service for why it ended; then ask for it again".to_owned(),
        exit_status: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ActorKind;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn job() -> Job {
        let work = JobWork::AnswerRecovery {
            request: RequestId::from_random_bytes([1; 16]),
            partial: false,
        };
        let by = Actor {
            kind: ActorKind::User,
            id: "ada".into(),
        };
        Job::new(JobId::from_random_bytes([2; 16]), work, by, at(0))
    }

    #[test]
    fn a_job_is_one_processs_until_it_falls_silent() {
        let taken = job().taken("a", at(0));
        assert!(job().is_free(at(0)) && taken.is_run_by("a") && !taken.is_run_by("b"));
        assert!(!taken.is_free(at(29)) && taken.is_free(at(30)));
        let later = taken.going_on("a", 5, 10, at(20));
        assert!(!later.is_free(at(49)) && later.is_free(at(50)));
        assert_eq!((later.done, later.total), (5, 10));
        let done = later.finished(at(60));
        assert!(done.is_over() && !done.is_free(at(9_999)));
        assert_eq!(done.done, 10);
        assert_eq!(done.kept_until(), Some(at(60 + 7 * 24 * 3600)));
    }

    #[test]
    fn a_job_that_ends_every_process_is_given_up() {
        let mut taken = job();
        for _ in 0..MAX_JOB_TRIES {
            taken = taken.taken("a", at(0));
            assert!(!taken.is_over());
        }
        assert!(taken.given_back().taken("b", at(1)).is_run_by("b"));
        assert!(taken.taken("b", at(31)).is_over());
    }
}
