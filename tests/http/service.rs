//! The service as who runs it sees it: how it starts and stops, what it says, and what becomes of work when it is killed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::cli::tools;
use support::{Machine, PASSWORD, Served, initialised};

#[test]
fn it_starts_only_where_it_is_safe() {
    let mut machine = Machine::initialised();
    let refused = machine.refused(1, ["serve"]);
    assert!(refused.contains("KEYSTEAD__MASTER_KEY__FILE"), "{refused}");
    let key = machine.data_dir().join("master.key");
    machine.set("KEYSTEAD__MASTER_KEY__FILE", key.to_str().unwrap());
    machine.set("KEYSTEAD__SERVE__TLS", "off");
    let refused = machine.refused(1, ["serve", "--listen", "0.0.0.0:0"]);
    assert!(refused.contains("in the clear"), "{refused}");
    let refused = machine.refused(2, ["serve", "--listen", "nowhere"]);
    assert!(refused.contains("an address and a port"), "{refused}");
    machine.set("KEYSTEAD__SERVE__TLS", "on");
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let refused = machine.refused(1, ["serve", "--listen", &address]);
    assert!(refused.contains(&address), "{refused}");
    let nowhere = Machine::new();
    assert_ne!(nowhere.run(["serve"]).status, 0);
}

#[test]
fn it_says_how_it_is() {
    let machine = initialised();
    let served = Served::start(&machine);
    let admin = served.admin(&machine);
    let nobody = admin.nobody();
    assert_eq!(nobody.get("/healthz").ok(200).text(), "alive\n");
    let ready = nobody.get("/readyz").ok(200).json();
    assert_eq!(
        ready,
        json!({"ready": true, "database": true, "master_key": true, "schema": true})
    );
    let metrics = admin.get("/metrics").ok(200).text();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    for line in [
        "keystead_requests_total{operation=\"ready\",outcome=\"done\"} 1",
        "keystead_requests_total{operation=\"sign_in\",outcome=\"done\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // The page to browse the API needs nothing from elsewhere.
    let page = nobody.get("/docs/").ok(200);
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    assert!(!page.text().contains("https://") && !page.text().contains("<script>"));
    nobody.get("/docs/swagger-ui-bundle.js").ok(200);
    // The fingerprint that was printed is the certificate's, as openssl sees it.
    let certificate = std::fs::read(machine.path("data/tls/certificate.pem")).unwrap();
    let der = tools::piped("openssl", &["x509", "-outform", "DER"], &certificate);
    let expected = keystead_domain::Sha256Digest::of(&der).to_string();
    assert_eq!(served.fingerprint.as_deref(), Some(expected.as_str()));
    // Another start makes neither another certificate nor another code.
    let fingerprint = served.fingerprint.clone();
    assert_eq!(served.stop(), 0);
    let served = Served::start(&machine);
    assert_eq!((&served.fingerprint, &served.code), (&fingerprint, &None));
    // The master key is gone: it is not ready, and says what is missing.
    std::fs::rename(machine.path("master.key"), machine.path("elsewhere")).unwrap();
    let log = Machine::again(&machine);
    assert_ne!(log.run(["serve"]).status, 0);
}

#[test]
fn its_log_says_what_happened_and_no_secret() {
    let mut machine = initialised();
    machine.set("KEYSTEAD__SERVE__LOG", "json");
    let served = Served::start(&machine);
    let code = served.code.clone().unwrap();
    let admin = served.admin(&machine);
    let token = admin.token("admin");
    let by_token = admin.with_token(&token);
    by_token.get("/v1/keysets?after=hunter2");
    admin.nobody().post(
        "/v1/sessions",
        json!({"name": "hunter2", "password": "hunter2-password"}),
    );
    let id = "X-Request-Id: a-request-of-ours";
    by_token.call("GET", "/v1/keysets/00000000", None, &[id]).ok(404);
    let export = json!({"passphrase": "hunter2-passphrase", "password": PASSWORD});
    admin.post("/v1/keysets/export", export).ok(200);
    assert_eq!(served.stop(), 0);
    let log = String::from_utf8(machine.read("service.log")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ours = lines
        .iter()
        .find(|line| line["request"] == "a-request-of-ours")
        .unwrap();
    assert_eq!(
        (&ours["status"], &ours["operation"]),
        (&json!(404), &json!("show_keyset"))
    );
    for secret in ["hunter2", PASSWORD, token.as_str(), code.as_str(), "BEGIN"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn work_that_was_begun_is_finished_by_the_next_process() {
    let machine = initialised();
    let served = Served::start(&machine);
    let admin = served.admin(&machine);
    let token = admin.token("admin");
    let admin = admin.with_token(&token);
    let asked = json!({"hint": "made in spite of all", "bits": 4096});
    let again = ["Idempotency-Key: once"];
    let begun = admin.call("POST", "/v1/keysets", Some(&asked), &again).ok(202);
    // Asked for again, it is the same.
    let same = admin.call("POST", "/v1/keysets", Some(&asked), &again).ok(202);
    assert_eq!(begun.json()["id"], same.json()["id"]);
    served.signal(Signal::SIGKILL);
    drop(served);
    let served = Served::start(&machine);
    let admin = served.client(&machine).with_token(&token);
    let job = admin.job(&begun);
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(job["result"]["hint"], "made in spite of all");
    let made = machine
        .keysets()
        .iter()
        .filter(|keyset| keyset["bits"] == 4096)
        .count();
    assert_eq!(made, 1);
}

#[test]
fn what_is_under_way_is_finished_when_it_is_told_to_stop() {
    let machine = initialised();
    let served = Served::start(&machine);
    let admin = served.admin(&machine);
    let begun = admin
        .post("/v1/keysets", json!({"hint": "last", "bits": 4096}))
        .ok(202);
    assert_eq!(served.stop(), 0);
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    // Either it was begun, and then it was finished; or it waits for the next process.
    let served = Served::start(&machine);
    let again = served.client(&machine).signed_in(&machine, "ada", PASSWORD);
    let job = again.job(&begun);
    assert_eq!(job["state"], "done");
    assert_eq!(machine.json(["keyset", "show", &id])["hint"], "last");
}
