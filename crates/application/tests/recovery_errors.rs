//! Errors of recoveries that people and damaged machines bring about: each says what was found, and nothing is lost by it.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::time::Duration;

use keystead_application::ports::{DocumentName, ServerFolder};
use keystead_application::use_cases::{
    AskForRecovery, DenyRecovery, FileToRecover, MadeRequest, OpenBackup, RecoveryError, RequestRecovery,
    ServerError,
};
use keystead_domain::{
    Action, AuditEvent, Origins, Outcome, Permission, RecoveryRefused, RequestId, SecretBytes,
};
use support::actor;
use support::recovery::{Machine, Person, confirm, receive, remove_server, respond, take_off};
use support::scene::Scene;

impl Scene {
    async fn take(&self, text: &str) -> Result<RequestId, ServerError> {
        self.db1.take(&self.tools, text).await.map(|taken| taken.request)
    }

    async fn ask(&self, files: Vec<FileToRecover>) -> Result<MadeRequest, ServerError> {
        let request = RequestRecovery {
            folder: &self.db1.folder,
            cipher: &self.tools.cipher,
            ssh: &self.tools.ssh,
            clock: &self.world.clock,
            randomness: &self.world.randomness,
        };
        let ask = AskForRecovery {
            asked_by: "eve".parse().unwrap(),
            reason: None,
            lifetime: Duration::from_secs(3600),
            files,
        };
        request.run(ask).await
    }

    async fn file(&self, sealed: &[u8]) -> FileToRecover {
        let open = OpenBackup {
            format: self.world.format.clone(),
        };
        let source = open.read_header(Box::new(sealed)).await.unwrap();
        FileToRecover {
            name: "file".into(),
            place: None,
            header: source.header,
            bytes: source.header_bytes,
        }
    }

    async fn read(&self, kind: &str, id: RequestId) -> SecretBytes {
        let name = DocumentName::new(kind, id).unwrap();
        self.db1.folder.read(&name).await.unwrap().unwrap()
    }

    async fn replace(&self, kind: &str, id: RequestId, content: &[u8]) {
        let name = DocumentName::new(kind, id).unwrap();
        let content = SecretBytes::new(content.to_vec());
        self.db1.folder.replace(&name, &content).await.unwrap();
    }

    async fn event(&self, action: Action, outcome: Outcome) -> AuditEvent {
        let records = self.world.records().await;
        let events = records.iter().map(|record| &record.event);
        let mut fitting = events.filter(|event| event.action == action && event.outcome == outcome);
        fitting.next().unwrap().clone()
    }
}

#[tokio::test]
async fn a_response_does_not_pass_for_that_of_another_request_of_the_machine() {
    let scene = Scene::new().await;
    let (first, _) = scene.answer().await;
    let (second, text) = scene.answer().await;
    let own = scene.read("requests", second).await;
    let is_changed = |refused| matches!(refused, Err(ServerError::ChangedRequest(id)) if id == second);

    // What was asked for is another thing than the manager answered.
    let other = String::from_utf8(scene.read("requests", first).await.expose().to_vec()).unwrap();
    let other = other.replace(&first.to_string(), &second.to_string());
    scene.replace("requests", second, other.as_bytes()).await;
    assert!(is_changed(scene.take(&text).await));

    // It opens files that were not asked for.
    let words = String::from_utf8(own.expose().to_vec()).unwrap();
    let (before, _) = words.split_once("\"files\":[").unwrap();
    let none = format!("{before}\"files\":[]}}");
    scene.replace("requests", second, none.as_bytes()).await;
    assert!(is_changed(scene.take(&text).await));
    scene.replace("requests", second, own.expose()).await;

    // The keys of the two responses are exchanged.
    let keys = [
        scene.read("response-keys", first).await,
        scene.read("response-keys", second).await,
    ];
    scene.replace("response-keys", second, keys[0].expose()).await;
    assert!(matches!(scene.take(&text).await, Err(ServerError::Cipher(_))));
    scene.replace("response-keys", second, keys[1].expose()).await;
    assert_eq!(scene.take(&text).await.unwrap(), second);
}

#[tokio::test]
async fn file_keys_that_were_kept_for_another_request_open_nothing() {
    let scene = Scene::new().await;
    let (first, text) = scene.answer().await;
    let second = scene.received().await;
    scene.take(&text).await.unwrap();
    let keys = scene.read("file-keys", first).await;
    scene.replace("file-keys", second, keys.expose()).await;
    assert!(matches!(
        scene.db1.apply(&scene.tools).keys(second).await,
        Err(ServerError::ChangedRequest(id)) if id == second
    ));
}

