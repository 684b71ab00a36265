//! What is kept elsewhere to hold against the trail: checkpoints and exports.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use support::{Machine, tools};

/// The signature of a checkpoint is one that OpenSSL verifies too.
#[test]
fn openssl_verifies_a_checkpoint() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    if !tools::have("openssl") || !tools::have("sqlite3") {
        return;
    }
    let machine = Machine::initialised();
    let note = machine.ok(["audit", "checkpoint"]);
    let (body, signature) = note.rsplit_once("\n\n").unwrap();
    let encoded = signature.trim().rsplit(' ').next().unwrap();
    let bytes = STANDARD.decode(encoded).unwrap();
    let body = machine.write("body", format!("{body}\n"));
    let signature = machine.write("signature", &bytes[4..]);
    let database = machine.data_dir().join("keystead.db");
    let sql = "SELECT hex(identity_public_key) FROM installation";
    let key = tools::run("sqlite3", &[database.to_str().unwrap(), sql]);
    // The public key in the form of RFC 8410.
    let mut der = tools::from_hex("302a300506032b6570032100");
    der.extend(tools::from_hex(String::from_utf8(key).unwrap().trim()));
    let key = machine.write("identity.der", der);
    let verified = tools::run(
        "openssl",
        &[
            "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", &key, "-rawin", "-in", &body,
            "-sigfile", &signature,
        ],
    );
    assert!(String::from_utf8_lossy(&verified).contains("Successfully"));
}

#[test]
fn a_record_that_was_changed_or_is_foreign_is_refused() {
    let machine = Machine::initialised();
    machine.ok(["audit", "export", "-o", "trail.jsonl"]);
    machine.ok(["audit", "checkpoint", "-o", "checkpoint"]);
    machine.ok([
        "audit",
        "verify",
        "--against",
        "trail.jsonl",
        "--against",
        "checkpoint",
    ]);
    let export = String::from_utf8(machine.read("trail.jsonl")).unwrap();
    machine.write("changed.jsonl", export.replace("os-user", "manager"));
    let said = machine.refused(1, ["audit", "verify", "--against", "changed.jsonl"]);
    assert!(said.contains("was changed"), "{said}");
    let unsigned: Vec<&str> = export.lines().filter(|l| !l.contains("checkpoint v1")).collect();
    machine.write("unsigned.jsonl", unsigned.join("\n") + "\n");
    let said = machine.refused(1, ["audit", "verify", "--against", "unsigned.jsonl"]);
    assert!(said.contains("nothing in it is signed"), "{said}");
    let other = Machine::initialised();
    machine.write("foreign", other.ok(["audit", "checkpoint"]));
    let said = machine.refused(1, ["audit", "verify", "--against", "foreign"]);
    assert!(said.contains("installation"), "{said}");
    machine.refused(3, ["audit", "verify", "--against", "missing"]);
    machine.write("noise", "noise");
    machine.refused(1, ["audit", "verify", "--against", "noise"]);
}
