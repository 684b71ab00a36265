//! Backup servers and their manager.

use std::time::Duration;

use serde_json::{Value, json};

use super::scripted::{JOB, body_of, job};
use super::{Reply, Script, World, answer, here, ok, paths, problem, there, value};
use crate::{ServerAddress, ServerCertificate};

/// With the texts that people carry. Gives what the manager answered.
pub(super) async fn enrol_by_texts(manager: &World, server: &World) -> Value {
    let (made, enrolled) = exchanged(manager, server).await;
    assert_eq!(made["new_identity"], true);
    let (confirmation, fingerprint) = (text(&enrolled, "text"), text(&enrolled, "manager"));
    server.write("confirmation.txt", confirmation.as_bytes()).await;
    let trust = format!("server enroll confirmation.txt --expect-fingerprint {fingerprint}");
    ok(server, &trust).await;
    enrolled
}

/// The enrolment that the server made, and what the manager answered.
async fn exchanged(manager: &World, server: &World) -> (Value, Value) {
    let made = value(server, "server enroll --name db1").await;
    manager
        .write("enrolment.txt", text(&made, "text").as_bytes())
        .await;
    let fingerprint = text(&made, "fingerprint");
    let enroll = format!("server enroll enrolment.txt --expect-fingerprint {fingerprint}");
    let enrolled = value(manager, &enroll).await;
    (made, enrolled)
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap()
}

/// A backup server that was enrolled over the network, and its manager.
async fn enrolled() -> (World, World) {
    let manager = World::manager().await;
    let db1 = manager.beside(2);
    let (_, enrolled) = exchanged(&manager, &db1).await;
    let code = World::secret("ABCD-EFGH");
    let line = format!(
        "server enroll --manager https://keys.example:8443/ --code-file {} --expect-fingerprint {} --server-certificate {}",
        code.path().display(),
        text(&enrolled, "manager"),
        "ab".repeat(32),
    );
    let (ran, asked) = db1.run(&line, Script::of([answer(&enrolled)])).await;
    assert!(ran.succeeded, "{}", ran.err);
    assert!(ran.out.contains("trusts manager"), "{}", ran.out);
    assert_eq!(paths(&asked), ["POST /v1/enrolments"]);
    assert_eq!(asked[0].bearer, None, "a code is all that is needed");
    assert_eq!(asked[0].body["code"], "ABCD-EFGH");
    assert!(
        text(&asked[0].body, "enrolment").contains("BEGIN"),
        "{:?}",
        asked[0]
    );
    assert_eq!(db1.addresses(), [address()]);
    (manager, db1)
}

