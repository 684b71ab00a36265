//! The patient share around the share in memory, with faults in between.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, Replace, ShareAccess, ShareAddress, ShareCapabilities, ShareError, ShareErrorKind,
    SharePath, SharePatience, ShareProvider, ShareWriter, WriteReceipt,
};
use keystead_contract::file_share::FileShareFixture;
use keystead_memory::{MemoryFileShare, MemoryRandomness};
use keystead_retry::PatientShareProvider;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

const ANSWER: Duration = Duration::from_secs(20);
const RETRY: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The link breaks before the step.
    Breaks,
    /// The step is done, and its answer is lost.
    AnswerIsLost,
    /// No answer ever comes.
    Hangs,
    /// A failure that does not pass.
    Refuses,
}

/// The share in memory; its calls are numbered, and those of writers are counted with them.
#[derive(Clone, Default)]
struct Faulty {
    memory: MemoryFileShare,
    calls: Arc<AtomicUsize>,
    faults: Arc<Mutex<Vec<(usize, Fault)>>>,
}

impl Faulty {
    fn with(faults: &[(usize, Fault)]) -> Self {
        let share = Self::default();
        share.memory.make_folder(&SharePath::new("safe")).unwrap();
        share.faults.lock().unwrap().extend(faults);
        share
    }

    async fn step<T>(&self, step: impl Future<Output = Result<T, ShareError>>) -> Result<T, ShareError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let faults = self.faults.lock().unwrap().clone();
        let fault = faults
            .iter()
            .find(|(at, _)| *at == number)
            .map(|(_, fault)| *fault);
        match fault {
            None => step.await,
            Some(Fault::Breaks) => Err(failure(ShareErrorKind::Unavailable)),
            Some(Fault::Refuses) => Err(failure(ShareErrorKind::Denied)),
            Some(Fault::AnswerIsLost) => {
                step.await?;
                Err(failure(ShareErrorKind::Unavailable))
            }
            Some(Fault::Hangs) => std::future::pending().await,
        }
    }

    async fn patient(&self) -> Arc<dyn FileShare> {
        let inner = Arc::new(FaultyProvider(self.clone()));
        let provider = PatientShareProvider::new(inner, Arc::new(MemoryRandomness::default()));
        let access = ShareAccess {
            patience: SharePatience {
                answer: ANSWER,
                retry: RETRY,
            },
            ..ShareAccess::to(ShareAddress::parse("memory:///").unwrap())
        };
        provider.connect(&access).await.unwrap()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn content(&self) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        let mut reader = self.memory.read(&path()).await.ok()?;
        reader.read_to_end(&mut content).await.unwrap();
        Some(content)
    }
}

struct FaultyProvider(Faulty);

#[async_trait]
impl ShareProvider for FaultyProvider {
    fn schemes(&self) -> &[&'static str] {
        &["memory"]
    }

    async fn connect(&self, _: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        Ok(Arc::new(self.0.clone()))
    }
}

#[async_trait]
impl FileShare for Faulty {
    fn capabilities(&self) -> ShareCapabilities {
        self.memory.capabilities()
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        self.step(self.memory.stat(path)).await
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        self.step(self.memory.read(path)).await
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        let writer = self.step(self.memory.create(path, replace)).await?;
        let share = self.clone();
        Ok(Box::new(FaultyWriter { writer, share }))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        self.step(self.memory.remove(path)).await
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        self.step(self.memory.clean_up(path)).await
    }
}

struct FaultyWriter {
    writer: Box<dyn ShareWriter>,
    share: Faulty,
}

#[async_trait]
impl ShareWriter for FaultyWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        let share = self.share.clone();
        share.step(self.writer.write(bytes)).await
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        let Self { writer, share } = *self;
        share.step(writer.publish()).await
    }

    async fn discard(self: Box<Self>) {
        self.writer.discard().await;
    }
}

fn failure(kind: ShareErrorKind) -> ShareError {
    ShareError::new(kind, "test", "memory:///", "it was meant to")
}

fn path() -> SharePath {
    SharePath::new("safe/k.pem")
}

/// Steps: create, write, write, publish.
async fn put(share: &dyn FileShare, replace: Replace) -> Result<WriteReceipt, ShareError> {
    let mut writer = share.create(&path(), replace).await?;
    writer.write(b"one ").await?;
    writer.write(b"two").await?;
    writer.publish().await
}

