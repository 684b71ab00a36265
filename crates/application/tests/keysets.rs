//! The steps around the rules: what is kept, what is audited, and what is not done.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::sync::Arc;

use keystead_application::ports::{Clock, Replace};
use keystead_application::use_cases::{
    ActivateKeyset, DeleteKeyset, EditKeyset, ExportDestination, ExportProtection, ExportRequest,
    InstallationError, KeysetError,
};
use keystead_domain::keyset::{DeletionRefused, Force, Origin};
use keystead_domain::{Action, KeysetReference, Outcome, State};
use support::{World, actor};

#[tokio::test]
async fn init_makes_one_active_keyset_and_only_once() {
    let world = World::initialised().await;
    assert!(world.active().await.active().is_some());
    world.unlock().await.unwrap();
    let done = |action| (action, Outcome::Done);
    let expected = [
        Action::InstallationCreate,
        Action::KeysetCreate,
        Action::KeysetActivate,
    ]
    .map(done);
    assert_eq!(world.trail().await, expected);
}

#[tokio::test]
async fn another_master_key_keeps_the_installation_closed() {
    let world = World::initialised().await;
    let other = World::initialised().await;
    let mixed = World {
        master_keys: other.master_keys,
        ..world
    };
    assert!(matches!(
        mixed.unlock().await,
        Err(InstallationError::OtherMasterKey { .. })
    ));
    let none = World {
        master_keys: support::new_master_keys(),
        ..mixed
    };
    assert!(matches!(
        none.unlock().await,
        Err(InstallationError::MasterKeyMissing { .. })
    ));
}

#[tokio::test]
async fn activating_moves_the_pointer_and_tells_who_was_superseded() {
    let world = World::initialised().await;
    let first = world.active().await;
    let second = world.create("second").await;
    let activate = ActivateKeyset {
        store: world.store.as_ref(),
        clock: &world.clock,
    };
    let reference = KeysetReference::Id(second.id());
    let activated = activate.run(&actor(), &reference).await.unwrap();
    assert_eq!(activated.superseded, Some(first.fingerprint()));
    assert_eq!(world.active().await.id(), second.id());
    let again = activate.run(&actor(), &reference).await.unwrap();
    assert!(again.unchanged);
    let activations = world
        .trail()
        .await
        .iter()
        .filter(|(a, _)| *a == Action::KeysetActivate)
        .count();
    assert_eq!(activations, 2, "what changes nothing leaves no event");
}

#[tokio::test]
async fn a_clock_that_jumps_back_breaks_nothing() {
    let world = World::initialised().await;
    world.clock.advance(-3_600_000_000).unwrap();
    let second = world.create("made an hour before the first").await;
    let activate = ActivateKeyset {
        store: world.store.as_ref(),
        clock: &world.clock,
    };
    activate
        .run(&actor(), &KeysetReference::Id(second.id()))
        .await
        .unwrap();
    assert_eq!(world.active().await.id(), second.id());
    let records = world.records().await;
    let sequences: Vec<u64> = records.iter().map(|r| r.sequence.0).collect();
    assert_eq!(sequences, (1..=5).collect::<Vec<_>>());
    assert!(records[3].event.at < records[2].event.at);
}

#[tokio::test]
async fn a_refused_deletion_is_an_event_and_changes_nothing() {
    let world = World::initialised().await;
    let second = world.create("second").await;
    let delete = DeleteKeyset {
        store: world.store.as_ref(),
        clock: &world.clock,
    };
    let refused = delete.run(&actor(), &second, None).await;
    assert!(matches!(
        refused,
        Err(KeysetError::Deletion(DeletionRefused::NeverExported))
    ));
    let force = Some(Force {
        reason: "a test".parse().unwrap(),
    });
    let refused = delete.run(&actor(), &world.active().await, force.clone()).await;
    assert!(matches!(
        refused,
        Err(KeysetError::Deletion(DeletionRefused::Active))
    ));
    assert_eq!(world.count().await, 2);
    delete.run(&actor(), &second, force).await.unwrap();
    assert_eq!(world.count().await, 1);
    let deletions: Vec<_> = world
        .trail()
        .await
        .into_iter()
        .filter(|(a, _)| *a == Action::KeysetDelete)
        .map(|(_, o)| o)
        .collect();
    assert_eq!(deletions, [Outcome::Refused, Outcome::Refused, Outcome::Done]);
}

