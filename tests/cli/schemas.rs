//! What commands print as JSON is what the schemas in docs/schemas say.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::Value;
use support::tools::{have, run};
use support::{Machine, text};

struct Schemas;

impl Schemas {
    fn validator(name: &str) -> Validator {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        let read =
            |path: &Path| -> Value { serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap() };
        let mut registry = Registry::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let schema = read(&entry.unwrap().path());
            registry = registry.add(text(&schema, "$id"), schema.clone()).unwrap();
        }
        let registry = registry.prepare().unwrap();
        let schema = read(&folder.join(format!("{name}.schema.json")));
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
fn every_json_result_about_people_and_programs_meets_its_schema() {
    let machine = Machine::initialised();
    machine.write("new-password", "four unrelated words here");
    Schemas::check("user-list", &machine.json(["user", "list"]));
    let password = ["--password-file", "new-password"];
    let add = ["user", "add", "ada", "--role", "admin", "--role", "auditor"];
    Schemas::check("user", &machine.json(add.into_iter().chain(password)));
    let add = ["user", "add", "bob", "--role", "admin"];
    Schemas::check("user", &machine.json(add.into_iter().chain(password)));
    Schemas::check(
        "user",
        &machine.json(["user", "edit", "bob", "--role", "auditor"]),
    );
    let set = ["user", "password", "bob"];
    Schemas::check("user", &machine.json(set.into_iter().chain(password)));
    Schemas::check("user", &machine.json(["user", "unlock", "bob"]));
    let remove = ["user", "remove", "bob", "--reason", "left", "--yes"];
    Schemas::check("user", &machine.json(remove));
    Schemas::check("user-list", &machine.json(["user", "list"]));

    let create = ["token", "create", "nightly", "--role", "admin", "--may-export"];
    let created = machine.json(create);
    Schemas::check("token-new", &created);
    let revoke = [
        "token",
        "revoke",
        text(&created, "id"),
        "--reason",
        "lost",
        "--yes",
    ];
    Schemas::check("token", &machine.json(revoke));
    Schemas::check("token-list", &machine.json(["token", "list"]));
    let code = machine.json(["server", "code", "--name", "db1"]);
    Schemas::check("server-code", &code);
    Schemas::check("audit-list", &machine.json(["audit", "list"]));

    // What is shown once is nowhere else.
    let told: String = ["user list", "token list", "audit list"]
        .into_iter()
        .map(|line| machine.ok(line.split(' ').chain(["--output", "json"])))
        .collect();
    for secret in [text(&created, "token"), text(&code, "code"), "unrelated"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

/// A manager and a backup server that is enrolled with it.
fn enrolled() -> (Machine, Machine) {
    let (manager, server) = (Machine::initialised(), Machine::new());
    Schemas::check("server-own", &server.json(["server", "show"]));
    let enrolment = server.json(["server", "enroll", "--name", "db1"]);
    Schemas::check("server-enrolment", &enrolment);
    manager.write("enrolment", text(&enrolment, "text"));
    let enroll = ["server", "enroll", "enrolment", "--expect-fingerprint"];
    let fingerprint = [text(&enrolment, "fingerprint"), "-o", "confirmation"];
    let enrolled = manager.json(enroll.into_iter().chain(fingerprint));
    Schemas::check("server-enrolled", &enrolled);
    server.write("confirmation", manager.read("confirmation"));
    let confirm = ["server", "enroll", "confirmation", "--expect-fingerprint"];
    let confirmed = server.json(confirm.into_iter().chain([text(&enrolled, "manager")]));
    Schemas::check("server-confirmed", &confirmed);
    (manager, server)
}

#[test]
fn every_json_result_of_a_recovery_meets_its_schema() {
    if !have("ssh-keygen") {
        return;
    }
    let (manager, server) = enrolled();
    let servers = |name: &str, machine: &Machine| {
        Schemas::check(name, &machine.json(["server", "list"]));
    };
    servers("server-list", &manager);
    servers("server-own", &server);
    Schemas::check("server", &manager.json(["server", "show", "db1"]));

    for (name, also) in [("Ada", "ada@work"), ("Bob", "bob")] {
        let key = manager.at(name);
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key]);
        let key = format!("{key}.pub");
        let add = ["officer", "add", name, "--key", &key, "--also", also];
        Schemas::check("officer", &manager.json(add));
    }
    let remove = ["officer", "remove", "Bob", "--reason", "left", "--yes"];
    Schemas::check("officer", &manager.json(remove));
    Schemas::check("officer-list", &manager.json(["officer", "list"]));
    Schemas::check("policy", &manager.json(["policy", "show"]));
    Schemas::check("policy", &manager.json(["policy", "set", "--approvals", "1"]));

    server.write("plain", b"x");
    let seal = |to: &str, more: &[&str]| {
        let seal = ["seal", "--password-file", "password", "-o", to, "plain"];
        server.ok(seal.iter().chain(more));
    };
    seal("own.age", &[]);
    seal("second.age", &[]);
    let stranger = Machine::initialised();
    seal(
        "missing.age",
        &["--recipient", &stranger.ok(["keyset", "recipient"])],
    );
    let copied = server.read("own.age");
    server.write("elsewhere.age", copied);
    let ask = |more: &[&str]| -> String {
        let ask = [
            "recovery",
            "request",
            "--reason",
            "lost",
            "-o",
            "request",
            "--overwrite",
        ];
        let asked = server.json(ask.into_iter().chain(more.iter().copied()));
        Schemas::check("recovery-request", &asked);
        manager.write("request", server.read("request"));
        let received = manager.json(["recovery", "receive", "request"]);
        Schemas::check("recovery-shown", &received);
        text(&asked, "id").to_owned()
    };
    let (answered, denied) = (ask(&["own.age", "missing.age", "second.age"]), ask(&["own.age"]));
    Schemas::check(
        "recovery-request",
        &server.json(["recovery", "request", "own.age"]),
    );
    let deny = ["recovery", "deny", &denied, "--reason", "not now", "--by", "Ada"];
    Schemas::check("recovery", &manager.json(deny));
    Schemas::check("recovery-shown", &manager.json(["recovery", "show", &denied]));

    let approve = [
        "recovery",
        "approve",
        &answered,
        "--key",
        "Ada",
        "--allow-unnamed",
    ];
    Schemas::check("recovery-approved", &manager.json(approve));
    let respond = ["recovery", "respond", &answered, "--partial", "-o", "response"];
    let responded = manager.json(respond);
    Schemas::check("recovery-responded", &responded);
    assert_eq!(responded["unopened"][0]["why"], "no-keyset");
    let again = manager.json(["recovery", "respond", &answered]);
    Schemas::check("recovery-responded", &again);
    assert_eq!(text(&again, "text").as_bytes(), manager.read("response"));
    Schemas::check("recovery-shown", &manager.json(["recovery", "show", &answered]));
    Schemas::check("recovery-list", &manager.json(["recovery", "list"]));

    server.write("response", manager.read("response"));
    Schemas::check(
        "recovery-applied",
        &server.json(["recovery", "apply", "response"]),
    );
    Schemas::check("recovery-own-list", &server.json(["recovery", "list"]));
    Schemas::check("opened", &server.json(["open", "-o", "opened", "own.age"]));
    fs::create_dir(server.path("out")).unwrap();
    let failing = [
        "recovery",
        "apply",
        &answered,
        "--into",
        "out",
        "--from",
        "missing.age",
    ];
    let failed = server.run(failing.into_iter().chain(["--output", "json"]));
    assert_eq!(failed.status, 1);
    Schemas::check("recovery-applied", &serde_json::from_str(&failed.out).unwrap());
    let applied = server.json(["recovery", "apply", &answered, "--into", "out"]);
    Schemas::check("recovery-applied", &applied);
    assert_eq!(server.read("out/own"), b"x");
    Schemas::check("recovery-own-list", &server.json(["recovery", "list"]));

    let rebuilt = server.json([
        "server",
        "enroll",
        "--new-identity",
        "--name",
        "db1",
        "-o",
        "again",
    ]);
    Schemas::check("server-enrolment", &rebuilt);
    manager.write("again", server.read("again"));
    let re_enroll = ["server", "re-enroll", "db1", "again", "--expect-fingerprint"];
    let re_enrolled = manager.json(re_enroll.into_iter().chain([text(&rebuilt, "fingerprint")]));
    Schemas::check("server-enrolled", &re_enrolled);
    let remove = ["server", "remove", "db1", "--reason", "scrapped", "--yes"];
    Schemas::check("server", &manager.json(remove));
    Schemas::check("audit-list", &manager.json(["audit", "list"]));
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

    let (manager, _) = enrolled();
    let server = manager.json(["server", "show", "db1"]);
    for (field, wrong) in [
        ("id", "db1".into()),
        ("identities", Value::Array(Vec::new())),
        ("private", "oops".into()),
    ] {
        let mut server = server.clone();
        server[field] = wrong;
        assert!(!Schemas::validator("server").is_valid(&server), "{field}");
    }
}
