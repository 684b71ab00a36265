//! The story that the product exists for, from the first run to the restore on another machine.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;

use support::{Machine, content, text};

#[test]
fn a_lost_installation_is_survived_by_its_export() {
    let machine = Machine::new();
    machine.write("backup.tar", content(3_000_000));

    // A machine with an installation seals a backup and exports its keyset to a folder.
    machine.ok(["init", "--hint", "Head office, 2026"]);
    let lost = machine.active();
    machine.ok([
        "seal",
        "--password-file",
        "password",
        "-o",
        "backup.age",
        "backup.tar",
    ]);
    fs::create_dir(machine.path("safe")).unwrap();
    machine.ok([
        "keyset",
        "export",
        "active",
        "--to",
        "safe",
        "--passphrase-file",
        "passphrase",
    ]);
    let export = format!("safe/keyset-{}.pem", &text(&lost, "fingerprint")[..16]);
    assert!(machine.path(&export).is_file());
    let exported = machine.active();
    assert_eq!(text(&exported, "last_export_to"), machine.at(&export));
    assert!(exported["last_exported_at"].is_string());

    // The data folder is gone. A new installation does not open the backup.
    fs::remove_dir_all(machine.data_dir()).unwrap();
    machine.ok(["init", "--hint", "New head office"]);
    let new = machine.active();
    assert_ne!(text(&new, "fingerprint"), text(&lost, "fingerprint"));
    let refusal = machine.refused(4, ["open", "-o", "restored.tar", "backup.age"]);
    assert!(refusal.contains(&text(&lost, "fingerprint")[..16]), "{refusal}");
    assert!(!machine.path("restored.tar").exists());

    // Inspecting shows the hint, and stores nothing.
    let inspected = machine.json(["keyset", "inspect", &export]);
    assert_eq!(inspected["keysets"][0]["hint"], "Head office, 2026");
    assert_eq!(inspected["keysets"][0]["fingerprint"], lost["fingerprint"]);
    assert_eq!(inspected["keysets"][0]["already_here"], serde_json::Value::Null);
    assert_eq!(machine.keysets().len(), 1);

    // Importing yields an Inactive keyset with an id of its own.
    machine.ok([
        "keyset",
        "import",
        &export,
        "--passphrase-file",
        "passphrase",
        "--yes",
    ]);
    let imported = machine.json(["keyset", "show", text(&lost, "fingerprint")]);
    assert_eq!(imported["state"], "inactive");
    assert_eq!(imported["origin"], "imported");
    assert_eq!(imported["inactive_reason"], "never_activated");
    assert_eq!(imported["hint"], "Head office, 2026");
    assert_ne!(imported["id"], lost["id"]);
    let listed = machine.ok(["keyset", "list"]);
    assert!(listed.contains("Inactive (imported, never active)"), "{listed}");

    // Sealing still uses the other one; opening needs no activation.
    machine.ok(["seal", "--no-password", "-o", "new.age", "backup.tar"]);
    let slots = machine.json(["slots", "new.age"]);
    assert_eq!(slots["slots"][0]["fingerprint"], new["fingerprint"]);
    machine.ok(["open", "-o", "restored.tar", "backup.age"]);
    assert!(machine.read("restored.tar") == content(3_000_000));

    // After activating it, sealing uses it, and the other one is Inactive, superseded.
    machine.ok(["keyset", "activate", text(&imported, "id")]);
    machine.ok(["seal", "--no-password", "-o", "newer.age", "backup.tar"]);
    let slots = machine.json(["slots", "newer.age"]);
    assert_eq!(slots["slots"][0]["fingerprint"], lost["fingerprint"]);
    let superseded = machine.json(["keyset", "show", text(&new, "id")]);
    assert_eq!(superseded["state"], "inactive");
    assert_eq!(superseded["inactive_reason"], "superseded");
    assert_eq!(superseded["superseded_by"], lost["fingerprint"]);

    // And the superseded one still opens what was sealed to it.
    machine.ok(["open", "-o", "new.tar", "new.age"]);
    assert!(machine.read("new.tar") == content(3_000_000));
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
    assert!(!server.data_dir().exists());
    for sealed in ["by-line", "by-file", "by-pem"] {
        fs::copy(server.path(sealed), machine.path(sealed)).unwrap();
        let opened = machine.run(["open", sealed]);
        assert!(opened.stdout == content(70_000), "{}", opened.err);
    }
}