#[tokio::test]
async fn keys_that_a_kill_left_after_the_last_file_are_destroyed_by_the_next_command() {
    let scene = Scene::new().await;
    let (id, text) = scene.answer().await;
    scene.take(&text).await.unwrap();
    scene.replace("finished", id, b"").await;
    let refused = scene.db1.apply(&scene.tools).keys(id).await.map(|_| ());
    assert!(matches!(refused, Err(ServerError::Finished(_))), "{refused:?}");
    assert!(scene.db1.folder.names("file-keys").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_response_whose_key_is_gone_says_so() {
    let scene = Scene::new().await;
    let (id, text) = scene.answer().await;
    let name = DocumentName::new("response-keys", id).unwrap();
    scene.db1.folder.destroy(&name).await.unwrap();
    let refused = scene.take(&text).await;
    assert!(
        matches!(refused, Err(ServerError::NoResponseKey(gone)) if gone == id),
        "{refused:?}"
    );
    assert!(scene.db1.folder.names("file-keys").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_identity_is_one_servers_and_a_servers_id_is_one_machines() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let db2 = Machine::enrolled("db2", 22, world, tools).await;
    let text = scene.db1.enrolment(world, tools, false).await;
    let refused = confirm(world, tools, &text, Some("db2")).await;
    assert!(
        matches!(&refused, Err(RecoveryError::IdentityTaken(name)) if name.as_str() == "db1"),
        "{refused:?}"
    );

    // A confirmation of another machine's identity is not believed.
    let confirmation = confirm(world, tools, &text, None).await.unwrap();
    let before = db2.id().await;
    assert!(matches!(
        db2.trust(tools, &confirmation).await,
        Err(ServerError::OtherIdentity { .. })
    ));
    assert_eq!(db2.id().await, before);

    // A machine that says who it was is not somebody new of that name.
    let new = scene.db1.enrolment(world, tools, true).await;
    let id = scene.db1.id().await;
    let refused = confirm(world, tools, &new, None).await;
    assert!(
        matches!(&refused, Err(RecoveryError::ServerIdTaken { id: taken, name })
            if *taken == id && name.as_str() == "db1"),
        "{refused:?}"
    );

    // An identity of a removed server does not come back by itself.
    remove_server(world, "db1").await;
    assert!(matches!(
        confirm(world, tools, &text, None).await,
        Err(RecoveryError::IdentityTaken(_))
    ));
}

#[tokio::test]
async fn a_machine_with_a_new_identity_does_not_ask_before_it_is_confirmed() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let text = scene.db1.enrolment(world, tools, true).await;
    let refused = scene.db1.try_ask(world, tools, &[&scene.sealed], "eve").await;
    assert!(matches!(refused, Err(ServerError::NotConfirmed(_))));
    assert!(scene.db1.folder.names("requests").await.unwrap().is_empty());
    let confirmation = confirm(world, tools, &text, Some("db1")).await.unwrap();
    scene.db1.trust(tools, &confirmation).await.unwrap();
    let (id, text) = scene.answer().await;
    assert_eq!(scene.take(&text).await.unwrap(), id);
}

#[tokio::test]
async fn a_request_asks_for_ten_thousand_files_and_no_more() {
    let scene = Scene::new().await;
    let file = scene.file(&scene.sealed).await;
    let files = |count: u32| {
        let numbered = |number: u32| FileToRecover {
            name: format!("file {number}"),
            place: None,
            header: file.header.clone(),
            bytes: [&file.bytes[..], number.to_string().as_bytes()].concat(),
        };
        (0..count).map(numbered).collect::<Vec<_>>()
    };
    assert!(matches!(
        scene.ask(files(10_001)).await,
        Err(ServerError::TooManyFiles(10_001))
    ));
    for kind in ["requests", "response-keys"] {
        assert!(scene.db1.folder.names(kind).await.unwrap().is_empty(), "{kind}");
    }
    assert!(matches!(scene.ask(Vec::new()).await, Err(ServerError::NoFiles)));
    // One that was given twice is one.
    let twice = files(10_000).into_iter().chain(files(1)).collect();
    let made = scene.ask(twice).await.unwrap();
    assert_eq!(made.files, 10_000);
    let received = receive(&scene.world, &scene.tools, &made.text).await.unwrap();
    assert_eq!(received.files, 10_000);
}

#[tokio::test]
async fn a_header_of_another_file_than_the_request_says_is_not_opened() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let other = scene.db1.seal(world, "b", b"another content").await;
    let file = FileToRecover {
        header: scene.file(&other).await.header,
        ..scene.file(&scene.sealed).await
    };
    let made = scene.ask(vec![file]).await.unwrap();
    let id = receive(world, tools, &made.text).await.unwrap().id;
    let any = Permission {
        origins: Origins::Any,
        ..Permission::default()
    };
    scene.grace.approves(world, tools, id, any).await.unwrap();
    for partial in [false, true] {
        let refused = respond(world, tools, id, partial).await.unwrap_err();
        assert!(matches!(refused, RecoveryError::NothingOpens(_)), "{refused:?}");
        assert!(refused.to_string().contains("another file id"), "{refused}");
    }
    let trail = world.trail().await;
    assert!(!trail.contains(&(Action::RecoveryRespond, Outcome::Begun)));
}

#[tokio::test]
async fn a_denied_request_stays_denied_and_the_trail_says_who_denied_it() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let id = scene.received().await;
    scene.approve(id, Permission::default()).await.unwrap();
    let deny = DenyRecovery {
        store: world.store.as_ref(),
        clock: &world.clock,
    };
    let (by, why) = ("Grace".parse().unwrap(), "nobody here asked".parse().unwrap());
    deny.run(&actor(), id, &by, &why).await.unwrap();
    let denied = scene.event(Action::RecoveryDeny, Outcome::Done).await;
    assert_eq!(denied.subject, Some(id.to_string()));
    assert_eq!(denied.details["denied_by"], "Grace");
    assert_eq!(denied.details["denied_because"], "nobody here asked");

    let is_denied =
        |error: RecoveryError| matches!(error, RecoveryError::Refused(RecoveryRefused::Denied(_)));
    assert!(is_denied(respond(world, tools, id, false).await.unwrap_err()));
    assert!(is_denied(respond(world, tools, id, true).await.unwrap_err()));
    assert!(is_denied(deny.run(&actor(), id, &by, &why).await.unwrap_err()));
    let ada = Person::added(world, tools, "Ada").await;
    let approved = ada.approves(world, tools, id, Permission::default()).await;
    assert!(is_denied(approved.unwrap_err()));
    let trail = world.trail().await;
    assert!(!trail.contains(&(Action::RecoveryRespond, Outcome::Begun)));
}

