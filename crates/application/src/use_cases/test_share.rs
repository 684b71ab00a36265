use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::ShareFailure;
use crate::ports::{
    Clock, EntryKind, FileShare, FileShares, LocatedShare, Randomness, RandomnessError, Replace,
    ShareCapabilities, ShareError, ShareErrorKind, SharePath, Temporaries, WriteReceipt, harmless_location,
};

/// How many bytes are written: more than an export has, and no more than a slow line takes in a moment.
const LENGTH: usize = 64 * 1024;

/// Tries out whether exports can go to a share and come back: it writes, reads back, compares, replaces and removes small
/// files of its own.
pub struct TestShare<'a> {
    /// Reaches the share.
    pub shares: &'a FileShares,
    /// Times the steps.
    pub clock: &'a dyn Clock,
    /// Makes contents.
    pub randomness: &'a dyn Randomness,
    /// Makes the name of the trial file, and takes it away when the test is broken off.
    pub temporaries: &'a Temporaries,
}

/// What a test of a share found.
#[derive(Debug)]
pub struct ShareTest {
    /// Where it was tried.
    pub place: String,
    /// The steps that were tried, in their order. Only the last one can have failed.
    pub steps: Vec<TestedStep>,
    /// What the share promised of the last write; `None` when none was tried.
    pub promised: Option<ShareCapabilities>,
}

/// One step.
#[derive(Debug)]
pub struct TestedStep {
    /// Which.
    pub step: ShareStep,
    /// How long it took.
    pub took: Duration,
    /// How it went.
    pub result: Result<(), ShareFailure>,
}

/// The steps of a test, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShareStep {
    /// Reaching the share, and signing in.
    Connect,
    /// Looking at the folder.
    Look,
    /// Writing under a temporary name.
    Write,
    /// Flushing, and putting the file under its name.
    Publish,
    /// Reading it back and comparing.
    ReadBack,
    /// Being refused a second file of the same name.
    Keep,
    /// Replacing it, and reading that back.
    Replace,
    /// Removing it.
    Remove,
}

impl fmt::Display for ShareStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect and sign in",
            Self::Look => "look at the folder",
            Self::Write => "write",
            Self::Publish => "flush and rename",
            Self::ReadBack => "read back and compare",
            Self::Keep => "keep what is there",
            Self::Replace => "replace and compare",
            Self::Remove => "remove",
        })
    }
}

impl ShareStep {
    /// The name in JSON.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Look => "look",
            Self::Write => "write",
            Self::Publish => "publish",
            Self::ReadBack => "read_back",
            Self::Keep => "keep",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

impl ShareTest {
    /// The failure that ended it.
    pub fn into_failure(self) -> Option<ShareFailure> {
        self.steps.into_iter().find_map(|step| step.result.err())
    }
}

/// The steps that were made so far.
struct Steps<'a> {
    clock: &'a dyn Clock,
    made: Vec<TestedStep>,
}

impl Steps<'_> {
    /// Makes a step; `None` ends the test.
    async fn make<T>(
        &mut self,
        step: ShareStep,
        work: impl Future<Output = Result<T, ShareError>>,
    ) -> Option<T> {
        let begun = self.clock.now().as_micros();
        let result = work.await;
        // The clock may jump while the step is made.
        let took = u64::try_from(self.clock.now().as_micros().saturating_sub(begun)).unwrap_or(0);
        let (result, value) = match result {
            Ok(value) => (Ok(()), Some(value)),
            Err(error) => (Err(ShareFailure(error)), None),
        };
        self.made.push(TestedStep {
            step,
            took: Duration::from_micros(took),
            result,
        });
        value
    }
}

impl TestShare<'_> {
    /// Tries it out. A share that is only read from is only looked at. Nothing is left behind.
    ///
    /// # Errors
    /// When there is no randomness. What is wrong with the share is in the result.
    pub async fn run(&self, location: &str) -> Result<ShareTest, RandomnessError> {
        let mut steps = Steps {
            clock: self.clock,
            made: Vec::new(),
        };
        let mut test = ShareTest {
            place: harmless_location(location),
            steps: Vec::new(),
            promised: None,
        };
        let connect = async {
            let located = self.shares.locate(location).await?;
            // Some connect when they are first asked something.
            located.share.stat(&located.path).await?;
            Ok(located)
        };
        if let Some(LocatedShare { share, path }) = steps.make(ShareStep::Connect, connect).await {
            test.place = share.place(&path);
            let name = self.temporaries.name()?;
            let trial = Trial {
                file: path.join(&name),
                folder: path,
                share: share.as_ref(),
                contents: [self.content()?, self.content()?],
            };
            let guard = TrialFile {
                temporaries: self.temporaries,
                name,
                share: Arc::clone(&share),
                file: trial.file.clone(),
                is_over: false,
            };
            test.promised = trial.run(&mut steps).await;
            guard.over();
        }
        test.steps = steps.made;
        Ok(test)
    }

    fn content(&self) -> Result<Vec<u8>, RandomnessError> {
        let mut content = vec![0; LENGTH];
        self.randomness.fill(&mut content)?;
        Ok(content)
    }
}

struct Trial<'a> {
    share: &'a dyn FileShare,
    folder: SharePath,
    file: SharePath,
    contents: [Vec<u8>; 2],
}

/// The trial file, which goes away when the test is broken off.
struct TrialFile<'a> {
    temporaries: &'a Temporaries,
    name: String,
    share: Arc<dyn FileShare>,
    file: SharePath,
    is_over: bool,
}

impl TrialFile<'_> {
    fn over(mut self) {
        self.is_over = true;
    }
}

