//! The master key is rotated: everything opens under one key at every moment.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use keystead_application::ports::{
    MasterKey, MasterKeyError, MasterKeyProvider, MasterKeyProviders, Promotion, Snapshot, Store, StoreError,
    StoreErrorKind, UnitOfWork,
};
use keystead_application::use_cases::{
    CreateKeyset, InstallationError, KeysetError, MasterKeyStatus, RotateMasterKey, Rotated, RotationError,
    UnlockInstallation,
};
use keystead_domain::{Action, AuditEvent, GenerateBits, Keyset, MasterKeyId, Outcome, SealedBytes};
use keystead_memory::MemoryMasterKeyProvider;
use support::{World, actor};

async fn rotate(world: &World, store: &dyn Store, to: Option<&str>) -> Result<Rotated, RotationError> {
    let rotate = RotateMasterKey {
        store,
        master_keys: &world.master_keys,
        clock: &world.clock,
    };
    rotate.run(&actor(), to, &|_| {}).await
}

/// Every private key opens under the master key that the installation names.
async fn everything_opens(world: &World) {
    let master_key = world.master_key().await;
    let mut snapshot = world.snapshot().await;
    for keyset in snapshot.list_keysets(None, 1000).await.unwrap().keysets {
        let sealed = snapshot.sealed_private_key(keyset.id()).await.unwrap().unwrap();
        master_key.open(&sealed, &keyset.sealing_context()).await.unwrap();
    }
}

/// Stops working when so many units of work have begun: what a kill leaves.
struct Stops {
    store: Arc<dyn Store>,
    left: AtomicU32,
}

#[async_trait]
impl Store for Stops {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.snapshot().await
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "begin", "killed"));
        }
        self.left.store(left - 1, Ordering::SeqCst);
        self.store.begin().await
    }
}

#[tokio::test]
async fn a_rotation_seals_everything_under_a_new_key() {
    let world = World::initialised().await;
    world.create("second").await;
    let old = world.master_key().await;
    let rotated = rotate(&world, world.store.as_ref(), None).await.unwrap();
    assert_eq!((&rotated.from, rotated.private_keys), (old.id(), 2));
    assert_eq!(world.master_key().await.id(), &rotated.to);
    everything_opens(&world).await;

    let census = world.snapshot().await.master_key_census().await.unwrap();
    assert_eq!(census.staged, []);
    assert_eq!(census.sealed.len(), 1);
    assert_eq!(
        (&census.sealed[0].master_key_id, census.sealed[0].private_keys),
        (&rotated.to, 2)
    );
    let rotation = |outcome| (Action::MasterKeyRotate, outcome);
    assert_eq!(
        world.trail().await[4..],
        [Outcome::Begun, Outcome::Done, Outcome::Done].map(rotation)
    );
    let key = &world.create("third").await;
    let sealed = world
        .snapshot()
        .await
        .sealed_private_key(key.id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(sealed.master_key_id, rotated.to);
}

#[tokio::test]
async fn a_rotation_can_change_the_provider_and_come_back() {
    let world = World::initialised().await;
    let first = world.master_key().await.id().clone();
    let there = rotate(&world, world.store.as_ref(), Some("other")).await.unwrap();
    assert_eq!(
        (there.provider, world.master_key().await.provider()),
        ("other", "other")
    );
    assert!(there.old_kept_at.is_some(), "the old key stays where it was");
    everything_opens(&world).await;
    let back = rotate(&world, world.store.as_ref(), Some("memory"))
        .await
        .unwrap();
    assert_eq!(back.provider, "memory");
    assert_ne!(back.to, first, "a key that was given up is not taken again");
    everything_opens(&world).await;
    let nowhere = rotate(&world, world.store.as_ref(), Some("nowhere")).await;
    assert!(matches!(nowhere, Err(RotationError::NoProvider { .. })));
}

#[tokio::test]
async fn a_rotation_that_is_cut_off_anywhere_is_gone_on_with() {
    for to in [None, Some("other")] {
        for left in 0.. {
            let world = World::initialised().await;
            world.create("second").await;
            let stops = Stops {
                store: Arc::clone(&world.store),
                left: left.into(),
            };
            let cut_off = rotate(&world, &stops, to).await;
            everything_opens(&world).await;
            world.create("made in between").await;
            let done = match cut_off {
                Ok(done) => done,
                Err(_) => rotate(&world, world.store.as_ref(), to).await.unwrap(),
            };
            everything_opens(&world).await;
            let census = world.snapshot().await.master_key_census().await.unwrap();
            assert_eq!(
                (census.sealed.len(), census.staged.len()),
                (1, 0),
                "stopped at {left}"
            );
            assert_eq!(census.sealed[0].master_key_id, done.to);
            if stops.left.load(Ordering::SeqCst) > 0 {
                break;
            }
        }
    }
}

/// Lets something happen when the n-th unit of work is begun.
struct Interrupted<'a> {
    world: &'a World,
    at: AtomicU32,
}

