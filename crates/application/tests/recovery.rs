//! Recoveries, from a lost password to the opened file, and everything that is refused on the way.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use keystead_application::exchange::{RequestDocument, WhyUnopened};
use keystead_application::ports::{ServerFolder, SigningEngine, SshSignatureError, SshSignatures};
use keystead_application::use_cases::{RecoveryError, ServerError};
use keystead_domain::{
    APPROVAL_NAMESPACE, Action, AuditEvent, NotValidNow, Officer, Origins, Outcome, Permission,
    RecoveryRefused,
};
use support::recovery::{
    Machine, Person, Tools, approve, confirm, later, need_approvals, receive, remove_server, respond, show,
    statement, take_off,
};
use support::scene::Scene;
use support::{World, actor};

#[tokio::test]
async fn a_file_whose_password_is_lost_is_opened_without_the_private_key_leaving_the_manager() {
    let scene = Scene::new().await;
    let (id, text) = scene.answer().await;
    let taken = scene.db1.take(&scene.tools, &text).await.unwrap();
    assert_eq!((taken.request, taken.keys, taken.again), (id, 1, false));
    let kept = scene.db1.apply(&scene.tools).keys(id).await.unwrap();
    let content = scene.db1.open(&scene.world, &kept, &scene.sealed).await.unwrap();
    assert_eq!(content, b"content");

    scene
        .db1
        .apply(&scene.tools)
        .mark_opened(id, 0, "out")
        .await
        .unwrap();
    assert!(
        scene
            .db1
            .apply(&scene.tools)
            .finish_if_all_open(id)
            .await
            .unwrap()
    );
    assert!(matches!(
        scene.db1.apply(&scene.tools).keys(id).await,
        Err(ServerError::Finished(_))
    ));
    assert!(scene.db1.folder.names("file-keys").await.unwrap().is_empty());
    assert!(scene.db1.folder.names("response-keys").await.unwrap().is_empty());
}

#[tokio::test]
async fn one_event_says_who_asked_who_approved_and_which_headers_before_the_key_is_used() {
    let scene = Scene::new().await;
    let (id, _) = scene.answer().await;
    let records = scene.world.records().await;
    let events: Vec<_> = records
        .iter()
        .map(|record| &record.event)
        .filter(|event| event.action == Action::RecoveryRespond)
        .collect();
    assert_eq!(
        events.iter().map(|event| event.outcome).collect::<Vec<_>>(),
        [Outcome::Begun, Outcome::Done]
    );
    let details = &events[0].details;
    assert_eq!(events[0].subject, Some(id.to_string()));
    assert_eq!(details["asked_by"], "eve");
    assert_eq!(details["reason"], "the password is lost");
    assert!(details["approved_by"].contains("Grace"));
    assert_eq!(details["server"], "db1");
    assert_eq!(details["headers"].len(), 64);
    assert_eq!(
        details["keysets"],
        scene.world.active().await.fingerprint().to_string()
    );
    let steps = [
        Action::ServerEnroll,
        Action::OfficerAdd,
        Action::RecoveryReceive,
        Action::RecoveryApprove,
    ];
    for step in steps {
        assert!(
            records.iter().any(|record| record.event.action == step),
            "{step:?}"
        );
    }
}

#[tokio::test]
async fn the_requests_of_strangers_and_of_removed_servers_are_refused() {
    let scene = Scene::new().await;
    let elsewhere = World::initialised().await;
    let tools = Tools::of(&elsewhere);
    // It trusts another manager, whose tables are others too, so its request is moved over as it is.
    let stranger = Machine::enrolled("stranger", 12, &elsewhere, &tools).await;
    let sealed = stranger.seal(&elsewhere, "x", b"x").await;
    let made = stranger.ask(&elsewhere, &tools, &[&sealed]).await;
    assert!(matches!(
        scene.receive(&made.text).await,
        Err(RecoveryError::UnknownServer(_))
    ));

    let made = scene.db1.ask(&scene.world, &scene.tools, &[&scene.sealed]).await;
    let id = scene.received().await;
    remove_server(&scene.world, "DB1").await;
    let removed = |refused: Result<(), RecoveryError>| {
        matches!(
            refused,
            Err(RecoveryError::Refused(RecoveryRefused::ServerRemoved(_))
                | RecoveryError::NotTaken(RecoveryRefused::ServerRemoved(_)))
        )
    };
    assert!(removed(scene.receive(&made.text).await));
    assert!(removed(scene.approve(id, Permission::default()).await));
    let refusals = scene.world.records().await;
    let refused = |action| {
        refusals
            .iter()
            .filter(|record| record.event.action == action && record.event.outcome == Outcome::Refused)
            .count()
    };
    assert_eq!(
        (refused(Action::RecoveryReceive), refused(Action::RecoveryApprove)),
        (2, 1)
    );
}