#[tokio::test]
async fn an_export_is_recorded_with_its_place() {
    let world = World::initialised().await;
    let request = ExportRequest {
        keysets: vec![KeysetReference::Active],
        protection: ExportProtection::Unprotected,
        destination: ExportDestination::Share {
            located: world.located("safe"),
            replace: Replace::Never,
        },
    };
    let receipt = world.export(request).await.unwrap();
    let place = receipt.exported[0].place.clone().unwrap();
    assert!(
        place.ends_with(&format!(
            "safe/keyset-{}.pem",
            world.active().await.fingerprint().short()
        )),
        "{place}"
    );
    let last = world.active().await.last_export().cloned().unwrap();
    assert_eq!((last.to, last.at), (place, world.clock.now()));
}

#[tokio::test]
async fn an_export_to_the_caller_is_not_recorded() {
    let world = World::initialised().await;
    world.exported_bytes(Vec::new()).await;
    assert_eq!(world.active().await.last_export(), None);
    let exports: Vec<_> = world
        .trail()
        .await
        .into_iter()
        .filter(|(a, _)| *a == Action::KeysetExport)
        .map(|(_, o)| o)
        .collect();
    assert_eq!(exports, [Outcome::Begun, Outcome::Done]);
}

#[tokio::test]
async fn a_short_passphrase_exports_nothing() {
    let world = World::initialised().await;
    let weak = keystead_domain::Passphrase::new(zeroize::Zeroizing::new(b"short".to_vec()));
    let request = ExportRequest {
        keysets: Vec::new(),
        protection: ExportProtection::Passphrase(Arc::new(weak)),
        destination: ExportDestination::Caller,
    };
    assert!(matches!(
        world.export(request).await,
        Err(KeysetError::WeakPassphrase(_))
    ));
    assert_eq!(
        world.trail().await.last(),
        Some(&(Action::KeysetExport, Outcome::Refused))
    );
}

#[tokio::test]
async fn an_import_is_inactive_and_remembers_where_it_comes_from() {
    let exporter = World::initialised().await;
    let original = exporter.active().await;
    let world = World::beside(&exporter);
    world.initialise().await;
    let imported = world
        .import(exporter.exported_bytes(vec![KeysetReference::Active]).await)
        .await
        .unwrap();
    let [imported] = imported.as_slice() else {
        panic!("{imported:?}")
    };
    assert_eq!(imported.state(), &State::NeverActivated);
    assert_eq!(
        imported.origin(),
        Origin::Imported {
            exported_as: Some(original.id())
        }
    );
    assert_ne!(imported.id(), original.id());
    assert_eq!(
        (imported.hint(), imported.created_at()),
        (original.hint(), original.created_at())
    );
}

#[tokio::test]
async fn a_file_with_several_keysets_comes_in_whole_or_not_at_all() {
    let exporter = World::initialised().await;
    exporter.create("second").await;
    exporter.create("third").await;
    let world = World::beside(&exporter);
    world.initialise().await;
    let third = exporter
        .snapshot()
        .await
        .list_keysets(None, 10)
        .await
        .unwrap()
        .keysets[2]
        .id();
    world
        .import(exporter.exported_bytes(vec![KeysetReference::Id(third)]).await)
        .await
        .unwrap();
    assert_eq!(world.count().await, 2);
    let refused = world.import(exporter.exported_bytes(Vec::new()).await).await;
    assert!(matches!(refused, Err(KeysetError::AlreadyHere { .. })));
    assert_eq!(world.count().await, 2, "nothing of a file that is refused stays");
    assert_eq!(
        world.trail().await.last(),
        Some(&(Action::KeysetImport, Outcome::Refused))
    );
}

#[tokio::test]
async fn a_hint_that_is_the_same_leaves_no_event() {
    let world = World::initialised().await;
    let edit = EditKeyset {
        store: world.store.as_ref(),
        clock: &world.clock,
    };
    edit.run(&actor(), &KeysetReference::Active, "first".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(world.trail().await.len(), 3);
    let edited = edit
        .run(&actor(), &KeysetReference::Active, "other".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(edited.hint().as_str(), "other");
    assert_eq!(
        world.trail().await.last(),
        Some(&(Action::KeysetEdit, Outcome::Done))
    );
}
