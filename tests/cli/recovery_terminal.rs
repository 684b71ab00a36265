//! What a person sees who is led through a recovery at a terminal, on both sides.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;

use rexpect::session::{PtySession, spawn_command};
use support::Machine;
use support::recovery::{carry, officer, seal};

const PATIENCE_MS: u64 = 60_000;

fn session(machine: &Machine, args: &[&str]) -> PtySession {
    spawn_command(machine.command(args), Some(PATIENCE_MS)).unwrap()
}

/// Waits for each prompt and gives its answer.
fn answers(at: &mut PtySession, prompts: &[(&str, &str)]) {
    for (prompt, answer) in prompts {
        at.exp_string(prompt)
            .unwrap_or_else(|error| panic!("waiting for \"{prompt}\": {error}"));
        at.send_line(answer).unwrap();
    }
}

fn ends(mut at: PtySession) -> String {
    let rest = at.exp_eof().unwrap();
    let ended = at.process().wait().unwrap();
    assert!(format!("{ended:?}").contains(", 0)"), "{ended:?}: {rest}");
    rest
}

#[test]
fn a_whole_recovery_is_led_through_step_by_step() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = Machine::new();

    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "1"),
            ("file to write the enrolment to", "enrolment.txt"),
        ],
    );
    ends(at);

    carry(&server, "enrolment.txt", &manager);
    let mut at = session(
        &manager,
        &["server", "enroll", "enrolment.txt", "-o", "confirmation.txt"],
    );
    answers(&mut at, &[("are all digits the same? [y/N]: ", "y")]);
    ends(at);

    carry(&manager, "confirmation.txt", &server);
    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("file with the confirmation: ", "confirmation.txt"),
            ("are all digits the same? [y/N]: ", "yes"),
        ],
    );
    ends(at);
    seal(&server, "backup", b"content");

    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "1"),
            ("sealed files, with blanks between them: ", "backup.age"),
            ("what for (the officers read it): ", "the password is lost"),
            ("file to write the request to", ""),
        ],
    );
    ends(at);

    carry(&server, "request.txt", &manager);
    let mut at = session(&manager, &["recovery"]);
    answers(
        &mut at,
        &[("number: ", "1"), ("file with the request: ", "request.txt")],
    );
    at.exp_string("the password is lost").unwrap();
    // Answering comes too early; the person is told, and goes on.
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("file to write the response to", "response.txt"),
        ],
    );
    at.exp_string("0 of 1 officers approved it").unwrap();
    answers(&mut at, &[("number: ", "1"), ("SSH key of the officer", &ada)]);
    at.exp_string("approved by Ada").unwrap();
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("file to write the response to", "response.txt"),
        ],
    );
    ends(at);

    carry(&manager, "response.txt", &server);
    fs::create_dir(server.path("out")).unwrap();
    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("file with the response: ", "response.txt"),
            ("folder to open the files into: ", "out"),
        ],
    );
    ends(at);
    assert_eq!(server.read("out/backup"), b"content");
}

#[test]
fn a_fingerprint_that_differs_is_not_believed() {
    let manager = Machine::initialised();
    let server = Machine::new();
    server.ok(["server", "enroll", "-o", "enrolment"]);
    let text = carry(&server, "enrolment", &manager);
    let mut at = session(&manager, &["server", "enroll", &text]);
    answers(&mut at, &[("are all digits the same? [y/N]: ", "n")]);
    let rest = at.exp_eof().unwrap();
    assert!(rest.contains("was not compared"), "{rest}");
    assert!(
        manager.json(["server", "list"])["servers"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}