#[tokio::test]
async fn a_request_with_any_byte_changed_is_refused() {
    let scene = Scene::new().await;
    let made = scene.db1.ask(&scene.world, &scene.tools, &[&scene.sealed]).await;
    let bytes = RequestDocument::from_text(&made.text).unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let refused = scene.receive(&RequestDocument::to_text(&changed)).await;
        assert!(
            matches!(
                refused,
                Err(RecoveryError::Request(_) | RecoveryError::UnknownServer(_))
            ),
            "byte {place}: {refused:?}"
        );
    }
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(
            scene
                .receive(&RequestDocument::to_text(&bytes[..cut]))
                .await
                .is_err()
        );
    }
    let longer = RequestDocument::to_text(&[&bytes[..], &[0]].concat());
    assert!(scene.receive(&longer).await.is_err());
    scene.receive(&made.text).await.unwrap();
}

#[tokio::test]
async fn a_request_is_taken_once_and_only_while_it_holds() {
    let scene = Scene::new().await;
    let made = scene.db1.ask(&scene.world, &scene.tools, &[&scene.sealed]).await;
    // The manager's clock is a day behind, then eight days ahead.
    later(&scene.world, -24);
    assert!(matches!(
        scene.receive(&made.text).await,
        Err(RecoveryError::NotTaken(RecoveryRefused::NotValidNow(
            NotValidNow::Clock(_, _)
        )))
    ));
    later(&scene.world, 24 + 8 * 24);
    assert!(matches!(
        scene.receive(&made.text).await,
        Err(RecoveryError::NotTaken(RecoveryRefused::NotValidNow(
            NotValidNow::Expired(_, _)
        )))
    ));
    later(&scene.world, -7 * 24);
    scene.receive(&made.text).await.unwrap();
    assert!(matches!(
        scene.receive(&made.text).await,
        Err(RecoveryError::Replayed { .. })
    ));
    // An approval in time does not help an answer that comes too late.
    scene.approve(made.id, Permission::default()).await.unwrap();
    later(&scene.world, 7 * 24);
    assert!(matches!(
        scene.respond(made.id).await,
        Err(RecoveryError::Refused(RecoveryRefused::NotValidNow(
            NotValidNow::Expired(_, _)
        )))
    ));
}

#[tokio::test]
async fn a_server_that_asks_too_often_is_not_heard() {
    let scene = Scene::new().await;
    for _ in 0..20 {
        scene.received().await;
    }
    let made = scene.db1.ask(&scene.world, &scene.tools, &[&scene.sealed]).await;
    assert!(matches!(
        scene.receive(&made.text).await,
        Err(RecoveryError::TooManyRequests { limit: 20, .. })
    ));
    let db2 = Machine::enrolled("db2", 13, &scene.world, &scene.tools).await;
    let other = db2.ask(&scene.world, &scene.tools, &[&scene.sealed]).await;
    scene.receive(&other.text).await.unwrap();
    later(&scene.world, 25);
    scene.receive(&made.text).await.unwrap();
}

#[tokio::test]
async fn two_officers_are_two_people_and_neither_asked() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    need_approvals(world, 2).await;
    let eve = Person::added(world, tools, "Eve").await;
    let ada = Person::added(world, tools, "Ada").await;
    let id = scene.received().await;

    assert!(matches!(
        eve.approves(world, tools, id, Permission::default()).await,
        Err(RecoveryError::Refused(RecoveryRefused::OwnRequest { .. }))
    ));
    scene.approve(id, Permission::default()).await.unwrap();
    assert!(matches!(
        scene.approve(id, Permission::default()).await,
        Err(RecoveryError::Refused(RecoveryRefused::ApprovedAlready(_)))
    ));
    assert!(matches!(
        scene.respond(id).await,
        Err(RecoveryError::Refused(RecoveryRefused::TooFewApprovals {
            given: 1,
            needed: 2
        }))
    ));
    let approved = ada
        .approves(world, tools, id, Permission::default())
        .await
        .unwrap();
    assert!(approved.standing.is_enough());
    // Who is taken off does not count any more.
    take_off(world, tools, "ada").await;
    assert!(matches!(
        scene.respond(id).await,
        Err(RecoveryError::Refused(RecoveryRefused::TooFewApprovals {
            given: 1,
            needed: 2
        }))
    ));
    need_approvals(world, 1).await;
    scene.respond(id).await.unwrap();
}