fn address() -> ServerAddress {
    ServerAddress {
        url: "https://keys.example:8443".to_owned(),
        certificate: Some(ServerCertificate::Fingerprint("ab".repeat(32))),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_its_manager_seals_to_the_active_keyset_there() {
    let (manager, db1) = enrolled().await;
    db1.write("plain", b"content").await;
    ok(&manager, "keyset create --hint second --activate").await;
    let line = ok(&manager, "keyset recipient").await;
    let fingerprint = text(&value(&manager, "keyset show active").await, "fingerprint")[..16].to_owned();

    let recipient = || body_of("text/plain", line.as_bytes());
    let (ran, asked) = db1
        .run("seal plain -o a.age --no-password", Script::of([recipient()]))
        .await;
    assert!(
        ran.out.contains(&format!("opens with keyset {fingerprint}")),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(
        ran.err.contains("the manager has another Active keyset now"),
        "{}",
        ran.err
    );
    assert_eq!(
        paths(&asked),
        ["GET /v1/keysets/active/public-key?format=openssh"]
    );
    let jwt = asked[0].bearer.clone().unwrap();
    assert_eq!(jwt.split('.').count(), 3, "{jwt}");
    assert_eq!(db1.addresses(), [address()]);

    // A manager that cannot be reached, or refuses, keeps nobody from making a backup.
    let lost = Script::of([Reply::Lost]);
    let refused = Script::of([problem("credential-not-valid", 401, 4)]);
    for (file, script) in [("b.age", lost), ("c.age", refused)] {
        let (ran, _) = db1
            .run(&format!("seal plain -o {file} --no-password"), script)
            .await;
        assert!(ran.out.contains(&fingerprint), "{}{}", ran.out, ran.err);
        let warning = "warning: the manager could not be asked for its Active keyset";
        assert!(ran.err.contains(warning), "{}", ran.err);
    }
    // What somebody names is for this time, and nobody is asked.
    let first = ok(&manager, "keyset list").await;
    let first = first
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let named = ok(&manager, &format!("keyset recipient {first}")).await;
    let named = named.trim().replace(' ', "~");
    let seal = format!("seal plain -o d.age --no-password --recipient {named}");
    let (ran, _) = db1.run(&seal, Script::default()).await;
    assert!(ran.succeeded && !ran.err.contains("remembered:"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_and_its_response_comes_over_the_network() {
    let (manager, db1) = enrolled().await;
    db1.write("plain", b"content").await;
    let line = ok(&manager, "keyset recipient").await;
    let script = Script::of([body_of("text/plain", line.as_bytes())]);
    db1.run("seal plain -o sealed.age --no-password", script).await;

    let received = json!({ "id": "x", "state": "waiting", "approvals_given": 0, "approvals_needed": 2, "response": null });
    let request = "recovery request sealed.age --asked-by Eve --send --output json";
    let (ran, asked) = db1.run(request, Script::of([answer(&received)])).await;
    assert!(ran.succeeded, "{}", ran.err);
    let made: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&made["sent"], &made["text"], &made["place"]),
        (&json!(true), &json!(null), &json!(null))
    );
    assert_eq!(paths(&asked), ["POST /v1/server/recoveries"]);
    let id = text(&made, "id");
    manager
        .write("request.txt", text(&asked[0].body, "text").as_bytes())
        .await;
    assert_eq!(value(&manager, "recovery receive request.txt").await["id"], id);

    let fetch = format!("recovery apply --fetch {} --into folder", &id[..8]);
    let (ran, asked) = db1.run(&fetch, Script::of([answer(&received)])).await;
    assert!(
        ran.err.contains("is not answered yet: 0 of 2 approved"),
        "{}",
        ran.err
    );
    let path = format!("GET /v1/server/recoveries/{id}");
    assert_eq!(paths(&asked), [path.as_str()]);
    let mut denied = received.clone();
    denied["state"] = "denied".into();
    let (ran, _) = db1.run(&fetch, Script::of([answer(&denied)])).await;
    assert!(ran.err.contains("was denied"), "{}", ran.err);
    // A response that is none is refused by the same look that a text is.
    let mut answered = received.clone();
    (answered["state"], answered["response"]) = ("answered".into(), "no response".into());
    let (ran, _) = db1.run(&fetch, Script::of([answer(&answered)])).await;
    assert!(!ran.succeeded, "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_sent_is_not_lost() {
    let (manager, db1) = enrolled().await;
    db1.write("plain", b"content").await;
    let line = ok(&manager, "keyset recipient").await;
    let script = Script::of([body_of("text/plain", line.as_bytes())]);
    db1.run("seal plain -o sealed.age --no-password", script).await;
    let request = "recovery request sealed.age --asked-by Eve --send";
    let (ran, _) = db1
        .run(request, Script::of([problem("too-many-requests-today", 403, 1)]))
        .await;
    assert!(
        ran.err.contains("error: the request was made, and not sent"),
        "{}",
        ran.err
    );
    manager.write("request.txt", ran.out.as_bytes()).await;
    ok(&manager, "recovery receive request.txt").await;
}

#[tokio::test]
async fn a_code_is_not_used_up_in_vain() {
    let manager = World::manager().await;
    let db1 = manager.beside(2);
    let code = World::secret("ABCD-EFGH");
    let line = format!(
        "server enroll --manager https://keys.example --code-file {}",
        code.path().display()
    );
    // Nobody could compare the manager's fingerprint.
    let (ran, _) = db1.run(&line, Script::default()).await;
    assert!(ran.err.contains("give --expect-fingerprint"), "{}", ran.err);
    // The manager is another one than expected: it is not trusted, and the code is gone.
    let (_, enrolled) = exchanged(&manager, &db1).await;
    let line = format!("{line} --expect-fingerprint 00112233445566778899");
    let (ran, _) = db1.run(&line, Script::of([answer(&enrolled)])).await;
    assert!(ran.err.contains("the code is used up"), "{}", ran.err);
    assert_eq!(value(&db1, "server show").await["trusts"], json!(null));
}

#[tokio::test]
async fn servers_are_enrolled_at_a_distance_as_they_are_here() {
    let manager = World::manager().await;
    let db1 = manager.beside(2);
    let (made, enrolled) = exchanged(&manager, &db1).await;
    let fingerprint = text(&made, "fingerprint");
    let line = "server enroll enrolment.txt --name db1 --expect-fingerprint";
    let line = format!("{line} {} --output json", &fingerprint[..20]);
    let (ran, asked) = there(&manager, &line, Script::of([answer(&enrolled)])).await;
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), enrolled);
    let body = json!({"enrolment": made["text"], "name": "db1", "expect_fingerprint": &fingerprint[..20]});
    assert_eq!((paths(&asked)[0], &asked[0].body), ("POST /v1/servers", &body));
    let (ran, _) = there(&manager, "server enroll enrolment.txt", Script::default()).await;
    assert!(ran.err.contains("was not compared"), "{}", ran.err);

    let line = format!("server re-enroll db1 enrolment.txt --expect-fingerprint {fingerprint} -o again.txt");
    let (ran, asked) = there(&manager, &line, Script::of([answer(&enrolled)])).await;
    assert!(ran.out.contains("again.txt"), "{}{}", ran.out, ran.err);
    assert_eq!(asked[0].body["again"], "db1");
    assert_eq!(
        manager.read("again.txt").await,
        text(&enrolled, "text").as_bytes()
    );

    let code = json!({"code": "ABCD-EFGH", "expires_at": "2026-01-01T00:00:00Z", "manager": "ab".repeat(32)});
    let (ran, asked) = there(&manager, "server code --for db1", Script::of([answer(&code)])).await;
    assert_eq!(ran.out, "ABCD-EFGH\n");
    assert!(ran.err.contains("abab abab"), "{}", ran.err);
    assert_eq!(
        (paths(&asked)[0], &asked[0].body),
        ("POST /v1/server-codes", &json!({"again": "db1"}))
    );
    let here = value(&manager, "server code --name db2").await;
    assert_eq!(here["manager"], enrolled["manager"]);

    let server = value(&manager, "server show db1").await;
    let script = Script::of([answer(&server), answer(&server)]);
    let (_, asked) = there(&manager, "server remove db1 --yes --reason scrapped", script).await;
    let path = format!("DELETE /v1/servers/{}?reason=scrapped", text(&server, "id"));
    assert_eq!(paths(&asked), ["GET /v1/servers/db1", &path]);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_is_decided_and_answered_at_a_distance() {
    let manager = World::manager().await;
    let db1 = manager.beside(2);
    enrol_by_texts(&manager, &db1).await;
    db1.write("plain", b"content").await;
    ok(&db1, "seal plain -o sealed.age --no-password").await;
    ok(&db1, "recovery request sealed.age --asked-by Eve -o request.txt").await;
    let request = String::from_utf8(manager.read("request.txt").await).unwrap();
    let shown = value(&manager, "recovery receive request.txt").await;
    let id = text(&shown, "id");

    let (ran, asked) = there(
        &manager,
        "recovery receive request.txt",
        Script::of([answer(&shown)]),
    )
    .await;
    assert_eq!(ran, here(&manager, &format!("recovery show {id}")).await);
    assert_eq!(
        (paths(&asked)[0], &asked[0].body),
        ("POST /v1/recoveries", &json!({"text": request}))
    );

    manager.write("signature", b"-----BEGIN SSH SIGNATURE-----").await;
    let approved = json!({"request": id, "officer": "Ada", "approvals_given": 1, "approvals_needed": 2});
    let line = format!("recovery approve {id} --signature signature --allow-other-servers");
    let (ran, asked) = there(&manager, &line, Script::of([answer(&approved)])).await;
    assert_eq!(ran.out, "approved by Ada (1 of 2 needed)\n");
    let body =
        json!({"signature": "-----BEGIN SSH SIGNATURE-----", "origins": "any", "retired_identity": false});
    assert_eq!(asked[0].body, body);

    // Another statement than that of the request that was shown is not signed.
    let statement = ok(&manager, &format!("recovery show {id} --statement")).await;
    let other = statement.replace("files 1", "files 2");
    assert_ne!(other, statement);
    let longer = format!("{statement}origins any\n");
    for wrong in [other, longer, String::new()] {
        let script = Script::of([answer(&shown), body_of("text/plain", wrong.as_bytes())]);
        let (ran, _) = there(
            &manager,
            &format!("recovery approve {id} --key /nowhere/key"),
            script,
        )
        .await;
        assert!(
            ran.err.contains("not about the request that it shows"),
            "{}",
            ran.err
        );
    }
    let script = Script::of([answer(&shown), body_of("text/plain", statement.as_bytes())]);
    let (ran, _) = there(
        &manager,
        &format!("recovery approve {id} --key /nowhere/key"),
        script,
    )
    .await;
    assert!(
        ran.err.contains("what is signed:") && ran.err.contains("  files 1"),
        "{}",
        ran.err
    );

    let responded = json!({
        "request": id, "again": false, "opened": 1, "unopened": [], "place": null, "text": "the response\n",
    });
    let mut answered = shown.clone();
    for (field, to) in [
        ("state", json!("answered")),
        ("decided_at", json!("2026-01-01T00:00:00Z")),
        ("opened", json!(1)),
        ("response_until", json!("2026-01-02T00:00:00Z")),
    ] {
        answered[field] = to;
    }
    let script = Script::of([
        answer(&shown),
        job("running", &json!(null)),
        job("done", &responded),
        answer(&answered),
    ]);
    let line = format!("recovery respond {} --partial -o response.txt", &id[..8]);
    let (ran, asked) = there(&manager, &line, script).await;
    let told = "answered 2026-01-01T00:00:00Z, 1 of 1 files, for use until 2026-01-02T00:00:00Z";
    assert!(ran.out.starts_with(told), "{}{}", ran.out, ran.err);
    assert_eq!(manager.read("response.txt").await, b"the response\n");
    let (show, job) = (
        format!("GET /v1/recoveries/{id}"),
        format!("GET /v1/jobs/{JOB}?wait=20"),
    );
    let begin = format!("GET /v1/recoveries/{}", &id[..8]);
    let respond = format!("POST /v1/recoveries/{id}/response");
    assert_eq!(paths(&asked), [&begin, &respond, &job, &show]);
    assert_eq!(asked[1].body, json!({"partial": true}));

    let denied = value(&manager, &format!("recovery deny {id} --reason no --by Ada")).await;
    let script = Script::of([answer(&denied)]);
    let (ran, asked) = there(&manager, &format!("recovery deny {id} --reason no"), script).await;
    assert!(
        ran.out.starts_with("denied ") && ran.out.contains(" by Ada (no)"),
        "{}",
        ran.out
    );
    assert_eq!(asked[0].body, json!({"reason": "no"}));
}

#[tokio::test(start_paused = true)]
async fn patience_ends() {
    let world = World::manager().await;
    let lost = std::iter::repeat_with(|| Reply::Lost).take(31);
    let script = Script::of(std::iter::once(job("running", &json!(null))).chain(lost));
    let begun = tokio::time::Instant::now();
    let (ran, _) = there(&world, "keyset create --hint x", script).await;
    assert!(
        ran.err.contains("error: the manager did not answer"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains(JOB), "{}", ran.err);
    let waited = begun.elapsed();
    assert!(
        waited > Duration::from_secs(100) && waited < Duration::from_secs(300),
        "{waited:?}"
    );
}
