//! An export whose parts were changed or mixed is refused, and nothing of it is stored.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use support::{Machine, text};

/// The blocks of an export, each with its lines.
struct Blocks {
    private: String,
    public: String,
    metadata: String,
}

impl Blocks {
    fn of(pem: &[u8]) -> Self {
        let pem = String::from_utf8(pem.to_vec()).unwrap();
        let public = pem.find("-----BEGIN PUBLIC KEY-----").unwrap();
        let metadata = pem.find("-----BEGIN KEYSTEAD KEYSET-----").unwrap();
        Self {
            private: pem[..public].to_owned(),
            public: pem[public..metadata].to_owned(),
            metadata: pem[metadata..].to_owned(),
        }
    }
}

struct Scene {
    machine: Machine,
    ours: Blocks,
    theirs: Blocks,
}

fn scene() -> Scene {
    let exporter = Machine::initialised();
    exporter.export_plain("ours.pem");
    exporter.ok([
        "keyset",
        "create",
        "--bits",
        "2048",
        "--hint",
        "other",
        "--activate",
    ]);
    exporter.export_plain("theirs.pem");
    Scene {
        machine: Machine::initialised(),
        ours: Blocks::of(&exporter.read("ours.pem")),
        theirs: Blocks::of(&exporter.read("theirs.pem")),
    }
}

fn refused_as_tampered(machine: &Machine, content: &str) {
    let file = machine.write("changed.pem", content);
    for args in [
        vec!["keyset", "inspect", &file],
        vec!["keyset", "import", &file, "--yes", "--hint", "x"],
    ] {
        let said = machine.refused(1, &args);
        assert!(said.contains("tampered with"), "{said}");
    }
    assert_eq!(machine.keysets().len(), 1);
}

#[test]
fn the_unchanged_export_is_accepted() {
    let Scene { machine, ours, .. } = scene();
    let file = machine.write(
        "whole.pem",
        format!("{}{}{}", ours.private, ours.public, ours.metadata),
    );
    machine.ok(["keyset", "import", &file, "--yes"]);
    assert_eq!(machine.keysets().len(), 2);
}

#[test]
fn one_changed_letter_of_the_hint_is_noticed() {
    let Scene { machine, ours, .. } = scene();
    let changed = with_body(&ours.metadata, |body| {
        let at = body.windows(7).position(|w| w == b"\"first\"").unwrap();
        body[at + 1] = b'F';
    });
    refused_as_tampered(&machine, &format!("{}{}{changed}", ours.private, ours.public));
}

#[test]
fn a_changed_date_is_noticed() {
    let Scene { machine, ours, .. } = scene();
    let changed = with_body(&ours.metadata, |body| {
        let at = body.windows(3).position(|w| w == b"\"20").unwrap();
        body[at + 2] = b'1';
    });
    refused_as_tampered(&machine, &format!("{}{}{changed}", ours.private, ours.public));
}

#[test]
fn a_block_of_another_keyset_in_the_place_of_any_is_noticed() {
    let Scene {
        machine,
        ours,
        theirs,
    } = scene();
    let mixed = [
        [&theirs.private, &ours.public, &ours.metadata],
        [&ours.private, &theirs.public, &ours.metadata],
        [&ours.private, &ours.public, &theirs.metadata],
    ];
    for blocks in mixed {
        refused_as_tampered(&machine, &blocks.map(String::as_str).concat());
    }
}

#[test]
fn an_expected_fingerprint_is_checked() {
    let Scene { machine, ours, .. } = scene();
    let file = machine.write(
        "whole.pem",
        format!("{}{}{}", ours.private, ours.public, ours.metadata),
    );
    let mine = text(&machine.active(), "fingerprint").to_owned();
    let said = machine.refused(
        1,
        ["keyset", "import", &file, "--yes", "--expect-fingerprint", &mine],
    );
    assert!(said.contains("expected was"), "{said}");
    assert_eq!(machine.keysets().len(), 1);
    let inspected = machine.json(["keyset", "inspect", &file]);
    let theirs = text(&inspected["keysets"][0], "fingerprint").to_owned();
    machine.refused(
        2,
        [
            "keyset",
            "import",
            &file,
            "--yes",
            "--expect-fingerprint",
            &theirs[..12],
        ],
    );
    machine.ok([
        "keyset",
        "import",
        &file,
        "--yes",
        "--expect-fingerprint",
        &theirs[..16],
    ]);
}

#[test]
fn a_wrong_passphrase_ends_with_status_4() {
    let exporter = Machine::initialised();
    let export = exporter.export_protected("export.pem");
    let machine = Machine::initialised();
    let wrong = machine.write("wrong", "not the passphrase");
    let said = machine.refused(
        4,
        ["keyset", "import", &export, "--yes", "--passphrase-file", &wrong],
    );
    assert!(
        said.contains("passphrase is wrong, or the file is damaged"),
        "{said}"
    );
    // Without any, and with nobody to ask, it is a refusal too, and no hang.
    machine.refused(4, ["keyset", "import", &export, "--yes"]);
    assert_eq!(machine.keysets().len(), 1);
}

/// The block with its decoded body changed.
fn with_body(block: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let lines: Vec<&str> = block.lines().collect();
    let (label, inner, end) = (
        lines[0],
        lines[1..lines.len() - 1].concat(),
        lines[lines.len() - 1],
    );
    let mut body = STANDARD.decode(inner).unwrap();
    change(&mut body);
    let encoded = STANDARD.encode(body);
    let wrapped: Vec<&str> = encoded
        .as_bytes()
        .chunks(64)
        .map(|l| std::str::from_utf8(l).unwrap())
        .collect();
    format!("{label}\n{}\n{end}\n", wrapped.join("\n"))
}
