//! The rules, as a person at the command line meets them.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Machine, text};

#[test]
fn without_an_active_keyset_nothing_is_sealed_and_the_way_out_is_told() {
    let machine = Machine::initialised();
    // Only a database that somebody meddled with has no Active keyset after init; the rule holds there too.
    let database = machine.data_dir().join("keystead.db");
    let id = text(&machine.active(), "id").to_owned();
    if !support::tools::have("sqlite3") {
        return;
    }
    let sql = "update active_keyset set keyset_id = null; update keysets set activated_at = null;";
    support::tools::run("sqlite3", &[database.to_str().unwrap(), sql]);
    machine.write("plain", b"x");
    let said = machine.refused(1, ["seal", "--no-password", "-o", "sealed", "plain"]);
    assert!(
        said.contains("no keyset is Active") && said.contains("keystead keyset activate"),
        "{said}"
    );
    assert!(!machine.path("sealed").exists());
    machine.ok(["keyset", "activate", &id]);
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
}

#[test]
fn the_active_keyset_cannot_be_deleted() {
    let machine = Machine::initialised();
    machine.export_plain("export.pem");
    let said = machine.refused(1, ["keyset", "delete", "active", "--yes"]);
    assert!(said.contains("it is the Active keyset"), "{said}");
    let forced = [
        "keyset", "delete", "active", "--yes", "--force", "--reason", "because",
    ];
    assert!(machine.refused(1, forced).contains("it is the Active keyset"));
    assert_eq!(machine.keysets().len(), 1);
    let trail = machine.json(["audit", "list"]);
    let refused = trail["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["outcome"] == "refused")
        .count();
    assert_eq!(refused, 2, "refused attempts are events: {trail}");
}

#[test]
fn a_keyset_that_was_never_exported_is_deleted_only_with_a_reason() {
    let machine = Machine::initialised();
    let created = machine.json(["keyset", "create", "--bits", "2048", "--hint", "second"]);
    assert_eq!(created["state"], "inactive");
    let id = text(&created, "id");
    let said = machine.refused(1, ["keyset", "delete", id, "--yes"]);
    assert!(
        said.contains("never exported") && said.contains("--force --reason"),
        "{said}"
    );
    let said = machine.refused(1, ["keyset", "delete", id, "--force", "--reason", "test"]);
    assert!(
        said.contains("--yes"),
        "without a terminal nobody can be asked: {said}"
    );
    assert_eq!(
        machine.run(["keyset", "delete", id, "--yes", "--force"]).status,
        2,
        "a force needs a reason"
    );
    machine.ok([
        "keyset",
        "delete",
        id,
        "--yes",
        "--force",
        "--reason",
        "made by mistake",
    ]);
    machine.refused(3, ["keyset", "show", id]);
    assert!(machine.ok(["audit", "list"]).contains("made by mistake"));
}

#[test]
fn keysets_are_named_by_id_fingerprint_or_active() {
    let machine = Machine::initialised();
    let active = machine.active();
    for name in [
        text(&active, "id"),
        text(&active, "fingerprint"),
        &text(&active, "fingerprint")[..8],
        "active",
    ] {
        assert_eq!(machine.json(["keyset", "show", name]), active);
    }
    machine.refused(2, ["keyset", "show", &text(&active, "fingerprint")[..7]]);
    machine.refused(2, ["keyset", "show", "nonsense"]);
    machine.refused(3, ["keyset", "show", "00000000"]);
    machine.refused(3, ["keyset", "show", "00000000-0000-4000-8000-000000000000"]);
}

#[test]
fn a_second_init_changes_nothing() {
    let machine = Machine::initialised();
    let before = machine.active();
    let said = machine.refused(1, ["init", "--bits", "2048"]);
    assert!(said.contains("already"), "{said}");
    assert_eq!(machine.active(), before);
    assert_eq!(machine.keysets().len(), 1);
}

#[test]
fn init_refuses_a_bad_destination_before_it_makes_anything() {
    let machine = Machine::new();
    machine.refused(1, ["init", "--export-to", "no/such/folder/", "--unprotected"]);
    machine.write("taken.pem", b"taken");
    machine.refused(1, ["init", "--export-to", "taken.pem", "--unprotected"]);
    assert!(!machine.data_dir().exists());
}

#[test]
fn a_hint_can_be_changed_and_a_strange_one_is_harmless() {
    let machine = Machine::initialised();
    let strange = "<b>Büro</b> 🔑 \u{202e}gpj";
    let edited = machine.json(["keyset", "edit", "active", "--hint", strange]);
    assert_eq!(text(&edited, "hint"), strange);
    assert!(machine.ok(["keyset", "list"]).contains("🔑 \\u{202e}gpj"));
    machine.refused(2, ["keyset", "edit", "active", "--hint", "\u{1b}[2J"]);
    machine.refused(2, ["keyset", "edit", "active", "--hint", "  "]);
    machine.refused(2, ["keyset", "edit", "active", "--hint", &"x".repeat(201)]);
    machine.ok(["keyset", "edit", "active", "--hint", &"é".repeat(200)]);
}

#[test]
fn another_master_key_is_noticed_and_nothing_is_rewritten() {
    let machine = Machine::initialised();
    let other = Machine::initialised();
    let status = machine.json(["db", "status"]);
    let database = fs::read(machine.data_dir().join("keystead.db")).unwrap();
    let ours = fs::read(machine.data_dir().join("master.key")).unwrap();
    fs::copy(
        other.data_dir().join("master.key"),
        machine.data_dir().join("master.key"),
    )
    .unwrap();
    let said = machine.refused(1, ["keyset", "create", "--bits", "2048", "--hint", "x"]);
    let other_id = other.json(["db", "status"])["master_key_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        said.contains(text(&status, "master_key_id")) && said.contains(&other_id),
        "{said}"
    );
    assert!(fs::read(machine.data_dir().join("keystead.db")).unwrap() == database);

    fs::remove_file(machine.data_dir().join("master.key")).unwrap();
    let said = machine.refused(1, ["keyset", "create", "--bits", "2048", "--hint", "x"]);
    assert!(said.contains("is missing"), "{said}");
    // What is on record can be looked at all the same: it tells where the exports are.
    let looked = machine.run(["keyset", "list"]);
    assert!(
        looked.status == 0 && looked.out.contains("first"),
        "{}",
        looked.err
    );
    assert!(
        looked.err.contains("warning: ") && looked.err.contains("is missing"),
        "{}",
        looked.err
    );
    assert!(
        !machine.data_dir().join("master.key").exists(),
        "only init makes a master key"
    );
    machine.refused(1, ["init"]);

    fs::write(machine.data_dir().join("master.key"), ours).unwrap();
    let said = machine.refused(1, ["keyset", "create", "--bits", "2048", "--hint", "x"]);
    assert!(
        said.contains("chmod"),
        "a key that others can read is refused: {said}"
    );
    fs::set_permissions(
        machine.data_dir().join("master.key"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    machine.ok(["keyset", "list"]);
}

#[test]
fn every_use_of_a_private_key_is_in_the_trail_before_and_after() {
    let machine = Machine::initialised();
    machine.write("plain", b"x");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    machine.ok(["open", "-o", "opened", "sealed"]);
    machine.export_plain("export.pem");
    let events = machine.json(["audit", "list"]);
    let words: Vec<String> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| format!("{} {}", text(e, "action"), text(e, "outcome")))
        .collect();
    let expected = [
        "installation.create done",
        "keyset.create done",
        "keyset.activate done",
        "backup.open begun",
        "backup.open done",
        "keyset.export begun",
        "keyset.export done",
    ];
    assert_eq!(words, expected);
    let sequences: Vec<u64> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, (1..=7).collect::<Vec<u64>>());
}

#[test]
fn without_an_installation_commands_say_how_to_make_one() {
    let machine = Machine::new();
    for args in [
        &["keyset", "list"][..],
        &["keyset", "recipient"],
        &["seal", "--no-password"],
        &["audit", "list"],
    ] {
        let said = machine.refused(1, args);
        assert!(said.contains("keystead init"), "{said}");
    }
    assert!(!machine.data_dir().exists());
}

#[test]
fn failures_are_json_too() {
    let machine = Machine::new();
    let ran = machine.run(["keyset", "list", "--output", "json"]);
    let failure: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(failure["error"]["exit_status"], 1);
    assert!(text(&failure["error"], "fix").contains("keystead init"));
}
