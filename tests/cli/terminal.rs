//! What a person at a terminal sees and answers.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use rexpect::session::{PtySession, spawn_command};
use support::{Machine, PASSPHRASE};

const PATIENCE_MS: u64 = 60_000;

fn session(machine: &Machine, args: &[&str]) -> PtySession {
    spawn_command(machine.command(args), Some(PATIENCE_MS)).unwrap()
}

fn ends_with(mut session: PtySession, status: i32) -> String {
    let rest = session.exp_eof().unwrap();
    let ended = session.process().wait().unwrap();
    assert!(
        format!("{ended:?}").contains(&format!(", {status})")),
        "{ended:?}: {rest}"
    );
    rest
}

#[test]
fn an_export_asks_for_its_passphrase_twice_without_showing_it() {
    let machine = Machine::initialised();
    let mut at = session(&machine, &["keyset", "export", "active", "--to", "e.pem"]);
    at.exp_string("passphrase for the export: ").unwrap();
    at.send_line(PASSPHRASE).unwrap();
    at.exp_string("the same again: ").unwrap();
    at.send_line("something else").unwrap();
    at.exp_string("once more").unwrap();
    for prompt in ["passphrase for the export: ", "the same again: "] {
        at.exp_string(prompt).unwrap();
        at.send_line(PASSPHRASE).unwrap();
    }
    let rest = ends_with(at, 0);
    assert!(!rest.contains(PASSPHRASE), "{rest}");
    machine.ok(["keyset", "inspect", "e.pem", "--passphrase-file", "passphrase"]);
}

#[test]
fn an_import_shows_the_hint_before_it_asks() {
    let exporter = Machine::initialised();
    let export = exporter.export_protected("e.pem");
    let machine = Machine::initialised();
    let mut at = session(&machine, &["keyset", "import", &export]);
    at.exp_string("first").unwrap();
    at.exp_string("passphrase of the export: ").unwrap();
    at.send_line(PASSPHRASE).unwrap();
    at.exp_string("import this keyset? [y/N]: ").unwrap();
    at.send_line("n").unwrap();
    ends_with(at, 1);
    assert_eq!(machine.keysets().len(), 1);

    let mut at = session(&machine, &["keyset", "import", &export]);
    at.exp_string("passphrase of the export: ").unwrap();
    at.send_line(PASSPHRASE).unwrap();
    at.exp_string("import this keyset? [y/N]: ").unwrap();
    at.send_line("y").unwrap();
    at.exp_string("Inactive").unwrap();
    ends_with(at, 0);
    assert_eq!(machine.keysets().len(), 2);
}

#[test]
fn opening_asks_for_the_password_with_its_hint_when_no_keyset_is_here() {
    let machine = Machine::initialised();
    machine.write("plain", b"content");
    machine.ok([
        "seal",
        "--password-file",
        "password",
        "--password-hint",
        "the usual",
        "-o",
        "sealed",
        "plain",
    ]);
    let elsewhere = Machine::new();
    std::fs::copy(machine.path("sealed"), elsewhere.path("sealed")).unwrap();
    let mut at = session(&elsewhere, &["open", "-o", "opened", "sealed"]);
    at.exp_string("(hint: \"the usual\"): ").unwrap();
    at.send_line("backup password").unwrap();
    ends_with(at, 0);
    assert_eq!(elsewhere.read("opened"), b"content");
}

#[test]
fn sealed_bytes_are_not_sent_to_a_terminal() {
    let machine = Machine::initialised();
    let mut at = session(&machine, &["seal", "--no-password", "plain"]);
    at.exp_string("standard output is a terminal").unwrap();
    ends_with(at, 2);
}

#[test]
fn colours_are_for_terminals_and_can_be_switched_off() {
    let machine = Machine::new();
    let at = session(&machine, &["keyset", "list"]);
    assert!(ends_with(at, 1).contains("\u{1b}[1;31merror:"));
    let mut command = machine.command(["keyset", "list"]);
    command.env("NO_COLOR", "1");
    let at = spawn_command(command, Some(PATIENCE_MS)).unwrap();
    assert!(!ends_with(at, 1).contains('\u{1b}'));
    assert!(!machine.run(["keyset", "list"]).err.contains('\u{1b}'));
}
