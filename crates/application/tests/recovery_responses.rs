//! What becomes of a response: where it is applied, how often, and for how long.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use keystead_application::exchange::DocumentError;
use keystead_application::ports::{RecoveryDocument, ServerFolder};
use keystead_application::use_cases::{Progressed, RecoveryError, ServerError};
use keystead_domain::{NotValidNow, Permission, RecoveryRefused, RecoveryState};
use support::recovery::{Machine, confirm, later, respond};
use support::scene::Scene;

#[tokio::test]
async fn a_request_is_answered_once_and_the_same_answer_can_be_had_again() {
    let scene = Scene::new().await;
    let (id, text) = scene.answer().await;
    let events = scene.world.records().await.len();
    let again = respond(&scene.world, &scene.tools, id, false).await.unwrap();
    assert!(again.again);
    assert_eq!(again.text, text);
    let records = scene.world.records().await;
    assert_eq!(
        records.len(),
        events + 1,
        "no key was used, and it is told all the same"
    );
    assert_eq!(records.last().unwrap().event.details["again"], "true");
    assert!(matches!(
        again.recovery.state,
        RecoveryState::Answered { opened: 1, .. }
    ));
    assert!(matches!(
        scene.approve(id, Permission::default()).await,
        Err(RecoveryError::Refused(RecoveryRefused::Answered(_)))
    ));
}

#[tokio::test]
async fn a_response_with_any_byte_changed_is_refused() {
    use keystead_application::exchange::ResponseDocument;
    let scene = Scene::new().await;
    let (_, text) = scene.answer().await;
    let bytes = ResponseDocument::from_text(&text).unwrap().bytes().to_vec();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let refused = match ResponseDocument::from_bytes(changed) {
            Ok(document) => scene.db1.take(&scene.tools, &document.to_text()).await.err(),
            Err(error) => Some(ServerError::Response(error)),
        };
        assert!(
            matches!(
                refused,
                Some(ServerError::Response(_) | ServerError::OtherManager { .. })
            ),
            "byte {place}: {refused:?}"
        );
    }
    assert!(matches!(
        scene.db1.take(&scene.tools, "hello").await,
        Err(ServerError::Response(DocumentError::Armor(_)))
    ));
    scene.db1.take(&scene.tools, &text).await.unwrap();
}

#[tokio::test]
async fn a_response_is_for_one_machine_and_one_request() {
    let scene = Scene::new().await;
    let (_, text) = scene.answer().await;
    let db2 = Machine::enrolled("db2", 17, &scene.world, &scene.tools).await;
    assert!(matches!(
        db2.take(&scene.tools, &text).await,
        Err(ServerError::OtherServer(_))
    ));
    // A machine with the same id that did not make the request.
    let rebuilt = Machine::new("db1", 18, &scene.world);
    let enrolment = rebuilt.enrolment(&scene.world, &scene.tools, false).await;
    let confirmation = confirm(&scene.world, &scene.tools, &enrolment, Some("db1"))
        .await
        .unwrap();
    rebuilt.trust(&scene.tools, &confirmation).await.unwrap();
    assert!(matches!(
        rebuilt.take(&scene.tools, &text).await,
        Err(ServerError::OtherRequest(_))
    ));
}

#[tokio::test]
async fn a_response_is_applied_only_while_it_holds() {
    let scene = Scene::new().await;
    let (id, text) = scene.answer().await;
    // The server's clock is a day behind the manager's.
    later(&scene.world, -24);
    assert!(matches!(
        scene.db1.take(&scene.tools, &text).await,
        Err(ServerError::NotValidNow(NotValidNow::Clock(_, _)))
    ));
    later(&scene.world, 24 + 7 * 24);
    assert!(matches!(
        scene.db1.take(&scene.tools, &text).await,
        Err(ServerError::NotValidNow(NotValidNow::Expired(_, _)))
    ));
    later(&scene.world, -24);
    scene.db1.take(&scene.tools, &text).await.unwrap();
    later(&scene.world, 24);
    assert!(matches!(
        scene.db1.apply(&scene.tools).keys(id).await,
        Err(ServerError::KeysExpired(_, _))
    ));
    assert!(scene.db1.folder.names("file-keys").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_response_key_is_destroyed_only_after_the_keys_are_kept() {
    let scene = Scene::new().await;
    let (id, text) = scene.answer().await;
    // The disk is full: nothing is kept, and nothing is lost.
    scene.db1.folder.set_room(Some(0));
    assert!(matches!(
        scene.db1.take(&scene.tools, &text).await,
        Err(ServerError::Folder(_))
    ));
    assert_eq!(scene.db1.folder.names("response-keys").await.unwrap().len(), 1);
    scene.db1.folder.set_room(None);
    scene.db1.take(&scene.tools, &text).await.unwrap();
    assert!(scene.db1.folder.names("response-keys").await.unwrap().is_empty());
    let again = scene.db1.take(&scene.tools, &text).await.unwrap();
    assert!(again.again);
    let listed = scene.db1.apply(&scene.tools).list().await.unwrap();
    assert_eq!(
        (listed[0].request.id, listed[0].progressed),
        (id, Progressed::Keys)
    );
}

#[tokio::test]
async fn the_database_holds_the_response_encrypted_alone() {
    let scene = Scene::new().await;
    let (id, text) = scene.answer().await;
    scene.db1.take(&scene.tools, &text).await.unwrap();
    let kept = scene.db1.apply(&scene.tools).keys(id).await.unwrap();
    let key = kept.files[0].key.expose();
    let mut snapshot = scene.world.snapshot().await;
    for which in RecoveryDocument::ALL {
        let bytes = snapshot.recovery_document(id, which).await.unwrap().unwrap();
        assert!(!bytes.windows(16).any(|window| window == key));
    }
}