#[async_trait]
impl Store for Interrupted<'_> {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.world.store.snapshot().await
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        if self.at.fetch_sub(1, Ordering::SeqCst) == 0 {
            rotate(self.world, self.world.store.as_ref(), None).await.unwrap();
        }
        self.world.store.begin().await
    }
}

/// The one that comes later is told so. It damages nothing, and calls nothing damaged.
#[tokio::test]
async fn of_two_rotations_at_once_the_slower_one_gives_up() {
    for at in 0..3 {
        let world = World::initialised().await;
        world.create("second").await;
        let slower = Interrupted {
            world: &world,
            at: at.into(),
        };
        match rotate(&world, &slower, None).await {
            Err(RotationError::RotatedMeanwhile(id)) => assert_eq!(&id, world.master_key().await.id()),
            other => panic!("begun {at} units of work: {other:?}"),
        }
        everything_opens(&world).await;
        let staged = world.snapshot().await.master_key_census().await.unwrap().staged;
        assert_eq!(staged, [], "nothing is left under the key that holds");
        let again = rotate(&world, world.store.as_ref(), None).await.unwrap();
        assert_ne!(again.from, again.to);
        everything_opens(&world).await;
    }
}

/// What lies staged may have been put there by anybody.
#[tokio::test]
async fn staged_copies_of_an_earlier_run_are_not_believed() {
    let world = World::initialised().await;
    let keyset = world.active().await;
    let holds = world
        .snapshot()
        .await
        .sealed_private_key(keyset.id())
        .await
        .unwrap()
        .unwrap();
    let before = world.master_key().await.id().clone();
    let mut unit = world.store.begin().await.unwrap();
    unit.stage_private_keys(&[(keyset.id(), holds)]).await.unwrap();
    let event = AuditEvent::new(
        keyset.created_at(),
        actor(),
        Action::MasterKeyRotate,
        Outcome::Done,
    );
    unit.append_audit(&event).await.unwrap();
    unit.commit().await.unwrap();
    let rotated = rotate(&world, world.store.as_ref(), None).await.unwrap();
    assert_ne!(rotated.to, before, "the key that holds is not rotated to itself");
    everything_opens(&world).await;
}

#[tokio::test]
async fn changing_the_mind_half_way_leaves_nothing_of_the_first_try() {
    let world = World::initialised().await;
    let stops = Stops {
        store: Arc::clone(&world.store),
        left: 2.into(),
    };
    rotate(&world, &stops, Some("other")).await.unwrap_err();
    let staged = world.snapshot().await.master_key_census().await.unwrap().staged;
    assert_eq!(staged.len(), 1, "something is staged for the other provider");
    let rotated = rotate(&world, world.store.as_ref(), Some("memory"))
        .await
        .unwrap();
    assert_eq!(rotated.provider, "memory");
    everything_opens(&world).await;
}

/// A process that read the master key before a rotation keeps nothing under it afterwards.
#[tokio::test]
async fn what_was_sealed_under_the_old_key_is_not_kept_after_a_rotation() {
    let world = World::initialised().await;
    let old = world.master_key().await;
    rotate(&world, world.store.as_ref(), None).await.unwrap();
    let create = CreateKeyset {
        store: world.store.as_ref(),
        master_key: old.as_ref(),
        rsa: world.rsa.as_ref(),
        clock: &world.clock,
        randomness: &world.randomness,
    };
    let refused = create
        .run(&actor(), "late".parse().unwrap(), GenerateBits::B2048)
        .await;
    assert!(matches!(refused, Err(KeysetError::Rotated(_))));
    assert_eq!(world.count().await, 1);
}