#[tokio::test]
async fn the_trail_names_those_officers_who_count_when_the_request_is_answered() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let ada = Person::added(world, tools, "Ada").await;
    let id = scene.received().await;
    ada.approves(world, tools, id, Permission::default())
        .await
        .unwrap();
    scene.approve(id, Permission::default()).await.unwrap();
    take_off(world, tools, "Ada").await;
    respond(world, tools, id, false).await.unwrap();
    let begun = scene.event(Action::RecoveryRespond, Outcome::Begun).await;
    let approved_by = &begun.details["approved_by"];
    assert!(
        approved_by.contains("Grace") && !approved_by.contains("Ada"),
        "{approved_by}"
    );
}

#[tokio::test]
async fn who_was_taken_off_does_not_approve_any_more() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let id = scene.received().await;
    take_off(world, tools, "Grace").await;
    let approved = scene
        .grace
        .approves(world, tools, id, Permission::default())
        .await;
    assert!(matches!(
        approved,
        Err(RecoveryError::Refused(RecoveryRefused::NotAnOfficer(_)))
    ));
}

#[tokio::test]
async fn an_officer_who_allows_more_later_counts_once() {
    let scene = Scene::new().await;
    let (world, tools) = (&scene.world, &scene.tools);
    let id = scene.received().await;
    let unnamed = Permission {
        origins: Origins::OwnOrUnnamed,
        ..Permission::default()
    };
    scene.approve(id, Permission::default()).await.unwrap();
    let wider = scene.grace.approves(world, tools, id, unnamed).await.unwrap();
    assert_eq!((wider.standing.given, wider.standing.permission), (1, unnamed));
    for not_wider in [unnamed, Permission::default()] {
        assert!(matches!(
            scene.grace.approves(world, tools, id, not_wider).await,
            Err(RecoveryError::Refused(RecoveryRefused::ApprovedAlready(_)))
        ));
    }
    respond(world, tools, id, false).await.unwrap();
    let begun = scene.event(Action::RecoveryRespond, Outcome::Begun).await;
    let approved_by = &begun.details["approved_by"];
    assert_eq!(approved_by.matches("Grace").count(), 1, "{approved_by}");
    assert_eq!(begun.details["origins"], Origins::OwnOrUnnamed.as_str());
}
