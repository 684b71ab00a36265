//! Exports: where they go, what protects them, and what is said when not all of it went well.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Machine, text};

#[test]
fn an_exported_inactive_keyset_is_deleted_and_can_come_back() {
    let machine = Machine::initialised();
    let created = machine.json(["keyset", "create", "--bits", "2048", "--hint", "second"]);
    let id = text(&created, "id");
    machine.ok(["keyset", "export", id, "--to", "second.pem", "--unprotected"]);
    machine.ok(["keyset", "delete", id, "--yes"]);
    assert_eq!(machine.keysets().len(), 1);
    machine.ok(["keyset", "import", "second.pem", "--yes"]);
    let back = machine.json(["keyset", "show", text(&created, "fingerprint")]);
    assert_ne!(text(&back, "id"), id, "an import gives a new id");
    assert_eq!(back["created_at"], created["created_at"]);
}

#[test]
fn an_export_never_replaces_a_file_unless_told() {
    let machine = Machine::initialised();
    machine.write("precious.pem", b"precious");
    let export = [
        "keyset",
        "export",
        "active",
        "--to",
        "precious.pem",
        "--unprotected",
    ];
    let said = machine.refused(1, export);
    assert!(said.contains("--overwrite"), "{said}");
    assert_eq!(machine.read("precious.pem"), b"precious");
    assert_eq!(machine.active()["last_exported_at"], serde_json::Value::Null);
    machine.ok(export.into_iter().chain(["--overwrite"]));
    assert!(
        machine
            .read("precious.pem")
            .starts_with(b"-----BEGIN PRIVATE KEY")
    );
    let mode = fs::metadata(machine.path("precious.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // The same for what is sealed and opened.
    machine.write("plain", b"x");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    machine.refused(1, ["seal", "--no-password", "-o", "sealed", "plain"]);
    machine.refused(1, ["open", "-o", "plain", "sealed"]);
    machine.ok(["open", "--overwrite", "-o", "plain", "sealed"]);
}

#[test]
fn an_export_is_protected_unless_somebody_says_otherwise() {
    let machine = Machine::initialised();
    let said = machine.refused(1, ["keyset", "export", "active", "--to", "e.pem"]);
    assert!(
        said.contains("no terminal to ask at") && said.contains("--unprotected"),
        "{said}"
    );
    assert!(!machine.path("e.pem").exists());
    machine.write("short", "1234567");
    machine.refused(
        1,
        [
            "keyset",
            "export",
            "active",
            "--to",
            "e.pem",
            "--passphrase-file",
            "short",
        ],
    );
    let ran = machine.run([
        "keyset",
        "export",
        "active",
        "--to",
        "e.pem",
        "--generate-passphrase",
    ]);
    let passphrase = ran
        .err
        .lines()
        .find_map(|l| l.split("shown this once: ").nth(1))
        .unwrap()
        .to_owned();
    assert!(!ran.out.contains(&passphrase));
    machine.write("generated", &passphrase);
    let inspected = machine.json(["keyset", "inspect", "e.pem", "--passphrase-file", "generated"]);
    assert_eq!(inspected["keysets"][0]["private_key_checked"], true);
    assert_eq!(inspected["keysets"][0]["protection"]["kind"], "pbkdf2");
    assert_eq!(inspected["keysets"][0]["protection"]["iterations"], 600_000);
}

#[test]
fn a_passphrase_can_come_from_the_environment() {
    let machine = Machine::initialised();
    let mut command = machine.command(["keyset", "export", "active", "--to", "e.pem"]);
    assert!(
        command
            .env("KEYSTEAD_PASSPHRASE", "from the environment")
            .status()
            .unwrap()
            .success()
    );
    machine.write("same", "from the environment\r\n");
    machine.ok(["keyset", "inspect", "e.pem", "--passphrase-file", "same"]);
}

#[test]
fn one_damaged_row_does_not_hide_the_others() {
    if !support::tools::have("sqlite3") {
        return;
    }
    let machine = Machine::initialised();
    let created = machine.json(["keyset", "create", "--bits", "2048", "--hint", "damaged"]);
    let database = machine.data_dir().join("keystead.db");
    let sql = format!(
        "update keysets set spki = x'00' where id = '{}'",
        text(&created, "id")
    );
    support::tools::run("sqlite3", &[database.to_str().unwrap(), &sql]);
    let listed = machine.run(["keyset", "list"]);
    assert_eq!(listed.status, 1);
    assert!(
        listed.out.contains("first") && !listed.out.contains("damaged"),
        "{}",
        listed.out
    );
    assert!(listed.err.contains(text(&created, "id")), "{}", listed.err);
    // What can be exported is exported, and that it is not all is said.
    machine.refused(
        1,
        ["keyset", "export", "--all", "--to", "all.pem", "--unprotected"],
    );
    let inspected = machine.json(["keyset", "inspect", "all.pem"]);
    assert_eq!(inspected["keysets"].as_array().unwrap().len(), 1);
}

#[test]
fn an_export_that_is_cut_short_says_what_is_there() {
    let machine = Machine::initialised();
    let second = machine.json(["keyset", "create", "--bits", "2048", "--hint", "second"]);
    let name = |keyset: &serde_json::Value| format!("safe/keyset-{}.pem", &text(keyset, "fingerprint")[..16]);
    let first = name(&machine.active());
    // A folder stands where the second file should.
    fs::create_dir_all(machine.path(&name(&second))).unwrap();
    let said = machine.refused(
        1,
        [
            "keyset",
            "export",
            "--all",
            "--to",
            "safe",
            "--unprotected",
            "--overwrite",
        ],
    );
    assert!(
        said.contains("not all keysets") && said.contains(&first),
        "{said}"
    );
    assert_eq!(text(&machine.active(), "last_export_to"), machine.at(&first));
    let second = machine.json(["keyset", "show", text(&second, "id")]);
    assert!(second["last_exported_at"].is_null());
}