/// A private key that the old master key does not open would be lost by the switch.
#[tokio::test]
async fn a_damaged_private_key_stops_the_rotation_and_is_named() {
    let world = World::initialised().await;
    let foreign = world.active().await;
    let foreign = world
        .snapshot()
        .await
        .sealed_private_key(foreign.id())
        .await
        .unwrap()
        .unwrap();
    let damaged = world.create("damaged").await;
    give_private_key(&world, &damaged, &foreign).await;
    let before = world.master_key().await.id().clone();
    match rotate(&world, world.store.as_ref(), None).await {
        Err(RotationError::Damaged(ids)) => assert_eq!(ids, [damaged.id()]),
        other => panic!("{other:?}"),
    }
    assert_eq!(*world.master_key().await.id(), before);
}

/// Puts the sealed private key of another row into the row of this keyset.
async fn give_private_key(world: &World, keyset: &Keyset, sealed: &SealedBytes) {
    let mut unit = world.store.begin().await.unwrap();
    unit.delete_keyset(keyset.id(), keyset.version()).await.unwrap();
    unit.insert_keyset(keyset, sealed).await.unwrap();
    let event = AuditEvent::new(keyset.created_at(), actor(), Action::KeysetImport, Outcome::Done);
    unit.append_audit(&event).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn the_status_tells_what_is_sealed_under_what() {
    let world = World::initialised().await;
    let status = MasterKeyStatus {
        store: world.store.as_ref(),
        master_keys: &world.master_keys,
    };
    let state = status.run().await.unwrap();
    assert!(state.trouble.is_none() && state.place.is_some());
    assert_eq!(state.census.sealed[0].private_keys, 1);
    let none = support::new_master_keys();
    let status = MasterKeyStatus {
        store: world.store.as_ref(),
        master_keys: &none,
    };
    let state = status.run().await.unwrap();
    assert!(matches!(
        state.trouble,
        Some(InstallationError::MasterKeyMissing { .. })
    ));
}

#[tokio::test]
async fn a_provider_that_is_not_set_up_is_named_with_its_key() {
    let world = World::initialised().await;
    let rotated = rotate(&world, world.store.as_ref(), Some("other")).await.unwrap();
    let elsewhere = MasterKeyProviders::new(Arc::new(MemoryMasterKeyProvider::new()), Vec::new());
    let unlock = UnlockInstallation {
        store: world.store.as_ref(),
        master_keys: &elsewhere,
    };
    match unlock.run().await.map(|_| ()) {
        Err(InstallationError::NoProvider { expected, provider }) => {
            assert_eq!((expected, provider.as_str()), (rotated.to, "other"));
        }
        other => panic!("{other:?}"),
    }
}

/// A key that was moved to another provider, without rotating, is found there.
#[tokio::test]
async fn a_key_that_was_moved_is_found_at_the_preferred_provider() {
    let world = World::initialised().await;
    rotate(&world, world.store.as_ref(), Some("other")).await.unwrap();
    let moved = MasterKeyProviders::new(Arc::new(Moved(world.master_keys.clone())), Vec::new());
    let unlock = UnlockInstallation {
        store: world.store.as_ref(),
        master_keys: &moved,
    };
    unlock.run().await.unwrap();
}

/// The other provider's keys under a name of its own.
struct Moved(MasterKeyProviders);

#[async_trait]
impl MasterKeyProvider for Moved {
    fn name(&self) -> &'static str {
        "moved"
    }

    fn place(&self) -> String {
        "elsewhere".into()
    }

    fn safekeeping(&self) -> &'static str {
        "keep it"
    }

    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError> {
        self.0.named("other").unwrap().keys().await
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        unreachable!("nothing is made here")
    }

    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        unreachable!("nothing is made here")
    }

    async fn promote(&self, _: &MasterKeyId) -> Result<Promotion, MasterKeyError> {
        unreachable!("nothing is made here")
    }
}
