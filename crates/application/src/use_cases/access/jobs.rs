use keystead_domain::keyset::Version;
use keystead_domain::{Actor, Job, JobFailure, JobId, JobWork};

use super::job_document::{OPEN_JOBS, OVER_JOBS};
use super::signed_records::sweep;
use super::{AccessError, RecordAccess};
use crate::Explain;
use crate::ports::{RecordKind, StoreErrorKind, UnitOfWork};
use crate::use_cases::shared::again_on_conflict;

/// Long work that outlives the request that asked for it, and the process that began it.
pub struct Jobs<'a> {
    /// Where jobs are kept.
    pub records: RecordAccess<'a>,
}

/// A job that this process works on.
#[derive(Debug, Clone)]
pub struct TakenJob(pub Job);

impl Jobs<'_> {
    /// Keeps a new job. With the id of one that is there, of the same person and for the same work, that one is meant.
    ///
    /// # Errors
    /// When the id is another job's.
    pub async fn submit(&self, actor: &Actor, id: JobId, work: JobWork) -> Result<Job, AccessError> {
        let signer = self.records.signer().await?;
        let submit = || async {
            let mut unit = self.records.store.begin().await?;
            if let Some(known) = self.find_in(&mut *unit, id).await? {
                return match known.by == *actor && known.work == work {
                    true => Ok(known),
                    false => Err(AccessError::NoSuchJob(id)),
                };
            }
            let job = Job::new(id, work.clone(), actor.clone(), self.records.clock.now());
            signer.put(&mut *unit, &job).await?;
            unit.commit().await?;
            Ok(job)
        };
        again_on_conflict(submit).await
    }

    /// A job of this person.
    ///
    /// # Errors
    /// When there is none.
    pub async fn show(&self, actor: &Actor, id: JobId) -> Result<Job, AccessError> {
        let job = self.find(id).await?.filter(|job| job.by == *actor);
        job.ok_or(AccessError::NoSuchJob(id))
    }

    /// The jobs of this person, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Job>, AccessError> {
        let mut snapshot = self.records.store.snapshot().await?;
        let mut jobs = self.records.all::<Job>(&mut *snapshot, None).await?;
        jobs.retain(|job| job.by == *actor);
        jobs.sort_by_key(|job| (std::cmp::Reverse(job.created_at), job.id));
        Ok(jobs)
    }

    /// Takes a job that nobody works on, and throws away what is over.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn take(&self, runner: &str) -> Result<Option<TakenJob>, AccessError> {
        let open = Some(OPEN_JOBS.to_owned());
        let now = self.records.clock.now();
        let jobs = {
            let mut snapshot = self.records.store.snapshot().await?;
            self.records.all::<Job>(&mut *snapshot, open).await?
        };
        let Some(free) = jobs
            .into_iter()
            .filter(|job| job.is_free(now))
            .min_by_key(|job| job.created_at)
        else {
            return Ok(None);
        };
        let taken = free.taken(runner, now);
        match self.replace(&free, &taken).await {
            Ok(()) => Ok(Some(TakenJob(taken)).filter(|TakenJob(job)| !job.is_over())),
            // Another process was faster.
            Err(AccessError::Store(error)) if error.kind == StoreErrorKind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says that this process still works on the job, and how far it is.
    ///
    /// # Errors
    /// When it is not this process's any more: then it must not go on.
    pub async fn go_on(
        &self,
        taken: &TakenJob,
        runner: &str,
        done: u64,
        total: u64,
    ) -> Result<TakenJob, AccessError> {
        let next = taken.0.going_on(runner, done, total, self.records.clock.now());
        self.replace(&taken.0, &next).await?;
        Ok(TakenJob(next))
    }

    /// Gives the job back, because this process ends.
    ///
    /// # Errors
    /// When the store cannot be used; the job is free again after a while all the same.
    pub async fn give_back(&self, taken: &TakenJob) -> Result<(), AccessError> {
        self.replace(&taken.0, &taken.0.given_back()).await
    }

    /// Writes down how the job ended.
    ///
    /// # Errors
    /// When the store cannot be used; then another process does it again.
    pub async fn finish(
        &self,
        taken: &TakenJob,
        failed: Option<&(dyn Explain + Sync)>,
    ) -> Result<(), AccessError> {
        let now = self.records.clock.now();
        let over = match failed {
            None => taken.0.finished(now),
            Some(error) => taken.0.failed(failure(error), now),
        };
        self.replace(&taken.0, &over).await
    }

    /// Throws away sessions, failures and jobs whose time is over.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn sweep(&self) -> Result<u64, AccessError> {
        sweep(self.records.store, self.records.clock.now()).await
    }

    async fn find(&self, id: JobId) -> Result<Option<Job>, AccessError> {
        let mut snapshot = self.records.store.snapshot().await?;
        for place in [OPEN_JOBS, OVER_JOBS] {
            if let Some(job) = self.records.find(&mut *snapshot, &format!("{place}{id}")).await? {
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    async fn find_in(&self, unit: &mut dyn UnitOfWork, id: JobId) -> Result<Option<Job>, AccessError> {
        for place in [OPEN_JOBS, OVER_JOBS] {
            if let Some(job) = self.records.find(unit, &format!("{place}{id}")).await? {
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    /// Puts the next state of a job in the place of the one before, if that is what is there.
    async fn replace(&self, before: &Job, after: &Job) -> Result<(), AccessError> {
        let signer = self.records.signer().await?;
        let mut unit = self.records.store.begin().await?;
        if before.is_over() == after.is_over() {
            signer.put(&mut *unit, after).await?;
        } else {
            let key = format!("{OPEN_JOBS}{}", before.id);
            unit.delete_record(RecordKind::Job, &key, before.version).await?;
            // In its new place it is a new record.
            let over = Job {
                version: Version(1),
                ..after.clone()
            };
            signer.put(&mut *unit, &over).await?;
        }
        Ok(unit.commit().await?)
    }
}

fn failure(error: &(dyn Explain + Sync)) -> JobFailure {
    JobFailure {
        code: error.code().to_owned(),
        what: error.what(),
        why: error.why(),
        fix: error.fix(),
        exit_status: error.status() as u8,
    }
}
