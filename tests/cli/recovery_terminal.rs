//! What a person sees who is led through a recovery at a terminal, on both sides.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::process::Stdio;

use rexpect::session::{PtySession, spawn_command};
use support::Machine;
use support::recovery::{ask, ask_and_receive, carry, enrol, enrolled, identity, key, officer, seal};

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
    let Some(ada) = key(&manager, "Ada", &["-t", "ed25519"]) else {
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
    let mut at = session(&manager, &["recovery"]);
    at.exp_string("no officer may approve, and 1 is needed").unwrap();
    answers(
        &mut at,
        &[
            ("number: ", "5"),
            ("name of the officer: ", "Ada"),
            ("public SSH key of the officer", &format!("{ada}.pub")),
            ("what the officer is called", "alovelace"),
            ("what the officer is called", ""),
            // There is an officer now, and the step to add one is gone.
            ("5  leave", ""),
            ("number: ", "4"),
            ("file with the enrolment: ", "enrolment.txt"),
            ("name of the backup server", "db1"),
            ("file to write the confirmation to", ""),
            ("are all digits the same? [y/N]: ", "y"),
        ],
    );
    ends(at);

    carry(&manager, "confirmation.txt", &server);
    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("file with the confirmation: ", "confirmation.txt"),
            ("are all digits the same? [y/N]: ", "yes"),
            ("4  leave", ""),
            ("number: ", "4"),
        ],
    );
    ends(at);
    seal(&server, "my backup", b"content");

    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "1"),
            ("sealed file: ", "data"),
            ("data: that is a folder", "nothing-here"),
            ("nothing-here: there is no such file", "my backup.age"),
            ("sealed file: ", ""),
            ("what for (the officers read it): ", "the password is lost"),
            ("file to write the request to", ""),
        ],
    );
    ends(at);

    carry(&server, "request.txt", &manager);
    manager.write("response.txt", "of another request");
    let mut at = session(&manager, &["recovery"]);
    answers(
        &mut at,
        &[("number: ", "1"), ("file with the request: ", "request.txt")],
    );
    at.exp_string("the password is lost").unwrap();
    // Answering comes too early; the person is told, and goes on.
    answers(
        &mut at,
        &[("number: ", "2"), ("file to write the response to", "early.txt")],
    );
    at.exp_string("0 of 1 officers approved it").unwrap();
    answers(&mut at, &[("number: ", "1"), ("SSH key of the officer", &ada)]);
    at.exp_string("approved by Ada").unwrap();
    // What is there already is not overwritten, and another name is asked for.
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("file to write the response to", ""),
            ("response.txt is there already", "answer.txt"),
        ],
    );
    ends(at);
    assert_eq!(manager.read("response.txt"), b"of another request");

    carry(&manager, "answer.txt", &server);
    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("file with the response", "answer.txt"),
            ("folder to open the files into: ", ""),
        ],
    );
    ends(at);
    // The keys are here; the id goes on with them.
    let id = server.json(["recovery", "list"])["requests"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::create_dir(server.path("out")).unwrap();
    let mut at = session(&server, &["recovery"]);
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            ("or the id of a request", &id),
            ("folder to open the files into: ", "out"),
        ],
    );
    ends(at);
    assert_eq!(server.read("out/my backup"), b"content");
}

#[test]
fn the_end_of_the_input_leaves_every_menu() {
    let manager = Machine::initialised();
    let server = Machine::new();
    for machine in [&manager, &server] {
        let mut at = session(machine, &["recovery"]);
        at.exp_string("leave").unwrap();
        at.exp_string("number: ").unwrap();
        at.send_control('d').unwrap();
        ends(at);
    }
    // In the middle of a step, too.
    let mut at = session(&manager, &["recovery"]);
    answers(&mut at, &[("number: ", "1")]);
    at.exp_string("file with the request: ").unwrap();
    at.send_control('d').unwrap();
    ends(at);
}