impl Drop for TrialFile<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let (share, file) = (Arc::clone(&self.share), self.file.clone());
            let removal = async move { is_gone(share.as_ref(), &file).await };
            self.temporaries.remove_later(self.name.clone(), removal);
        }
    }
}

/// Removes a file until it stays away: a step that was broken off may still be under way at the server, and may hold the
/// file open or put it there once more.
async fn is_gone(share: &dyn FileShare, file: &SharePath) -> bool {
    const PAUSE: Duration = Duration::from_millis(100);
    const TRIES: usize = 20;
    let mut stayed_away = 0;
    for _ in 0..TRIES {
        let removed = share.remove(file).await.is_ok();
        match (removed, share.stat(file).await) {
            (true, Ok(None)) => stayed_away += 1,
            _ => stayed_away = 0,
        }
        if stayed_away == 3 {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

impl Trial<'_> {
    /// Gives what the last write was promised.
    async fn run(&self, steps: &mut Steps<'_>) -> Option<ShareCapabilities> {
        steps.make(ShareStep::Look, self.look()).await?;
        if let Err(refused) = self.share.create(&self.file, Replace::Never).await
            && refused.kind == ShareErrorKind::ReadOnly
        {
            return None;
        }
        let mut promised = None;
        if self.write(steps, &mut promised).await.is_none() {
            // The failure is told; that this fails too would tell nothing more.
            let _ = self.share.remove(&self.file).await;
        }
        promised
    }

    async fn write(&self, steps: &mut Steps<'_>, promised: &mut Option<ShareCapabilities>) -> Option<()> {
        let [first, second] = &self.contents;
        let writer = steps.make(ShareStep::Write, async {
            let mut writer = self.share.create(&self.file, Replace::Never).await?;
            writer.write(first).await?;
            Ok(writer)
        });
        let writer = writer.await?;
        *promised = Some(steps.make(ShareStep::Publish, writer.publish()).await?.promised);
        steps.make(ShareStep::ReadBack, self.holds(first)).await?;
        let kept = steps
            .make(ShareStep::Keep, self.keeps(first, second, *promised))
            .await?;
        *promised = Some(kept);
        steps.make(ShareStep::Replace, self.replace(second)).await?;
        steps.make(ShareStep::Remove, self.remove()).await
    }

    async fn look(&self) -> Result<(), ShareError> {
        match self.share.stat(&self.folder).await? {
            Some(EntryKind::Folder) => Ok(()),
            Some(EntryKind::File | EntryKind::Other) => Err(self.failure(
                ShareErrorKind::NotAFile,
                "look at the folder",
                "this is no folder",
            )),
            None => Err(self.failure(
                ShareErrorKind::NoFolder,
                "look at the folder",
                "the folder does not exist",
            )),
        }
    }

    async fn holds(&self, content: &[u8]) -> Result<(), ShareError> {
        const OPERATION: &str = "read back and compare";
        let mut found = Vec::with_capacity(content.len() + 1);
        let reader = self.share.read(&self.file).await?;
        let read = reader
            .take(content.len() as u64 + 1)
            .read_to_end(&mut found)
            .await;
        read.map_err(|e| self.failure(ShareErrorKind::Unavailable, OPERATION, &e.to_string()))?;
        match found == content {
            true => Ok(()),
            false => {
                let why = "what was read back is not what was written; do not use this share";
                Err(self.failure(ShareErrorKind::NotAsWritten, OPERATION, why))
            }
        }
    }

    /// A file that must not be replaced is not: neither one that is there, nor one that came while another was written.
    async fn keeps(
        &self,
        there: &[u8],
        other: &[u8],
        promised: Option<ShareCapabilities>,
    ) -> Result<ShareCapabilities, ShareError> {
        const OPERATION: &str = "keep what is there";
        match self.put(Replace::Never, other).await {
            Err(refused) if refused.kind == ShareErrorKind::Exists => {}
            Err(failed) => return Err(failed),
            Ok(_) => {
                let why = "a file was replaced that must not be; do not use this share";
                return Err(self.failure(ShareErrorKind::Unsupported, OPERATION, why));
            }
        }
        let mut promised = promised.unwrap_or(ShareCapabilities::NONE);
        if promised.exclusive_create {
            self.share.remove(&self.file).await?;
            let mut late = self.share.create(&self.file, Replace::Never).await?;
            late.write(other).await?;
            promised = self.put(Replace::Never, there).await?.promised;
            match late.publish().await {
                Err(refused) if refused.kind == ShareErrorKind::Exists => {}
                Err(failed) => return Err(failed),
                Ok(_) => {
                    let why = "the server does not keep a file that came while another one was written; \
                        let nobody else write to this share";
                    return Err(self.failure(ShareErrorKind::Unsupported, OPERATION, why));
                }
            }
        }
        self.holds(there).await?;
        Ok(promised)
    }

    async fn replace(&self, content: &[u8]) -> Result<(), ShareError> {
        self.put(Replace::Allowed, content).await?;
        self.holds(content).await
    }

    async fn put(&self, replace: Replace, content: &[u8]) -> Result<WriteReceipt, ShareError> {
        let mut writer = self.share.create(&self.file, replace).await?;
        writer.write(content).await?;
        writer.publish().await
    }

    async fn remove(&self) -> Result<(), ShareError> {
        self.share.remove(&self.file).await?;
        match self.share.stat(&self.file).await? {
            None => Ok(()),
            Some(_) => Err(self.failure(
                ShareErrorKind::Unavailable,
                "remove the file",
                "it is still there",
            )),
        }
    }

    fn failure(&self, kind: ShareErrorKind, operation: &'static str, why: &str) -> ShareError {
        ShareError::new(kind, operation, self.share.place(&self.file), why)
    }
}
