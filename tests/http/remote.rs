//! The command line at a distance: the acceptance story from a machine that has nothing but a URL, a fingerprint and a token.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use support::cli::recovery::{key, seal};
use support::cli::servers::{Engine, Server};
use support::cli::tools;
use support::{Machine, Served, initialised, manager};

#[test]
fn the_story_from_afar_on_sqlite() {
    story(&initialised());
}

#[test]
fn the_story_from_afar_on_postgresql() {
    let Some(postgres) = Server::start(Engine::Postgres) else {
        return;
    };
    let mut machine = manager();
    machine.set("KEYSTEAD__DATABASE__URL", &postgres.create_database());
    machine.ok(["init", "--bits", "2048", "--hint", "first"]);
    story(&machine);
}

/// A machine that works at a service, with a token of this role.
fn afar(served: &Served, token: &str) -> Machine {
    let mut machine = Machine::new();
    machine.write("token", token);
    machine.set("KEYSTEAD_SERVER", &served.url);
    machine.set(
        "KEYSTEAD_SERVER_CERTIFICATE",
        served.fingerprint.as_ref().unwrap(),
    );
    machine.set("KEYSTEAD_TOKEN_FILE", &machine.at("token"));
    machine
}

fn token(manager: &Machine, role: &str, more: &[&str]) -> String {
    let arguments = ["token", "create", role, "--role", role, "--output", "json"];
    let made = manager.ok(arguments.iter().chain(more));
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    made["token"].as_str().unwrap().to_owned()
}

fn story(manager: &Machine) {
    let admin_token = token(manager, "admin", &["--may-export"]);
    let officer_token = token(manager, "recovery-officer", &[]);
    let auditor_token = token(manager, "auditor", &[]);
    let served = Served::start(manager);
    let (admin, officer) = (afar(&served, &admin_token), afar(&served, &officer_token));
    let auditor = afar(&served, &auditor_token);

    // What is done there is what is there.
    let made = admin.json([
        "keyset",
        "create",
        "--hint",
        "from afar",
        "--bits",
        "2048",
        "--activate",
    ]);
    assert_eq!(made["state"], "active");
    let fingerprint = made["fingerprint"].as_str().unwrap().to_owned();
    assert_eq!(
        manager.json(["keyset", "show", "active"]),
        admin.json(["keyset", "show", "active"])
    );
    assert_eq!(manager.ok(["keyset", "list"]), admin.ok(["keyset", "list"]));
    assert_eq!(
        manager.json(["keyset", "recipient", "active"]),
        admin.json(["keyset", "recipient", "active"])
    );
    let missing = admin.refused(3, ["keyset", "show", "00000000"]);
    assert_eq!(missing, manager.refused(3, ["keyset", "show", "00000000"]));
    let forbidden = auditor.refused(1, ["keyset", "create", "--hint", "no", "--bits", "2048"]);
    assert!(forbidden.contains("not allowed"), "{forbidden}");

    // An export comes to this machine; it goes back in there only once.
    admin.ok([
        "keyset",
        "export",
        "active",
        "--to",
        "export.pem",
        "--passphrase-file",
        "passphrase",
    ]);
    let seen = tools::openssl_fingerprint(&admin.path("export.pem"), Some(support::cli::PASSPHRASE));
    assert_eq!(seen, fingerprint);
    let again = [
        "keyset",
        "import",
        "export.pem",
        "--passphrase-file",
        "passphrase",
        "--yes",
    ];
    assert!(admin.refused(1, again).contains("is here already"));
    let inspected = admin.json(["keyset", "inspect", "export.pem"]);
    assert_eq!(inspected["keysets"][0]["hint"], "from afar");
    for place in ["init", "open", "db", "master-key"] {
        let refused = admin.run([place, "status"]);
        assert_ne!(refused.status, 0, "{place}");
    }

    // A backup server is enrolled by a code, and needs nobody from then on.
    let code = admin.json(["server", "code", "--name", "db1"]);
    let mut server = Machine::new();
    server.write("code", code["code"].as_str().unwrap());
    let enroll = [
        "server",
        "enroll",
        "--manager",
        &served.url,
        "--code-file",
        "code",
    ];
    let expected = ["--expect-fingerprint", code["manager"].as_str().unwrap()];
    let pinned = ["--server-certificate", served.fingerprint.as_ref().unwrap()];
    server.ok(enroll.iter().chain(&expected).chain(&pinned));
    let used = Machine::new();
    used.write("code", code["code"].as_str().unwrap());
    let used = used.refused(1, enroll.iter().chain(&expected).chain(&pinned));
    assert!(used.contains("code"), "{used}");
    let sealed = seal(&server, "tape", b"what was on the tape");
    let slots = server.json(["slots", &sealed]);
    assert_eq!(slots["slots"][0]["fingerprint"], fingerprint, "{slots}");

    // It asks; an officer approves and answers; it fetches the answer.
    let made = server.json(["recovery", "request", &sealed, "--reason", "lost", "--send"]);
    let request = made["id"].as_str().unwrap();
    let Some(key) = key(&officer, "grace", &["-t", "ed25519"]) else {
        return;
    };
    let public = admin.write("grace.pub", officer.read("grace.key.pub"));
    admin.ok(["officer", "add", "grace", "--key", &public]);
    assert_eq!(officer.json(["recovery", "show", request])["state"], "waiting");
    officer.ok(["recovery", "approve", request, "--key", &key]);
    officer.ok(["recovery", "respond", request, "-o", "response"]);
    std::fs::create_dir(server.path("out")).unwrap();
    server.ok([
        "recovery",
        "apply",
        "--fetch",
        request,
        "--into",
        &server.at("out"),
    ]);
    assert_eq!(server.read("out/tape"), b"what was on the tape");

    // The trail is the same from afar.
    assert_eq!(auditor.json(["audit", "verify"])["sound"], true);
    assert_eq!(
        manager.json(["audit", "list", "--limit", "20"]),
        auditor.json(["audit", "list", "--limit", "20"])
    );

    // Another certificate is another service.
    server.set("KEYSTEAD_SERVER_CERTIFICATE", &"0".repeat(64));
    server.set("KEYSTEAD_SERVER", &served.url);
    server.write("token", &admin_token);
    server.set("KEYSTEAD_TOKEN_FILE", &server.at("token"));
    let wrong = server.refused(1, ["keyset", "list"]);
    assert!(wrong.contains(served.fingerprint.as_ref().unwrap()), "{wrong}");
    assert_eq!(served.stop(), 0);
}