#[tokio::test]
async fn a_signature_counts_for_one_request_and_one_permission() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let (id, other) = (scene.received().await, scene.received().await);
    let usual = Permission::default();
    let for_other = scene
        .grace
        .sign(tools, &statement(world, tools, other, usual).await);
    assert!(matches!(
        approve(world, tools, id, usual, &for_other).await,
        Err(RecoveryError::NotApproved {
            error: SshSignatureError::BadSignature,
            ..
        })
    ));
    let any = Permission {
        origins: Origins::Any,
        ..usual
    };
    let signature = scene.grace.sign(tools, &statement(world, tools, id, usual).await);
    assert!(matches!(
        approve(world, tools, id, any, &signature).await,
        Err(RecoveryError::NotApproved { .. })
    ));
    let strangers = world.signing.generate().unwrap();
    let strangers = tools
        .ssh
        .sign(&strangers.private_key, APPROVAL_NAMESPACE, b"x")
        .unwrap();
    assert!(matches!(
        approve(world, tools, id, usual, &strangers).await,
        Err(RecoveryError::NotAnOfficersKey(_))
    ));
    approve(world, tools, id, usual, &signature).await.unwrap();
}

#[tokio::test]
async fn what_was_changed_after_it_was_approved_is_not_answered() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let id = scene.approved().await;
    // Somebody writes to the database: another person asks, and other files are asked for.
    let mut unit = world.store.begin().await.unwrap();
    let mut recovery = unit.find_recovery(id).await.unwrap().unwrap();
    let version = recovery.version;
    recovery.asked_by = "mallory".parse().unwrap();
    recovery.version = keystead_domain::keyset::Version(version.0 + 1);
    unit.save_recovery(&recovery, version).await.unwrap();
    unit.append_audit(&event()).await.unwrap();
    unit.commit().await.unwrap();
    assert!(matches!(
        respond(world, tools, id, false).await,
        Err(RecoveryError::RequestChanged(_))
    ));
    assert!(matches!(
        show(world, tools, id).await,
        Err(RecoveryError::RequestChanged(_))
    ));
}

#[tokio::test]
async fn an_officer_whom_the_manager_did_not_add_is_not_believed() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let id = scene.approved().await;
    // Somebody who can write to the database, and has no master key.
    let changes: [fn(&mut Officer, &mut Option<String>); 3] = [
        |officer, _| officer.also = vec!["somebody else".parse().unwrap()],
        |_, register| *register = Some(String::new()),
        |officer, register| {
            officer.name = "Mallory".parse().unwrap();
            let forged = register.take().unwrap();
            *register = Some(forged.replace("change 2", "change 3"));
        },
    ];
    for change in changes {
        let mut unit = world.store.begin().await.unwrap();
        let before = unit.officers().await.unwrap().remove(0);
        let (mut officer, mut register) = (before.clone(), unit.recovery_register().await.unwrap());
        let kept = register.clone().unwrap();
        change(&mut officer, &mut register);
        unit.save_officer(&officer, before.version).await.unwrap();
        unit.set_recovery_register(&register.unwrap()).await.unwrap();
        unit.append_audit(&event()).await.unwrap();
        unit.commit().await.unwrap();
        for refused in [
            respond(world, tools, id, false).await.map(|_| ()),
            scene.approve_blindly(id).await,
            show(world, tools, id).await.map(|_| ()),
        ] {
            assert!(
                matches!(refused, Err(RecoveryError::RegisterChanged)),
                "{refused:?}"
            );
        }
        let mut unit = world.store.begin().await.unwrap();
        unit.save_officer(&before, officer.version).await.unwrap();
        unit.set_recovery_register(&kept).await.unwrap();
        unit.append_audit(&event()).await.unwrap();
        unit.commit().await.unwrap();
    }
    scene.respond(id).await.unwrap();
}

/// An event that somebody makes up.
fn event() -> AuditEvent {
    let at = "2025-11-24T16:00:00Z".parse().unwrap();
    AuditEvent::new(at, actor(), Action::OfficerAdd, Outcome::Done)
}

