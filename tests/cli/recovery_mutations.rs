//! Requests, responses, enrolments, confirmations and officers' signatures, changed at random: whatever is done to one, it is
//! refused, or what is accepted are the bytes that were signed. Nothing is stored by a refused one, and nothing stops the
//! program.
//!
//! `KEYSTEAD_TEST_MUTATIONS` is how many requests and responses are changed; of the other texts it is a fifth.
//! `KEYSTEAD_TEST_SEED` gives other changes.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.
#![allow(unreachable_pub)] // Of what is shared.

#[path = "support/in_process.rs"]
mod in_process;
#[path = "support/mutated.rs"]
mod mutated;
#[path = "support/mutations.rs"]
mod mutations;
#[allow(dead_code)] // Each test file uses a part of it.
#[path = "support/tools.rs"]
mod tools;

use std::sync::Arc;

use in_process::{SSH, Scene, actor};
use keystead_application::exchange::{
    Confirmation, Enrolment, RequestDocument, ResponseDocument, UnverifiedRequest,
};
use keystead_application::ports::{RecoveryDocument, SshSignatures};
use keystead_application::use_cases::{ApplyResponse, ApproveRecovery, ReceiveRequest, ShowRecovery};
use keystead_domain::{APPROVAL_NAMESPACE, FileKey, Permission, Sha256Digest};
use mutated::{Original, Run, armored, contents, copied_folder, copied_store, documents, originals};
use mutations::change_json;

/// A use case takes longer than parsing and verifying, which are what it does first.
const USE_CASE_EVERY: u64 = 16;

#[test]
fn a_changed_request_is_refused_or_has_the_bytes_that_were_signed() {
    let run = Run::new("requests", 1, 2);
    let (runtime, scene) = mutated::scene(run.seed);
    let requests = runtime.block_on(originals(&scene)).requests;
    let server = runtime.block_on(mutated::server(&scene));
    let keys = &server.identities[0].keys;
    let bystanders = [scene.enrolment.clone(), scene.confirmation.clone()];
    run.each(&requests, &bystanders, |number, text| {
        let verified = RequestDocument::from_text(text)
            .and_then(|bytes| UnverifiedRequest::new(bytes, &SSH))
            .and_then(|unverified| unverified.verified(keys, &SSH));
        let accepted = verified.as_ref().ok().map(|signed| {
            let original = requests.iter().find(|original| original.digest == signed.digest);
            original.expect("other bytes were accepted")
        });
        if number % USE_CASE_EVERY == 0 {
            runtime.block_on(receive(&scene, text, accepted));
        }
        accepted.is_some()
    });
}

/// Receives a text at a manager that has received nothing before.
async fn receive(scene: &Scene, text: &str, expected: Option<&Original>) {
    let store = copied_store(scene, false).await;
    let receive = ReceiveRequest {
        store: &store,
        trust: scene.trust(),
        clock: scene.parts.clock.as_ref(),
    };
    let received = receive.run(&actor(), text).await;
    assert_eq!(received.is_ok(), expected.is_some(), "{:?}", received.err());
    let stored = documents(&store, RecoveryDocument::Request).await;
    let expected: Vec<_> = expected.iter().map(|original| original.bytes.clone()).collect();
    assert_eq!(stored, expected, "what is stored is not what was accepted");
}

#[test]
fn a_changed_response_is_refused_or_has_the_bytes_that_were_signed() {
    let run = Run::new("responses", 1, 2);
    let (runtime, scene) = mutated::scene(run.seed);
    let mail = runtime.block_on(originals(&scene));
    let manager = &scene.installation.identity.public_key;
    run.each(&mail.responses, &mail.texts(), |number, text| {
        let document = ResponseDocument::from_text(text);
        let verified = document.and_then(|document| {
            document.verified(manager, &SSH)?;
            Ok(Sha256Digest::of(document.bytes()))
        });
        let accepted = verified.is_ok();
        if let Ok(digest) = verified {
            let known = mail.responses.iter().any(|original| original.digest == digest);
            assert!(known, "other bytes were accepted");
        }
        if number % USE_CASE_EVERY == 0 {
            runtime.block_on(take(&scene, text, accepted));
        }
        accepted
    });
}

/// Takes in a text at a backup server that waits for every response.
async fn take(scene: &Scene, text: &str, accepted: bool) {
    let folder = copied_folder(scene).await;
    let before = contents(&folder).await;
    let apply = ApplyResponse {
        folder: &folder,
        cipher: &in_process::CIPHER,
        ssh: &SSH,
        clock: scene.parts.clock.as_ref(),
    };
    let taken = apply.take(text).await;
    assert_eq!(taken.is_ok(), accepted, "{:?}", taken.err());
    match taken {
        Ok(taken) => assert_eq!(apply.keys(taken.request).await.unwrap().files.len(), taken.keys),
        Err(_) => assert!(
            contents(&folder).await == before,
            "a refused response changed something"
        ),
    }
}

