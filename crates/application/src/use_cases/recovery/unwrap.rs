//! Opens many key slots at once, on all cores.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keystead_domain::{FileKey, KeysetId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::RecoveryError;
use crate::exchange::WhyUnopened;
use crate::ports::{LoadedKey, RsaError, SealedFormat, SealedHeader};
use crate::use_cases::shared::WorkerLost;

/// A file whose key is to be unwrapped.
pub(super) struct Job {
    /// Its place in the request.
    pub(super) file: u32,
    pub(super) header: Arc<SealedHeader>,
    /// The wrapped keys to try, each with its keyset.
    pub(super) tries: Vec<(KeysetId, Vec<u8>)>,
}

/// How it went with each file, in the order of the files.
pub(super) type Unwrapped = Vec<(u32, Result<FileKey, WhyUnopened>)>;

/// Unwraps the key of every file, and releases only those that the header was authenticated with.
pub(super) async fn unwrap_all(
    jobs: Vec<Job>,
    keys: HashMap<KeysetId, Arc<dyn LoadedKey>>,
    format: &Arc<dyn SealedFormat>,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Unwrapped, RecoveryError> {
    let work = Arc::new(Work {
        jobs,
        keys,
        format: Arc::clone(format),
        next: AtomicUsize::new(0),
    });
    let (done, mut arrived) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for _ in 0..worker_count().min(work.jobs.len()) {
        let (work, done) = (Arc::clone(&work), done.clone());
        workers.spawn(async move {
            while let Some(job) = work.take() {
                // A caller that went away needs no more.
                if done.send((job.file, work.unwrap(job).await)).is_err() {
                    break;
                }
            }
        });
    }
    drop(done);
    let mut unwrapped: Unwrapped = Vec::with_capacity(work.jobs.len());
    while let Some((file, outcome)) = arrived.recv().await {
        let outcome = match outcome {
            Ok(file_key) => Ok(file_key),
            Err(Trouble::Unopened(why)) => Err(why),
            Err(Trouble::Engine(error)) => return Err(error.into()),
        };
        unwrapped.push((file, outcome));
        progress(unwrapped.len() as u64);
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|_| WorkerLost)?;
    }
    unwrapped.sort_unstable_by_key(|(file, _)| *file);
    Ok(unwrapped)
}

/// Twice as many as there are cores: while one waits for its turn, another computes.
fn worker_count() -> usize {
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

struct Work {
    jobs: Vec<Job>,
    keys: HashMap<KeysetId, Arc<dyn LoadedKey>>,
    format: Arc<dyn SealedFormat>,
    next: AtomicUsize,
}

enum Trouble {
    Unopened(WhyUnopened),
    Engine(RsaError),
}

impl Work {
    fn take(&self) -> Option<&Job> {
        self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed))
    }

    async fn unwrap(&self, job: &Job) -> Result<FileKey, Trouble> {
        for (keyset, wrapped) in &job.tries {
            let Some(key) = self.keys.get(keyset) else {
                continue;
            };
            let unwrapped = match key.decrypt(self.format.keyset_label(), wrapped).await {
                Ok(unwrapped) => unwrapped,
                Err(RsaError::NotDecrypted) => continue,
                Err(other) => return Err(Trouble::Engine(other)),
            };
            if let Some(file_key) = FileKey::from_unwrapped(&unwrapped)
                && self.format.verify_header(&job.header, &file_key).is_ok()
            {
                return Ok(file_key);
            }
        }
        Err(Trouble::Unopened(WhyUnopened::HeaderChanged))
    }
}
