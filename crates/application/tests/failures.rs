//! Ports that fail at the worst moment.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use keystead_application::ports::{
    EntryKind, FileShare, LocatedShare, MasterKey, MasterKeyError, MockStore, MockUnitOfWork, Replace,
    ShareCapabilities, ShareError, SharePath, ShareWriter, StoreError, StoreErrorKind,
};
use keystead_application::use_cases::{
    ActivateKeyset, BackupError, ExportDestination, ExportKeysets, ExportProtection, ExportRequest,
    KeysetAccess, KeysetError, OpenBackup, SealBackup, SealRecipients, SealRequest,
};
use keystead_domain::{KeysetReference, MasterKeyId, SealedBytes, SecretBytes};
use support::{World, actor};
use tokio::io::{AsyncRead, AsyncReadExt};

fn unavailable(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, operation, "the database went away")
}

/// A master key that must not be used.
struct Untouchable(Arc<dyn MasterKey>);

#[async_trait]
impl MasterKey for Untouchable {
    fn id(&self) -> &MasterKeyId {
        self.0.id()
    }

    fn provider(&self) -> &'static str {
        self.0.provider()
    }

    async fn seal(&self, _: &SecretBytes, _: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        panic!("a secret was sealed")
    }

    async fn open(&self, _: &SealedBytes, _: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        panic!("a private key was touched")
    }
}

#[tokio::test]
async fn a_private_key_is_not_touched_when_the_event_cannot_be_written() {
    let world = World::initialised().await;
    let sealed = seal(&world).await;
    let reads = Arc::clone(&world.store);
    let mut store = MockStore::new();
    let snapshot = Arc::new(std::sync::Mutex::new(vec![reads.snapshot().await.unwrap()]));
    store
        .expect_snapshot()
        .returning(move || Ok(snapshot.lock().unwrap().pop().unwrap()));
    store
        .expect_begin()
        .times(1)
        .returning(|| Err(unavailable("begin")));

    let open = OpenBackup {
        format: world.format.clone(),
    };
    let source = open.read_header(Box::new(sealed.as_slice())).await.unwrap();
    let master_key = Untouchable(world.master_key().await);
    let keys = KeysetAccess {
        store: &store,
        master_key: &master_key,
        rsa: world.rsa.as_ref(),
        clock: &world.clock,
    };
    let outcome = open.unlock_with_keysets(&source.header, &keys, &actor()).await;
    assert!(matches!(outcome, Err(BackupError::Store(_))));
}

#[tokio::test]
async fn an_activation_that_does_not_commit_is_an_error() {
    let world = World::initialised().await;
    let second = world.create("second").await;
    let active = world.active().await;
    let mut store = MockStore::new();
    store.expect_begin().return_once(move || {
        let mut unit = MockUnitOfWork::new();
        unit.expect_find_keyset().return_once(move |_| Ok(Some(second)));
        unit.expect_active_keyset().return_once(move || Ok(Some(active)));
        unit.expect_point_active().times(1).returning(|_, _| Ok(()));
        unit.expect_save_keyset().times(2).returning(|_, _| Ok(()));
        unit.expect_append_audit()
            .times(1)
            .returning(|_| Ok(keystead_domain::Sequence(9)));
        unit.expect_commit()
            .times(1)
            .returning(|| Err(unavailable("commit")));
        Ok(Box::new(unit))
    });
    let activate = ActivateKeyset {
        store: &store,
        clock: &world.clock,
    };
    let reference = KeysetReference::Id(keystead_domain::KeysetId::from_random_bytes([1; 16]));
    let outcome = activate.run(&actor(), &reference).await;
    assert!(matches!(outcome, Err(KeysetError::Store(e)) if e.kind == StoreErrorKind::Unavailable));
}

/// A share that gives back other bytes than it was given.
struct Forgetful {
    inner: Arc<dyn FileShare>,
    removed: AtomicBool,
}

