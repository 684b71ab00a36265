//! The acceptance story through the API, by curl alone, on each kind of database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::process::Command;

use serde_json::json;
use support::cli::recovery::{key, seal};
use support::cli::servers::{Engine, Server};
use support::cli::tools;
use support::{Machine, PASSWORD, Served, initialised, manager};

const EXPORT_PASSPHRASE: &str = "the export's passphrase";

#[test]
fn the_story_on_sqlite() {
    story(&initialised());
}

#[test]
fn the_story_on_postgresql() {
    let Some(postgres) = Server::start(Engine::Postgres) else {
        return;
    };
    let mut machine = manager();
    machine.set("KEYSTEAD__DATABASE__URL", &postgres.create_database());
    machine.ok(["init", "--bits", "2048", "--hint", "first"]);
    story(&machine);
}

fn story(machine: &Machine) {
    let served = Served::start(machine);
    let admin = served.admin(machine);

    // A keyset is made, and becomes the Active one.
    let begun = admin.post("/v1/keysets", json!({"hint": "the tapes of 2026", "bits": 2048}));
    let job = admin.job(&begun);
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(job["result"]["state"], "inactive");
    let id = job["result"]["id"].as_str().unwrap();
    let activated = admin
        .post(&format!("/v1/keysets/{id}/activate"), json!({}))
        .ok(200)
        .json();
    assert_eq!(activated["keyset"]["state"], "active");
    let fingerprint = activated["keyset"]["fingerprint"].as_str().unwrap().to_owned();
    assert_ne!(activated["superseded"], json!(null));

    // Its public key is what openssl takes it for.
    let pem = admin.get("/v1/keysets/active/public-key").ok(200);
    let der = tools::piped("openssl", &["pkey", "-pubin", "-outform", "DER"], &pem.body);
    assert_eq!(keystead_domain::Sha256Digest::of(&der).to_string(), fingerprint);
    let etag = pem.header("etag").unwrap().to_owned();
    let again = admin.call(
        "GET",
        "/v1/keysets/active/public-key",
        None,
        &[&format!("If-None-Match: {etag}")],
    );
    assert_eq!((again.status, again.body.len()), (304, 0));

    // The export asks for the password again, and openssl reads it.
    let without = json!({"keysets": ["active"], "passphrase": EXPORT_PASSPHRASE});
    let refused = admin.post("/v1/keysets/export", without);
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (403, "password-needed")
    );
    let request = json!({"keysets": ["active"], "passphrase": EXPORT_PASSPHRASE, "password": PASSWORD});
    let export = admin.post("/v1/keysets/export", request).ok(200);
    assert!(export.header("content-disposition").unwrap().contains("keyset-"));
    machine.write("export.pem", &export.body);
    let out = Command::new("openssl")
        .args(["pkey", "-in", &machine.at("export.pem"), "-passin"])
        .arg(format!("pass:{EXPORT_PASSPHRASE}"))
        .args(["-pubout", "-outform", "DER"])
        .output()
        .unwrap();
    assert_eq!(
        keystead_domain::Sha256Digest::of(&out.stdout).to_string(),
        fingerprint
    );

    // A backup is sealed on a machine that knows nothing but the public key, and its password is forgotten.
    let server = Machine::new();
    let line = admin
        .get("/v1/keysets/active/public-key?format=openssh")
        .ok(200)
        .text();
    server.write("recipient", &line);
    server.ok(["server", "enroll", "--name", "db1", "-o", "enrolment"]);

    // The manager is lost. A new one imports the export: Inactive, and it opens at once.
    assert_eq!(served.stop(), 0);
    let second = initialised();
    let served = Served::start(&second);
    let admin = served.admin(&second);
    let file = String::from_utf8(export.body.clone()).unwrap();
    let seen = admin
        .post("/v1/keysets/inspect", json!({"file": file}))
        .ok(200)
        .json();
    assert_eq!(seen["keysets"][0]["hint"], "the tapes of 2026");
    assert_eq!(seen["keysets"][0]["fingerprint"], fingerprint);
    assert_eq!(seen["keysets"][0]["already_here"], json!(null));
    let wrong = json!({"file": file, "passphrase": "not the passphrase"});
    assert_eq!(
        admin.post("/v1/keysets/import", wrong).ok(422).problem(),
        "not-unlocked"
    );
    let right = json!({"file": file, "passphrase": EXPORT_PASSPHRASE, "expect_fingerprints": [fingerprint]});
    let imported = admin.post("/v1/keysets/import", right.clone()).ok(201).json();
    assert_eq!(imported["imported"][0]["state"], "inactive");
    assert_eq!(imported["imported"][0]["origin"], "imported");
    assert_eq!(
        admin.post("/v1/keysets/import", right).ok(409).problem(),
        "keyset-already-here"
    );

    // The server is enrolled there, and asks; two officers approve; the answer opens the backup.
    let enrolment = String::from_utf8(server.read("enrolment")).unwrap();
    let identity = server.json(["server", "show"])["identity"].clone();
    let enrolled = admin.post(
        "/v1/servers",
        json!({"enrolment": enrolment, "expect_fingerprint": identity}),
    );
    let enrolled = enrolled.ok(201).json();
    server.write("confirmation", enrolled["text"].as_str().unwrap());
    let manager = enrolled["manager"].as_str().unwrap();
    server.ok([
        "server",
        "enroll",
        &server.at("confirmation"),
        "--expect-fingerprint",
        manager,
    ]);
    server.ok([
        "seal",
        "--recipient",
        &server.at("recipient"),
        "--no-password",
        "-o",
        "warm-up.age",
        "/dev/null",
    ]);
    let sealed = seal(&server, "tape", b"what was on the tape");
    server.ok([
        "recovery",
        "request",
        &sealed,
        "--reason",
        "the password is lost",
        "-o",
        "request",
    ]);

    admin
        .call("PATCH", "/v1/policy", Some(&json!({"approvals": 2})), &[])
        .ok(200);
    let officer = admin.with_token(&admin.token("recovery-officer"));
    let text = String::from_utf8(server.read("request")).unwrap();
    let shown = officer
        .post("/v1/recoveries", json!({"text": text}))
        .ok(201)
        .json();
    let request = shown["id"].as_str().unwrap().to_owned();
    assert_eq!(shown["keysets"][0]["fingerprint"], fingerprint);
    assert_eq!(shown["keysets"][0]["here"], true);
    for name in ["ada", "grace"] {
        let Some(key) = key(&second, name, &["-t", "ed25519"]) else {
            return;
        };
        let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
        admin
            .post("/v1/officers", json!({"name": name, "key": public}))
            .ok(201);
        let statement = officer
            .get(&format!("/v1/recoveries/{request}/statement"))
            .ok(200);
        let arguments = [
            "-q",
            "-Y",
            "sign",
            "-n",
            "keystead-recovery-approval",
            "-f",
            key.as_str(),
        ];
        let signature = tools::piped("ssh-keygen", &arguments, &statement.body);
        let signature = String::from_utf8(signature).unwrap();
        let approved = officer.post(
            &format!("/v1/recoveries/{request}/approvals"),
            json!({"signature": signature}),
        );
        approved.ok(201);
    }
    let job = officer.job(&officer.post(&format!("/v1/recoveries/{request}/response"), json!({})));
    assert_eq!(job["state"], "done", "{job}");
    server.write("response", job["result"]["text"].as_str().unwrap());
    std::fs::create_dir(server.path("out")).unwrap();
    server.ok([
        "recovery",
        "apply",
        &server.at("response"),
        "--into",
        &server.at("out"),
    ]);
    assert_eq!(server.read("out/tape"), b"what was on the tape");

    // The imported keyset can become the Active one, and everything is in the trail.
    admin
        .post(&format!("/v1/keysets/{fingerprint}/activate"), json!({}))
        .ok(200);
    let auditor = admin.with_token(&admin.token("auditor"));
    let verified = auditor.get("/v1/audit/verification").ok(200).json();
    assert_eq!(verified["sound"], true, "{verified}");
    let events = auditor.get("/v1/audit/events?limit=1000").ok(200).text();
    for action in [
        "keyset.import",
        "keyset.activate",
        "recovery.approve",
        "recovery.respond",
        "session.begin",
    ] {
        assert!(events.contains(action), "{action}");
    }
    assert!(!events.contains(PASSWORD) && !events.contains(EXPORT_PASSPHRASE));
    assert_eq!(served.stop(), 0);
}
