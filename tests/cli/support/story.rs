//! The story that the product exists for.

use std::fs;

use super::{Machine, content, text};

/// Where the export goes.
pub struct Safe<'a> {
    /// The folder, as it is typed.
    pub destination: &'a str,
    /// The same, as it is recorded.
    pub recorded: String,
}

/// From the first run to the restore in another installation, with the export in a folder. `lose` takes the first one away.
pub fn a_lost_installation_is_survived_by_its_export(
    machine: &mut Machine,
    lose: &mut dyn FnMut(&mut Machine),
) {
    fs::create_dir(machine.path("safe")).unwrap();
    let safe = Safe {
        destination: "safe",
        recorded: machine.at("safe"),
    };
    a_lost_installation_is_survived_by_its_export_to(&safe, machine, lose);
}

/// The same with the export somewhere else.
pub fn a_lost_installation_is_survived_by_its_export_to(
    safe: &Safe<'_>,
    machine: &mut Machine,
    lose: &mut dyn FnMut(&mut Machine),
) {
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
    machine.ok([
        "keyset",
        "export",
        "active",
        "--to",
        safe.destination,
        "--passphrase-file",
        "passphrase",
    ]);
    let name = format!("keyset-{}.pem", &text(&lost, "fingerprint")[..16]);
    let export = format!("{}/{name}", safe.destination);
    let exported = machine.active();
    assert_eq!(
        text(&exported, "last_export_to"),
        format!("{}/{name}", safe.recorded)
    );
    assert!(exported["last_exported_at"].is_string());

    // It is gone. A new installation does not open the backup.
    lose(machine);
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
