//! The story that the product exists for, from the first run to the restore on another machine.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;

use support::{Machine, content, story, text};

#[test]
fn a_lost_installation_is_survived_by_its_export() {
    story::a_lost_installation_is_survived_by_its_export(&mut Machine::new(), &mut |machine| {
        fs::remove_dir_all(machine.data_dir()).unwrap();
    });
}

#[test]
fn the_password_opens_without_any_installation() {
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
    fs::copy(machine.path("sealed"), elsewhere.path("sealed")).unwrap();
    elsewhere.ok(["open", "--password-file", "password", "-o", "plain", "sealed"]);
    assert_eq!(elsewhere.read("plain"), b"content");

    elsewhere.write("wrong", "another password");
    elsewhere.refused(4, ["open", "--password-file", "wrong", "-o", "never", "sealed"]);
    assert!(!elsewhere.path("never").exists());
    let slots = elsewhere.ok(["slots", "sealed"]);
    assert!(slots.contains("the usual"), "{slots}");
}

#[test]
fn an_exported_keyset_opens_without_any_installation() {
    let machine = Machine::initialised();
    machine.write("plain", content(200_000));
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    machine.export_protected("export.pem");
    let elsewhere = Machine::new();
    fs::copy(machine.path("sealed"), elsewhere.path("sealed")).unwrap();
    fs::copy(machine.path("export.pem"), elsewhere.path("export.pem")).unwrap();

    let args = ["open", "--identity", "export.pem", "-o", "plain", "sealed"];
    elsewhere.refused(4, args);
    elsewhere.ok(args.into_iter().chain(["--passphrase-file", "passphrase"]));
    assert!(elsewhere.read("plain") == content(200_000));
    assert!(!elsewhere.data_dir().exists(), "nothing was made on the way");
}

#[test]
fn pipes_work_from_end_to_end() {
    let machine = Machine::initialised();
    let sealed = machine.piped(["seal", "--no-password"], &content(1_000_000));
    assert_eq!(sealed.status, 0, "{}", sealed.err);
    let opened = machine.piped(["open"], &sealed.stdout);
    assert_eq!(opened.status, 0, "{}", opened.err);
    assert!(opened.stdout == content(1_000_000));
}

#[test]
fn all_keysets_go_into_one_file_and_come_back_whole() {
    let machine = Machine::initialised();
    for hint in ["second", "third"] {
        machine.ok(["keyset", "create", "--bits", "2048", "--hint", hint]);
    }
    machine.ok([
        "keyset",
        "export",
        "--all",
        "--to",
        "all.pem",
        "--passphrase-file",
        "passphrase",
    ]);
    let other = Machine::initialised();
    fs::copy(machine.path("all.pem"), other.path("all.pem")).unwrap();
    other.ok([
        "keyset",
        "import",
        "all.pem",
        "--passphrase-file",
        "passphrase",
        "--yes",
    ]);
    let hints: Vec<_> = other
        .keysets()
        .iter()
        .map(|k| text(k, "hint").to_owned())
        .collect();
    for hint in ["first", "second", "third"] {
        assert!(hints.iter().any(|h| h == hint), "{hints:?}");
    }
    assert_eq!(other.keysets().len(), 4);

    // The same file again is refused, and changes nothing.
    let refusal = other.refused(
        1,
        [
            "keyset",
            "import",
            "all.pem",
            "--passphrase-file",
            "passphrase",
            "--yes",
        ],
    );
    assert!(refusal.contains("is here already"), "{refusal}");
    assert_eq!(other.keysets().len(), 4);
}

#[test]
fn a_backup_server_seals_with_a_recipient_and_no_installation() {
    let machine = Machine::initialised();
    let line = machine.ok(["keyset", "recipient"]);
    let server = Machine::new();
    server.write("plain", content(70_000));
    server.ok([
        "seal",
        "--no-password",
        "--recipient",
        line.trim(),
        "-o",
        "by-line",
        "plain",
    ]);
    server.write("recipients", format!("# escrow\n\n{line}"));
    server.ok([
        "seal",
        "--no-password",
        "--recipient",
        "recipients",
        "-o",
        "by-file",
        "plain",
    ]);
    let export = fs::read_to_string(machine.export_plain("export.pem")).unwrap();
    let public =
        export.find("-----BEGIN PUBLIC KEY-----").unwrap()..export.find("-----BEGIN KEYSTEAD").unwrap();
    server.write("public.pem", &export[public]);
    server.ok([
        "seal",
        "--no-password",
        "--recipient",
        "public.pem",
        "-o",
        "by-pem",
        "plain",
    ]);
    // It remembers the recipient, and has neither a database nor a master key.
    let kept: Vec<_> = fs::read_dir(server.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(kept, ["backup-server"]);
    for sealed in ["by-line", "by-file", "by-pem"] {
        fs::copy(server.path(sealed), machine.path(sealed)).unwrap();
        let opened = machine.run(["open", sealed]);
        assert!(opened.stdout == content(70_000), "{}", opened.err);
    }
}