#[async_trait]
impl FileShare for Forgetful {
    fn capabilities(&self) -> ShareCapabilities {
        self.inner.capabilities()
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        self.inner.stat(path).await
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        let mut bytes = Vec::new();
        self.inner
            .read(path)
            .await?
            .read_to_end(&mut bytes)
            .await
            .unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        Ok(Box::new(std::io::Cursor::new(bytes)))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        self.inner.create(path, replace).await
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        self.removed.store(true, Ordering::Relaxed);
        self.inner.remove(path).await
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        self.inner.clean_up(path).await
    }
}

#[tokio::test]
async fn an_export_that_reads_back_differently_failed_and_is_not_recorded() {
    let world = World::initialised().await;
    let share = Arc::new(Forgetful {
        inner: world.located("").share,
        removed: AtomicBool::new(false),
    });
    let located = LocatedShare {
        share: Arc::clone(&share) as Arc<dyn FileShare>,
        path: SharePath::new("safe/export.pem"),
    };
    let request = ExportRequest {
        keysets: Vec::new(),
        protection: ExportProtection::Unprotected,
        destination: ExportDestination::Share {
            located,
            replace: Replace::Never,
        },
    };
    let outcome = world.export(request).await;
    assert!(matches!(outcome, Err(KeysetError::ReadBack { .. })));
    assert_eq!(world.active().await.last_export(), None);
    // By then, somebody else may have put a file of theirs there.
    assert!(!share.removed.load(Ordering::Relaxed));
}

#[tokio::test]
async fn an_export_that_cannot_be_recorded_says_that_the_file_is_good() {
    let world = World::initialised().await;
    let real = Arc::clone(&world.store);
    let mut store = MockStore::new();
    // Two looks (selection, private key), one event before the key is used, then the database is gone.
    let mut snapshots = vec![real.snapshot().await.unwrap(), real.snapshot().await.unwrap()];
    let snapshots = std::sync::Mutex::new(std::mem::take(&mut snapshots));
    store
        .expect_snapshot()
        .returning(move || Ok(snapshots.lock().unwrap().pop().unwrap()));
    let first = std::sync::Mutex::new(Some(real.begin().await.unwrap()));
    store
        .expect_begin()
        .times(2)
        .returning(move || match first.lock().unwrap().take() {
            Some(unit) => Ok(unit),
            None => Err(unavailable("begin")),
        });
    let master_key = world.master_key().await;
    let export = ExportKeysets {
        store: &store,
        master_key: master_key.as_ref(),
        rsa: world.rsa.as_ref(),
        codec: world.codec.clone(),
        clock: &world.clock,
        randomness: &world.randomness,
    };
    let request = ExportRequest {
        keysets: Vec::new(),
        protection: ExportProtection::Unprotected,
        destination: ExportDestination::Share {
            located: world.located("safe/e.pem"),
            replace: Replace::Never,
        },
    };
    let outcome = export.run(&actor(), request).await;
    assert!(matches!(outcome, Err(KeysetError::NotRecorded { .. })));
    assert_eq!(
        world.share.stat(&SharePath::new("safe/e.pem")).await.unwrap(),
        Some(EntryKind::File)
    );
}

/// Seals a few bytes to the Active keyset.
async fn seal(world: &World) -> Vec<u8> {
    let seal = SealBackup {
        rsa: world.rsa.as_ref(),
        format: world.format.clone(),
        clock: &world.clock,
        randomness: &world.randomness,
    };
    let path = SharePath::new("safe/sealed");
    let mut writer = world.share.create(&path, Replace::Never).await.unwrap();
    let to = seal
        .recipients(&actor(), SealRecipients::Active(world.store.as_ref()))
        .await
        .unwrap();
    let request = SealRequest {
        to,
        password: None,
        server: None,
    };
    seal.run(request, &mut &b"content"[..], &mut *writer, &|_| {})
        .await
        .unwrap();
    writer.publish().await.unwrap();
    let mut sealed = Vec::new();
    world
        .share
        .read(&path)
        .await
        .unwrap()
        .read_to_end(&mut sealed)
        .await
        .unwrap();
    sealed
}
