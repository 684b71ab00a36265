//! The same for file shares.

mod reader;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, Randomness, Replace, ShareAccess, ShareAddress, ShareCapabilities, ShareError,
    ShareErrorKind, SharePath, ShareProvider, ShareSetting, ShareWriter,
};
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use crate::RetryOptions;
use crate::patience::{Attempts, Patience};
use reader::{PatientReader, TimedReader};
use writer::PatientWriter;

/// How much of a file is kept in memory, so that its reading or writing can be done again: more than an export has.
const MOST_REMEMBERED: usize = 2 << 20;

/// A provider whose shares answer within a time or not at all, and which does again what a broken link undid.
///
/// How long is said by [`ShareAccess::patience`]. Files up to 2 MiB, and so all exports, are read and written again from
/// their beginning; of larger ones only the beginning is. When the answer to a publication is lost, the file is looked at,
/// and not guessed about.
pub struct PatientShareProvider {
    inner: Arc<dyn ShareProvider>,
    randomness: Arc<dyn Randomness>,
}

impl PatientShareProvider {
    /// The same shares, with patience.
    #[must_use]
    pub fn new(inner: Arc<dyn ShareProvider>, randomness: Arc<dyn Randomness>) -> Self {
        Self { inner, randomness }
    }
}

#[async_trait]
impl ShareProvider for PatientShareProvider {
    fn schemes(&self) -> &[&'static str] {
        self.inner.schemes()
    }

    fn settings(&self) -> &[ShareSetting] {
        self.inner.settings()
    }

    fn default_port(&self, scheme: &str) -> Option<u16> {
        self.inner.default_port(scheme)
    }

    fn names_of_share(&self) -> usize {
        self.inner.names_of_share()
    }

    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        let options = RetryOptions {
            give_up_after: access.patience.retry,
            most_remembered: MOST_REMEMBERED,
            ..RetryOptions::default()
        };
        let patience = Arc::new(Patience::new(options, Arc::clone(&self.randomness)));
        let limit = Limit {
            answer: access.patience.answer,
            address: access.address.clone(),
        };
        let connect = || limit.bounded("connect", &[], self.inner.connect(access));
        let inner = Attempts::new(&patience).make(connect).await?;
        Ok(Arc::new(PatientShare {
            inner,
            patience,
            limit,
        }))
    }
}

/// The slowest line that is worth waiting for, in bytes per second: half a megabit.
const SLOWEST_LINE: u64 = 64 << 10;
/// The slowest medium that a server flushes to, in bytes per second.
const SLOWEST_MEDIUM: u64 = 16 << 20;

/// How long it may take to move so many bytes.
fn time_to_move(bytes: u64) -> Duration {
    Duration::from_secs(bytes.div_ceil(SLOWEST_LINE))
}

/// How long one step may take, and where.
#[derive(Clone)]
struct Limit {
    answer: Duration,
    address: ShareAddress,
}

impl Limit {
    async fn bounded<T>(
        &self,
        operation: &'static str,
        names: &[&str],
        step: impl Future<Output = Result<T, ShareError>>,
    ) -> Result<T, ShareError> {
        self.bounded_for(Duration::ZERO, operation, names, step).await
    }

    /// A step that moves or flushes bytes has more time, by how many they are.
    async fn bounded_for<T>(
        &self,
        more: Duration,
        operation: &'static str,
        names: &[&str],
        step: impl Future<Output = Result<T, ShareError>>,
    ) -> Result<T, ShareError> {
        let limit = self.answer.saturating_add(more);
        let answer = tokio::time::timeout(limit, step).await;
        answer.unwrap_or_else(|_| {
            let why = format!("the server gave no answer within {} seconds", limit.as_secs());
            let place = self.place(names);
            Err(ShareError::new(
                ShareErrorKind::Unavailable,
                operation,
                place,
                why,
            ))
        })
    }

    fn place(&self, names: &[&str]) -> String {
        self.address.below(names).to_string()
    }
}

#[derive(Clone)]
struct PatientShare {
    inner: Arc<dyn FileShare>,
    patience: Arc<Patience>,
    limit: Limit,
}

impl PatientShare {
    /// Makes a call that is whole in itself, until it succeeds or fails for good.
    async fn again<T, F>(
        &self,
        operation: &'static str,
        path: &SharePath,
        mut call: impl FnMut() -> F,
    ) -> Result<T, ShareError>
    where
        F: Future<Output = Result<T, ShareError>>,
    {
        let names = path.names(operation)?;
        let bounded = || self.limit.bounded(operation, &names, call());
        Attempts::new(&self.patience).make(bounded).await
    }

    /// The beginning of a file, and the rest of it when there is more.
    async fn open(&self, path: &SharePath) -> Result<PatientReader, ShareError> {
        const OPERATION: &str = "read the file";
        let names = path.names(OPERATION)?;
        let most = self.patience.most_remembered();
        let whole = self.limit.answer + time_to_move(most as u64);
        let begun = tokio::time::Instant::now();
        let opened = self
            .limit
            .bounded(OPERATION, &names, self.inner.read(path))
            .await?;
        let mut rest = TimedReader::new(opened, self.limit.answer);
        let mut beginning = Zeroizing::new(Vec::with_capacity(most));
        let mut limited = (&mut rest).take(most as u64);
        // A server that sends something now and then is no better than one that sends nothing.
        let read = tokio::time::timeout_at(begun + whole, limited.read_to_end(&mut beginning)).await;
        let why = match read {
            Ok(Ok(_)) => None,
            Ok(Err(e)) => Some(format!("the file could not be read to its end: {e}")),
            Err(_) => Some(format!(
                "the server did not send it within {} seconds",
                whole.as_secs()
            )),
        };
        if let Some(why) = why {
            let place = self.limit.place(&names);
            return Err(ShareError::new(
                ShareErrorKind::Unavailable,
                OPERATION,
                place,
                why,
            ));
        }
        let is_whole = beginning.len() < most;
        Ok(PatientReader::new(beginning, (!is_whole).then_some(rest)))
    }
}

#[async_trait]
impl FileShare for PatientShare {
    fn capabilities(&self) -> ShareCapabilities {
        self.inner.capabilities()
    }

    fn place(&self, path: &SharePath) -> String {
        match path.names("name the place") {
            Ok(names) => self.limit.place(&names),
            Err(_) => path.to_string(),
        }
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        self.again("look at the path", path, || self.inner.stat(path))
            .await
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        self.again("look at the path", path, || self.inner.length(path))
            .await
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        let reader = Attempts::new(&self.patience).make(|| self.open(path)).await?;
        Ok(Box::new(reader))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        let create = || self.inner.create(path, replace);
        let inner = self.again("create the file", path, create).await?;
        Ok(Box::new(PatientWriter::new(
            self.clone(),
            path.clone(),
            replace,
            inner,
        )))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        self.again("remove the file", path, || self.inner.remove(path))
            .await
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        self.again("clean up the folder", path, || self.inner.clean_up(path))
            .await
    }
}