#[tokio::test]
async fn a_missing_keyset_is_named_and_its_import_answers_without_being_activated() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let keyset = world.active().await;
    let export = world.exported_bytes(Vec::new()).await;
    // The manager is lost; a new one does not know the keyset.
    let new = World::beside(world);
    let new_tools = Tools {
        cipher: tools.cipher.clone(),
        ssh: tools.ssh.clone(),
    };
    let new = World {
        format: world.format.clone(),
        signing: world.signing.clone(),
        ..new
    };
    new.initialise().await;
    let grace = Person::added(&new, &new_tools, "Grace").await;
    let before = scene.db1.id().await;
    let id_again = scene.db1.enrol(&new, &new_tools).await;
    assert_eq!(before, id_again, "what it sealed names this id");

    let made = scene.db1.ask(&new, &new_tools, &[&scene.sealed]).await;
    let id = receive(&new, &new_tools, &made.text).await.unwrap().id;
    grace
        .approves(&new, &new_tools, id, Permission::default())
        .await
        .unwrap();
    let refused = respond(&new, &new_tools, id, false).await.unwrap_err();
    assert!(matches!(refused, RecoveryError::MissingKeysets(_)));
    assert!(refused.to_string().contains(&keyset.fingerprint().to_string()));

    let imported = new.import(export).await.unwrap().remove(0);
    assert!(imported.active().is_none());
    let answered = respond(&new, &new_tools, id, false).await.unwrap();
    assert!(answered.unopened.is_empty());
    scene.db1.take(&new_tools, &answered.text).await.unwrap();
    let kept = scene.db1.apply(&new_tools).keys(id).await.unwrap();
    assert_eq!(
        scene.db1.open(&new, &kept, &scene.sealed).await.unwrap(),
        b"content"
    );
}

#[tokio::test]
async fn what_can_be_answered_is_and_the_rest_is_named() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let elsewhere = World::beside(world);
    let elsewhere = World {
        format: world.format.clone(),
        ..elsewhere
    };
    elsewhere.initialise().await;
    let foreign = Machine::enrolled("foreign", 14, &elsewhere, &Tools::of(&elsewhere)).await;
    let foreign_file = foreign.seal(&elsewhere, "b", b"foreign").await;
    let made = scene.db1.ask(world, tools, &[&foreign_file, &scene.sealed]).await;
    let id = receive(world, tools, &made.text).await.unwrap().id;
    scene.approve(id, Permission::default()).await.unwrap();
    assert!(respond(world, tools, id, false).await.is_err());
    let partial = respond(world, tools, id, true).await.unwrap();
    assert_eq!(partial.unopened.len(), 1);
    assert_eq!(partial.unopened[0].file, 0);
    assert!(matches!(partial.unopened[0].why, WhyUnopened::NoKeyset(_)));
    let taken = scene.db1.take(tools, &partial.text).await.unwrap();
    assert_eq!((taken.keys, taken.unopened.len()), (1, 1));
}

#[tokio::test]
async fn slots_copied_from_another_server_need_every_officers_word() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    need_approvals(world, 2).await;
    let ada = Person::added(world, tools, "Ada").await;
    let db2 = Machine::enrolled("db2", 15, world, tools).await;
    let copied = db2.ask(world, tools, &[&scene.sealed]).await;
    let id = receive(world, tools, &copied.text).await.unwrap().id;
    let any = Permission {
        origins: Origins::Any,
        ..Permission::default()
    };
    scene.approve(id, any).await.unwrap();
    ada.approves(world, tools, id, Permission::default())
        .await
        .unwrap();
    for partial in [false, true] {
        assert!(matches!(
            respond(world, tools, id, partial).await,
            Err(RecoveryError::NothingOpens(_))
        ));
    }
    assert!(
        !world
            .trail()
            .await
            .contains(&(Action::RecoveryRespond, Outcome::Begun))
    );

    // Who approved the usual may allow more, and counts once all the same.
    ada.approves(world, tools, id, any).await.unwrap();
    respond(world, tools, id, false).await.unwrap();
    let records = world.records().await;
    let begun = records
        .iter()
        .rfind(|record| record.event.outcome == Outcome::Begun)
        .unwrap();
    assert_eq!(begun.event.details["origins"], "any");
}

#[tokio::test]
async fn a_retired_identity_is_answered_after_a_confirmation_alone() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    // The machine is rebuilt and enrolled again; then its old configuration is restored.
    let rebuilt = Machine::new("db1", 16, world);
    let text = rebuilt.enrolment(world, tools, false).await;
    assert!(matches!(
        confirm(world, tools, &text, None).await,
        Err(RecoveryError::ServerNameTaken(_))
    ));
    let confirmation = confirm(world, tools, &text, Some("db1")).await.unwrap();
    rebuilt.trust(tools, &confirmation).await.unwrap();
    assert_eq!(rebuilt.id().await, scene.db1.id().await);

    let id = scene.received().await;
    assert!(matches!(
        scene.approve(id, Permission::default()).await,
        Err(RecoveryError::Refused(RecoveryRefused::RetiredIdentity { .. }))
    ));
    let confirmed = Permission {
        retired_identity: true,
        ..Permission::default()
    };
    scene.approve(id, confirmed).await.unwrap();
    scene.respond(id).await.unwrap();

    // The rebuilt machine opens what the old one sealed.
    let made = rebuilt.ask(world, tools, &[&scene.sealed]).await;
    let id = receive(world, tools, &made.text).await.unwrap().id;
    scene.approve(id, Permission::default()).await.unwrap();
    scene.respond(id).await.unwrap();
}