#[tokio::test(start_paused = true)]
async fn every_step_of_a_small_file_is_done_again() {
    for fault in [Fault::Breaks, Fault::AnswerIsLost, Fault::Hangs] {
        for at in 0..=3 {
            // Twice in a row.
            let faulty = Faulty::with(&[(at, fault), (at + 1, fault)]);
            let share = faulty.patient().await;
            let receipt = put(&*share, Replace::Never)
                .await
                .unwrap_or_else(|e| panic!("{fault:?} at {at}: {e}"));
            assert_eq!(receipt.bytes, 7);
            assert!(receipt.place.contains("safe/k.pem"), "{}", receipt.place);
            assert_eq!(faulty.content().await.as_deref(), Some(&b"one two"[..]));
            assert_eq!(
                faulty.memory.files_in(&SharePath::new("safe")),
                1,
                "{fault:?} at {at}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_publication_is_looked_up_and_nothing_is_written_twice() {
    let faulty = Faulty::with(&[(3, Fault::AnswerIsLost)]);
    put(&*faulty.patient().await, Replace::Never).await.unwrap();
    assert_eq!(faulty.calls(), 5, "create, write, write, publish, and a look");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_somebody_else_put_there_meanwhile_is_not_taken_for_ours() {
    let faulty = Faulty::with(&[(3, Fault::Breaks)]);
    let share = faulty.patient().await;
    let mut writer = share.create(&path(), Replace::Never).await.unwrap();
    writer.write(b"one ").await.unwrap();
    writer.write(b"two").await.unwrap();
    let mut other = faulty.memory.create(&path(), Replace::Never).await.unwrap();
    other.write(b"another").await.unwrap();
    other.publish().await.unwrap();
    assert_eq!(writer.publish().await.unwrap_err().kind, ShareErrorKind::Exists);
    assert_eq!(faulty.content().await.as_deref(), Some(&b"another"[..]));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_is_not_tried_again() {
    for at in 0..=3 {
        let faulty = Faulty::with(&[(at, Fault::Refuses)]);
        let refused = put(&*faulty.patient().await, Replace::Never).await.unwrap_err();
        assert_eq!(refused.kind, ShareErrorKind::Denied);
        assert_eq!(faulty.calls(), at + 1);
        assert_eq!(faulty.content().await, None);
        assert_eq!(faulty.memory.files_in(&SharePath::new("safe")), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn trying_ends_with_its_time_and_says_so() {
    let faults: Vec<_> = (3..1000).map(|at| (at, Fault::Breaks)).collect();
    let faulty = Faulty::with(&faults);
    let begun = Instant::now();
    let failed = put(&*faulty.patient().await, Replace::Never).await.unwrap_err();
    assert!(
        begun.elapsed() >= RETRY && begun.elapsed() < RETRY + ANSWER,
        "{:?}",
        begun.elapsed()
    );
    let text = failed.to_string();
    assert!(text.contains("more times within"), "{text}");
    assert_eq!(faulty.content().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_large_file_is_not_remembered_and_its_failure_is_told() {
    let faulty = Faulty::with(&[(3, Fault::Breaks)]);
    let share = faulty.patient().await;
    let mut writer = share.create(&path(), Replace::Never).await.unwrap();
    writer.write(&vec![1; 1 << 20]).await.unwrap();
    writer.write(&vec![2; 2 << 20]).await.unwrap();
    let failed = writer.write(b"more").await.unwrap_err();
    assert_eq!(failed.kind, ShareErrorKind::Unavailable);
    assert!(writer.write(b"more").await.is_err(), "it is given up");
    assert!(writer.publish().await.is_err());
    assert_eq!(faulty.content().await, None);
}

#[tokio::test(start_paused = true)]
async fn reading_looking_and_removing_are_done_again() {
    let faulty = Faulty::with(&[
        (0, Fault::Breaks),
        (2, Fault::Hangs),
        (4, Fault::Breaks),
        (6, Fault::Hangs),
    ]);
    let mut writer = faulty.memory.create(&path(), Replace::Never).await.unwrap();
    writer.write(b"one two").await.unwrap();
    writer.publish().await.unwrap();
    let share = faulty.patient().await;
    assert_eq!(share.stat(&path()).await.unwrap(), Some(EntryKind::File));
    let mut read = Vec::new();
    share
        .read(&path())
        .await
        .unwrap()
        .read_to_end(&mut read)
        .await
        .unwrap();
    assert_eq!(read, b"one two");
    assert_eq!(share.clean_up(&path()).await.unwrap(), 0);
    share.remove(&path()).await.unwrap();
    assert_eq!(faulty.content().await, None);
    assert_eq!(faulty.calls(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_path_out_of_the_share_reaches_nobody() {
    let faulty = Faulty::with(&[]);
    let share = faulty.patient().await;
    let refused = share.stat(&SharePath::new("../x")).await.unwrap_err();
    assert_eq!(refused.kind, ShareErrorKind::OutsideShare);
    assert_eq!(faulty.calls(), 0);
}

/// The whole suite passes through the decorator.
struct Decorated {
    faulty: Faulty,
    share: Arc<dyn FileShare>,
    made: AtomicUsize,
}

#[async_trait]
impl FileShareFixture for Decorated {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::clone(&self.share)
    }

    async fn folder(&self) -> SharePath {
        let folder = SharePath::new(format!("{}", self.made.fetch_add(1, Ordering::SeqCst)));
        self.faulty.memory.make_folder(&folder).unwrap();
        folder
    }

    fn knows_folders(&self) -> bool {
        true
    }

    fn keeps_paths_inside(&self) -> bool {
        true
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        self.faulty.memory.files_in(folder)
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    async fn leave_broken_write(&self, folder: &SharePath) {
        self.faulty.memory.leave_broken_write(folder).unwrap();
    }

    async fn others_can_read(&self, _: &SharePath) -> Option<bool> {
        Some(false)
    }
}

keystead_contract::file_share_contract!(async {
    let faulty = Faulty::with(&[]);
    Decorated {
        share: faulty.patient().await,
        faulty,
        made: AtomicUsize::new(0),
    }
});