#[test]
fn a_changed_enrolment_or_confirmation_is_refused_or_says_what_was_signed() {
    let run = Run::new("enrolments and confirmations", 1, 5);
    let (runtime, scene) = mutated::scene(run.seed);
    let (_other, second) = mutated::scene(run.seed + 1);
    let enrolments = [Original::of(&scene.enrolment), Original::of(&second.enrolment)];
    let confirmations = [
        Original::of(&scene.confirmation),
        Original::of(&second.confirmation),
    ];
    let read = |texts: &[Original; 2]| [texts[0].text.clone(), texts[1].text.clone()];
    let known = read(&enrolments).map(|text| Enrolment::from_text(&text, &SSH).unwrap());
    let bystanders: Vec<String> = runtime.block_on(originals(&scene)).texts();
    run.half().each(&enrolments, &bystanders, |_, text| {
        let enrolment = Enrolment::from_text(text, &SSH);
        enrolment.is_ok_and(|enrolment| {
            assert!(known.contains(&enrolment), "another enrolment was accepted");
            true
        })
    });
    let known = read(&confirmations).map(|text| Confirmation::from_text(&text, &SSH).unwrap());
    run.half().each(&confirmations, &bystanders, |_, text| {
        let confirmation = Confirmation::from_text(text, &SSH);
        confirmation.is_ok_and(|confirmation| {
            assert!(known.contains(&confirmation), "another confirmation was accepted");
            true
        })
    });
}

#[test]
fn a_changed_signature_of_an_officer_is_refused_or_the_one_that_was_made() {
    let run = Run::new("officers' signatures", 1, 5);
    let (runtime, scene) = mutated::scene(run.seed);
    let mail = runtime.block_on(originals(&scene));
    let received = runtime.block_on(async {
        let header = scene.header(&FileKey::copy_of(&[9; FileKey::LEN]));
        let request = scene.request(&[header]).await;
        scene.receive(&request.text).await.unwrap()
    });
    let statement = runtime.block_on(scene.statement(received.id));
    let officers = runtime.block_on(mutated::officers(&scene, &statement));
    let signatures: Vec<Original> = officers.iter().map(|(_, signature)| signature.clone()).collect();
    run.each(&signatures, &mail.texts(), |number, text| {
        let Ok(bytes) = SSH.dearmor(text) else {
            return false;
        };
        let mut accepted = false;
        for (key, signature) in &officers {
            if SSH
                .verify(key, APPROVAL_NAMESPACE, statement.as_bytes(), &bytes)
                .is_ok()
            {
                assert_eq!(bytes, signature.bytes, "another signature was accepted");
                accepted = true;
            }
        }
        if number % USE_CASE_EVERY == 0 {
            runtime.block_on(async {
                let store = copied_store(&scene, true).await;
                let approve = ApproveRecovery {
                    store: &store,
                    trust: scene.trust(),
                    clock: scene.parts.clock.as_ref(),
                };
                let approved = approve
                    .run(&actor(), received.id, Permission::default(), &bytes)
                    .await;
                assert_eq!(approved.is_ok(), accepted, "{:?}", approved.err());
                let kept = mutated::approvals(&store, received.id).await;
                let expected: Vec<_> = accepted.then_some(bytes.clone()).into_iter().collect();
                assert_eq!(kept, expected);
            });
        }
        accepted
    });
}

/// A server that was taken over can sign whatever it likes.
#[test]
fn what_is_changed_and_signed_anew_is_taken_for_what_it_is_and_stops_nothing() {
    let run = Run::new("requests and responses that are signed anew", 1, 20);
    let (runtime, scene) = mutated::scene(run.seed);
    let mail = runtime.block_on(originals(&scene));
    let (server, manager) = runtime.block_on(mutated::private_keys(&scene));
    let resigned = |number: u64, originals: &[Original], namespace: &str, key| {
        let mut dice = run.dice(number);
        let mut json = dice.pick(originals).json();
        for _ in 0..=dice.below(2) {
            change_json(&mut dice, &mut json);
        }
        let signature = SSH.sign(key, namespace, json.as_bytes()).unwrap();
        [json.as_bytes(), &[0], &signature].concat()
    };
    let mut received = 0;
    for number in 0..run.count {
        let bytes = resigned(number, &mail.requests, "keystead-recovery-request", &server);
        let text = armored("KEYSTEAD RECOVERY REQUEST", &bytes);
        let _note = run.note(number, &text);
        runtime.block_on(async {
            let store = copied_store(&scene, false).await;
            let (trust, clock) = (scene.trust(), scene.parts.clock.as_ref());
            let receive = ReceiveRequest {
                store: &store,
                trust,
                clock,
            };
            let stored = match receive.run(&actor(), &text).await {
                Ok((recovery, _)) => {
                    received += 1;
                    let format = Arc::clone(&scene.format);
                    let show = ShowRecovery {
                        store: &store,
                        trust,
                        format,
                    };
                    show.run(recovery.id).await.unwrap();
                    vec![bytes]
                }
                Err(_) => Vec::new(),
            };
            assert_eq!(documents(&store, RecoveryDocument::Request).await, stored);
        });
        let bytes = resigned(number, &mail.responses, "keystead-recovery-response", &manager);
        let text = armored("KEYSTEAD RECOVERY RESPONSE", &bytes);
        let _note = run.note(number, &text);
        let manager = &scene.installation.identity.public_key;
        let read = ResponseDocument::from_bytes(bytes).and_then(|document| document.verified(manager, &SSH));
        runtime.block_on(async {
            let folder = copied_folder(&scene).await;
            let (ssh, clock) = (&SSH, scene.parts.clock.as_ref());
            let apply = ApplyResponse {
                folder: &folder,
                cipher: &in_process::CIPHER,
                ssh,
                clock,
            };
            if let Ok(taken) = apply.take(&text).await {
                assert_eq!(read.unwrap().request, taken.request);
            }
        });
    }
    assert!((1..run.count).contains(&received), "{received}");
}
