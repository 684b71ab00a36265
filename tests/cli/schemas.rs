//! What commands print as JSON is what the schemas in docs/schemas say.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::Value;
use support::{Machine, text};

struct Schemas;

impl Schemas {
    fn validator(name: &str) -> Validator {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        let read = |name: &str| -> Value {
            serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
        };
        let keyset = read("keyset.schema.json");
        let registry = Registry::new()
            .add(text(&keyset, "$id"), keyset.clone())
            .unwrap()
            .prepare()
            .unwrap();
        let schema = read(&format!("{name}.schema.json"));
        jsonschema::options()
            .with_registry(&registry)
            .build(&schema)
            .unwrap()
    }

    fn check(name: &str, value: &Value) {
        let validator = Self::validator(name);
        let wrong: Vec<String> = validator
            .iter_errors(value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{value:#}");
    }
}

#[test]
fn every_json_result_meets_its_schema() {
    let machine = Machine::new();
    let init = [
        "init",
        "--bits",
        "2048",
        "--export-to",
        "first.pem",
        "--generate-passphrase",
    ];
    Schemas::check("init", &machine.json(init));
    Schemas::check("keyset-list", &machine.json(["keyset", "list"]));
    let created = machine.json(["keyset", "create", "--bits", "2048", "--hint", "second"]);
    Schemas::check("keyset", &created);
    Schemas::check(
        "activated",
        &machine.json(["keyset", "activate", text(&created, "id")]),
    );
    for keyset in machine.keysets() {
        Schemas::check("keyset", &machine.json(["keyset", "show", text(&keyset, "id")]));
    }
    let export = [
        "keyset",
        "export",
        "--all",
        "--to",
        "all.pem",
        "--passphrase-file",
        "passphrase",
    ];
    Schemas::check("export", &machine.json(export));
    Schemas::check("inspect", &machine.json(["keyset", "inspect", "all.pem"]));
    Schemas::check(
        "inspect",
        &machine.json(["keyset", "inspect", "all.pem", "--passphrase-file", "passphrase"]),
    );

    let other = Machine::initialised();
    fs::copy(machine.path("all.pem"), other.path("all.pem")).unwrap();
    let import = [
        "keyset",
        "import",
        "all.pem",
        "--passphrase-file",
        "passphrase",
        "--yes",
    ];
    Schemas::check("import", &other.json(import));
    Schemas::check("keyset-list", &other.json(["keyset", "list"]));

    machine.write("plain", b"x");
    let seal = [
        "seal",
        "--password-file",
        "password",
        "--password-hint",
        "h",
        "-o",
        "sealed",
        "plain",
    ];
    Schemas::check("sealed", &machine.json(seal));
    Schemas::check("slots", &machine.json(["slots", "sealed"]));
    Schemas::check("opened", &machine.json(["open", "-o", "opened", "sealed"]));
    Schemas::check(
        "audit-checkpoint",
        &machine.json(["audit", "checkpoint", "-o", "checkpoint"]),
    );
    Schemas::check(
        "audit-export",
        &machine.json(["audit", "export", "-o", "trail.jsonl"]),
    );
    Schemas::check(
        "audit-verify",
        &machine.json(["audit", "verify", "--against", "checkpoint"]),
    );
    for line in machine.ok(["audit", "export"]).lines() {
        Schemas::check("audit-export-line", &serde_json::from_str(line).unwrap());
    }
    Schemas::check("db-migrate", &machine.json(["db", "migrate"]));
    Schemas::check("master-key-status", &machine.json(["master-key", "status"]));
    Schemas::check("master-key-rotate", &machine.json(["master-key", "rotate"]));
    Schemas::check("audit-list", &machine.json(["audit", "list"]));
    Schemas::check("db-status", &machine.json(["db", "status"]));
    Schemas::check("share-test", &machine.json(["share", "test", &machine.at("")]));
    let mut named = Machine::initialised();
    let folder = format!("file://{}", named.home().display());
    named.set("KEYSTEAD__SHARES__NAS__URL", &folder);
    Schemas::check("share-list", &named.json(["share", "list"]));
    named.set("KEYSTEAD__SHARES__NAS__URL", &format!("{folder}/gone"));
    let failed = named.run(["share", "test", "nas", "--output", "json"]);
    assert_eq!(failed.status, 3);
    Schemas::check("share-test", &serde_json::from_str(&failed.out).unwrap());
    Schemas::check("settings", &machine.json(["config", "show", "--origin"]));
    let failed = machine.run(["keyset", "show", "00000000", "--output", "json"]);
    Schemas::check("error", &serde_json::from_str(&failed.err).unwrap());
}

#[test]
fn the_schemas_refuse_what_is_not_theirs() {
    let machine = Machine::initialised();
    let mut keyset = machine.active();
    keyset["state"] = "suspended".into();
    assert!(!Schemas::validator("keyset").is_valid(&keyset));
    let mut keyset = machine.active();
    keyset["private_key"] = "oops".into();
    assert!(!Schemas::validator("keyset").is_valid(&keyset));
}