#[test]
fn what_an_officer_allows_beyond_the_usual_is_asked_in_plain_words() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let (db1, db2) = (enrolled(&manager, "db1"), enrolled(&manager, "db2"));
    seal(&db2, "other", b"of db2");
    carry(&db2, "other.age", &db1);
    let id = ask_and_receive(&db1, &manager, &["other.age"]);
    // Meanwhile the server is set up anew, so that the request comes from the identity before.
    db1.ok(["server", "enroll", "--new-identity", "-o", "renewed"]);
    let text = carry(&db1, "renewed", &manager);
    let identity = identity(&db1);
    manager.ok([
        "server",
        "re-enroll",
        "db1",
        &text,
        "--expect-fingerprint",
        &identity,
        "-o",
        "again",
    ]);

    let mut at = session(&manager, &["recovery"]);
    answers(&mut at, &[("number: ", "2")]);
    at.exp_string(&format!("1  {} of \"db1\"", &id[..8])).unwrap();
    answers(
        &mut at,
        &[
            ("number: ", "1"),
            ("number: ", "1"),
            ("shall the old identity get the keys? [y/N]: ", "y"),
            ("keys of other servers' files", "y"),
            ("SSH key of the officer", &ada),
        ],
    );
    at.exp_string("approved by Ada (1 of 1 needed)").unwrap();
    answers(
        &mut at,
        &[
            ("number: ", "2"),
            // What cannot be written does not end the work.
            ("file to write the response to", "nowhere/answer.txt"),
            ("number: ", "2"),
            ("file to write the response to", "answer.txt"),
        ],
    );
    ends(at);
    assert!(manager.path("answer.txt").exists());

    // An answered request does not wait any more.
    let mut at = session(&manager, &["recovery"]);
    answers(&mut at, &[("number: ", "2")]);
    at.exp_string("no request waits").unwrap();
    answers(&mut at, &[("number: ", "5")]);
    ends(at);
}

#[test]
fn a_machine_that_is_both_asks_which_side_is_meant() {
    let both = Machine::initialised();
    enrol(&both, &both, "both");
    let mut at = session(&both, &["recovery"]);
    answers(&mut at, &[("Which side is meant?", "1")]);
    at.exp_string("What is to be done on this backup server?")
        .unwrap();
    answers(&mut at, &[("number: ", "4")]);
    ends(at);
    let mut at = session(&both, &["recovery"]);
    answers(&mut at, &[("Which side is meant?", "2")]);
    at.exp_string("What is to be done on this manager?").unwrap();
    at.send_control('d').unwrap();
    ends(at);
}

#[test]
fn a_text_can_be_pasted() {
    let manager = Machine::initialised();
    let server = enrolled(&manager, "db1");
    ask(&server, &[&seal(&server, "backup", b"content")]);
    let mut command = manager.command(["recovery", "receive"]);
    command.stdin(Stdio::inherit());
    let mut at = spawn_command(command, Some(PATIENCE_MS)).unwrap();
    at.exp_string("paste the text, then press Ctrl-D").unwrap();
    at.send(&String::from_utf8(server.read("request")).unwrap())
        .unwrap();
    at.flush().unwrap();
    at.send_control('d').unwrap();
    at.exp_string("the password is lost").unwrap();
    ends(at);
}

#[test]
fn another_manager_is_trusted_only_with_a_yes() {
    let (first, second) = (Machine::initialised(), Machine::initialised());
    let server = enrolled(&first, "db1");
    let before = server.json(["server", "show"])["trusts"].clone();
    ask(&server, &[&seal(&server, "backup", b"content")]);

    server.ok(["server", "enroll", "-o", "moving"]);
    let text = carry(&server, "moving", &second);
    let mut at = session(&second, &["server", "enroll", &text, "-o", "confirmation"]);
    at.exp_string("was enrolled before, with another manager")
        .unwrap();
    answers(&mut at, &[("is it the server that was ", "y")]);
    ends(at);
    // The name that the manager knows is the usual one.
    assert_eq!(second.json(["server", "list"])["servers"][0]["name"], "db1");

    let text = carry(&second, "confirmation", &server);
    let mut at = session(&server, &["server", "enroll", &text]);
    at.exp_string("1 request waits for its response").unwrap();
    answers(&mut at, &[("trust the new manager in its place? [y/N]: ", "n")]);
    let rest = at.exp_eof().unwrap();
    assert!(rest.contains("nobody said yes to the change"), "{rest}");
    assert_eq!(server.json(["server", "show"])["trusts"], before);

    let mut at = session(&server, &["server", "enroll", &text]);
    answers(
        &mut at,
        &[
            ("trust the new manager in its place? [y/N]: ", "y"),
            ("are all digits the same? [y/N]: ", "y"),
        ],
    );
    ends(at);
    let after = server.json(["server", "show"])["trusts"].clone();
    assert_eq!(after["server_id"], before["server_id"]);
    assert_ne!(after["manager"], before["manager"]);
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
