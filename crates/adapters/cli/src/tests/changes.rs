//! What is changed elsewhere: what is asked for, and that what comes of it is told as here.

use std::time::Duration;

use serde_json::json;

use super::scripted::{JOB, body_of, job};
use super::{Reply, Script, World, answer, here, ok, paths, problem, there, value};

#[tokio::test(start_paused = true)]
async fn a_keyset_is_made_by_a_job_however_the_connection_breaks() {
    let world = World::manager().await;
    let keyset = value(&world, "keyset show active").await;
    let waiting = format!("GET /v1/jobs/{JOB}?wait=20");
    let script = Script::of([
        job("queued", &json!(null)),
        Reply::Lost,
        problem("restarting", 503, 1),
        job("running", &json!(null)),
        job("done", &keyset),
    ]);
    let line = "keyset create --hint a~hint --bits 3072 --activate";
    let (ran, asked) = there(&world, line, script).await;
    assert_eq!(ran.out, ok(&world, "keyset show active").await);
    assert_eq!(
        paths(&asked),
        ["POST /v1/keysets", &waiting, &waiting, &waiting, &waiting]
    );
    assert_eq!(
        asked[0].body,
        json!({"hint": "a hint", "bits": 3072, "activate": true})
    );
    // The way to the manager repeats what has a key.
    assert!(asked[0].idempotency_key.is_some(), "{asked:?}");
    let told = "the connection broke; the work goes on at the manager, which is asked again";
    assert_eq!(ran.err.matches(told).count(), 1, "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_is_told_which_job_goes_on() {
    let world = World::manager().await;
    let script = Script::of([job("running", &json!(null)), Reply::Nothing]);
    let line = "keyset create --hint x";
    let waited = tokio::time::timeout(Duration::from_secs(3600), there(&world, line, script)).await;
    assert!(waited.is_err());
    let [_, err] = crate::output::captured::taken();
    let told = format!("job {JOB} goes on at the manager; what came of it is shown by: keystead keyset list");
    assert!(err.contains(&told), "{err}");
}

#[tokio::test]
async fn a_job_that_failed_is_told_as_a_failure() {
    let world = World::manager().await;
    let mut failed = json!({
        "id": JOB, "kind": "create-keyset", "state": "failed", "done": 0, "total": null,
        "created_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:01Z", "result": null,
    });
    failed["problem"] = json!({
        "type": "urn:keystead:problem:x", "title": "t", "status": 500, "detail": "d", "fix": "f", "code": "x",
        "exit_status": 4, "request_id": "r-9",
    });
    let (ran, _) = there(&world, "keyset create --hint x", Script::of([answer(&failed)])).await;
    let told = "error: t\n  why: d (in the manager's log: request r-9)\n  fix: f\n";
    assert_eq!(ran.err, told);
}

#[tokio::test]
async fn keysets_are_changed_as_they_were_seen() {
    let world = World::manager().await;
    let keyset = value(&world, "keyset show active").await;
    let id = keyset["id"].as_str().unwrap();
    let words = ok(&world, "keyset show active").await;

    let activated = json!({"keyset": keyset, "superseded": null, "changed": false});
    let (ran, asked) = there(
        &world,
        "keyset activate 0011223344",
        Script::of([answer(&activated)]),
    )
    .await;
    assert_eq!(ran, here(&world, &format!("keyset activate {id}")).await);
    assert_eq!(paths(&asked), ["POST /v1/keysets/0011223344/activate"]);

    let (ran, asked) = there(
        &world,
        "keyset edit active --hint other",
        Script::of([answer(&keyset)]),
    )
    .await;
    assert_eq!(ran.out, words);
    assert_eq!(paths(&asked), ["PATCH /v1/keysets/active"]);
    assert_eq!(asked[0].body, json!({"hint": "other"}));

    let script = Script::of([answer(&keyset), answer(&keyset)]);
    let line = "keyset delete 0011223344 --force --reason no~use --yes";
    let (ran, asked) = there(&world, line, script).await;
    assert!(ran.out.starts_with("deleted: "), "{}", ran.out);
    let delete = format!("DELETE /v1/keysets/{id}?reason=no%20use");
    assert_eq!(paths(&asked), ["GET /v1/keysets/0011223344", &delete]);
    assert_eq!(asked[1].if_match.as_deref(), Some("\"7\""));

    // Without a yes nothing is deleted; what the manager refuses anyway, nobody is asked about.
    let mut spare = keyset.clone();
    (spare["state"], spare["last_exported_at"]) = ("inactive".into(), spare["created_at"].clone());
    let (ran, asked) = there(&world, "keyset delete 0011223344", Script::of([answer(&spare)])).await;
    assert!(ran.err.contains("give --yes"), "{}", ran.err);
    assert_eq!(asked.len(), 1);
    let script = Script::of([answer(&keyset), problem("keyset-active", 409, 1)]);
    let (ran, _) = there(&world, "keyset delete 0011223344", script).await;
    assert!(ran.err.contains("why of keyset-active"), "{}", ran.err);
}

const PEM: &[u8] = b"-----BEGIN TEST-----\n";

#[tokio::test]
async fn an_export_is_written_where_it_was_asked_for() {
    let world = World::manager().await;
    let keyset = value(&world, "keyset show active").await;
    let (id, fingerprint) = (
        keyset["id"].as_str().unwrap(),
        keyset["fingerprint"].as_str().unwrap(),
    );
    let secret = World::secret("a good passphrase");
    let passphrase = format!("--passphrase-file {}", secret.path().display());
    let pem = || body_of("application/x-pem-file", PEM);

    let line = format!("keyset export active --to keys.pem {passphrase}");
    let (ran, asked) = there(&world, &line, Script::of([answer(&keyset), pem()])).await;
    assert!(ran.succeeded, "{}", ran.err);
    assert!(
        ran.out.contains("keys.pem (read back and compared)"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("not recorded as an export at the manager"),
        "{}",
        ran.err
    );
    assert_eq!(
        paths(&asked),
        ["GET /v1/keysets/active", "POST /v1/keysets/export"]
    );
    let body = json!({"keysets": [id], "passphrase": "a good passphrase"});
    assert_eq!(asked[1].body, body);
    assert_eq!(world.read("keys.pem").await, PEM);

    // What is there is not replaced, and no private key is asked for in vain.
    let (ran, asked) = there(&world, &line, Script::of([answer(&keyset)])).await;
    assert!(!ran.succeeded && asked.len() == 1, "{}", ran.err);
    let script = Script::of([answer(&keyset), pem()]);
    let (ran, _) = there(&world, &format!("{line} --overwrite"), script).await;
    assert!(ran.succeeded, "{}", ran.err);

    // Into a folder: one file for each keyset.
    let list = value(&world, "keyset list").await;
    let line = format!("keyset export --all --to folder {passphrase} --output json");
    let (ran, _) = there(&world, &line, Script::of([answer(&list), pem()])).await;
    let exported: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(exported["exported"][0]["verified"], true);
    let file = format!("folder/keyset-{}.pem", &fingerprint[..16]);
    assert_eq!(world.read(&file).await, PEM);
}

#[tokio::test]
async fn an_export_to_a_share_of_the_manager_is_written_by_the_manager() {
    let world = World::manager().await;
    let keyset = value(&world, "keyset show active").await;
    let exported = value(&world, "keyset export active --to folder/a.pem --unprotected").await;
    let script = Script::of([answer(&keyset), answer(&exported)]);
    let line = "keyset export active --to share:nas/keys/b.pem --unprotected --overwrite";
    let (ran, asked) = there(&world, line, script).await;
    assert!(
        ran.out.contains("(read back and compared)"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(!ran.err.contains("not recorded"), "{}", ran.err);
    assert_eq!(paths(&asked)[1], "POST /v1/keysets/export-to-share");
    let body = json!({
        "keysets": [keyset["id"]], "share": "nas", "path": "keys/b.pem", "overwrite": true, "unprotected": true,
    });
    assert_eq!(asked[1].body, body);
}

#[tokio::test]
async fn a_passphrase_is_checked_here_and_a_password_asked_for_only_when_it_is_wanted() {
    let world = World::manager().await;
    let keyset = value(&world, "keyset show active").await;
    let weak = World::secret("short");
    let line = format!(
        "keyset export active --to k.pem --passphrase-file {}",
        weak.path().display()
    );
    let (ran, asked) = there(&world, &line, Script::of([answer(&keyset)])).await;
    assert!(!ran.succeeded && asked.len() == 1, "{}", ran.err);
    // Nobody can be asked here, so that is told.
    let script = Script::of([answer(&keyset), problem("password-needed", 403, 4)]);
    let (ran, _) = there(&world, "keyset export active --to k.pem --unprotected", script).await;
    assert!(ran.err.contains("fix of password-needed"), "{}", ran.err);
}

#[tokio::test]
async fn an_import_brings_the_file_of_this_machine() {
    let world = World::manager().await;
    let line = "keyset export active --to folder/first.pem --unprotected";
    ok(&world, line).await;
    let file = String::from_utf8(world.read("folder/first.pem").await).unwrap();
    let keyset = value(&world, "keyset show active").await;
    let imported = json!({ "imported": [keyset] });
    let line = "keyset import folder/first.pem --yes --hint new --expect-fingerprint 0011223344556677";
    let (ran, asked) = there(&world, line, Script::of([answer(&imported)])).await;
    assert!(ran.out.contains("imported as "), "{}{}", ran.out, ran.err);
    assert_eq!(paths(&asked), ["POST /v1/keysets/import"]);
    let body = json!({
        "file": file, "source": "folder/first.pem", "hint": "new", "expect_fingerprints": ["0011223344556677"],
    });
    assert_eq!(asked[0].body, body);

    // A look into it sends the fingerprint and nothing else.
    let inspect = "keyset inspect folder/first.pem";
    let (ran, asked) = there(&world, inspect, Script::of([answer(&keyset)])).await;
    assert_eq!(ran, here(&world, inspect).await);
    let path = format!("GET /v1/keysets/{}", keyset["fingerprint"].as_str().unwrap());
    assert_eq!(paths(&asked), [path]);
    assert!(asked[0].body.is_null());
    let (ran, _) = there(&world, inspect, Script::of([problem("keyset-not-found", 404, 3)])).await;
    assert!(ran.out.contains("already here  no"), "{}", ran.out);
}

#[tokio::test]
async fn people_tokens_and_rules() {
    let world = World::manager().await;
    let password = World::secret("four unrelated words here");
    let given = format!("--password-file {}", password.path().display());
    let add = format!("user add bob --role admin --role auditor {given}");
    let (words, user) = (
        ok(&world, &add).await,
        json!({
            "id": "88888888-8888-4888-8888-888888888888", "name": "bob", "roles": ["admin", "auditor"],
            "created_at": "2025-11-24T16:00:00Z", "password_set_at": "2025-11-24T16:00:00Z",
            "removed_at": null, "removed_because": null,
        }),
    );
    for (line, asked, body) in [
        (
            add.as_str(),
            "POST /v1/users",
            json!({"name": "bob", "roles": ["admin", "auditor"], "password": "four unrelated words here"}),
        ),
        (
            "user edit bob --role auditor",
            "PATCH /v1/users/bob",
            json!({"roles": ["auditor"]}),
        ),
        (
            &format!("user password bob {given}"),
            "PATCH /v1/users/bob",
            json!({"password": "four unrelated words here"}),
        ),
        (
            "user remove bob --reason left --yes",
            "DELETE /v1/users/bob?reason=left",
            json!(null),
        ),
    ] {
        let (ran, requests) = there(&world, line, Script::of([answer(&user)])).await;
        let without_id = |text: &str| {
            text.lines()
                .filter(|line| !line.starts_with("id "))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(without_id(&ran.out), without_id(&words), "{line}");
        assert_eq!(paths(&requests), [asked]);
        assert_eq!(requests[0].body, body);
    }
    let script = Script::of([body_of("application/json", b""), answer(&user)]);
    let (_, asked) = there(&world, "user unlock bob", script).await;
    assert_eq!(paths(&asked), ["POST /v1/users/bob/unlock", "GET /v1/users/bob"]);
    // What would be refused is not sent.
    for line in [
        "user edit bob --role backup",
        "user add BOB --role admin",
        "token create x --role y",
    ] {
        let (ran, _) = there(&world, line, Script::default()).await;
        assert!(!ran.succeeded, "{line}");
    }

    let made = json!({
        "token": "keystead_secret", "id": "88888888-8888-4888-8888-888888888888", "name": "nightly exports",
        "role": "admin", "may_export": true, "created_by": "user:ada", "created_at": "2025-11-24T16:00:00Z",
        "expires_at": "2026-11-24T16:00:00Z", "revoked_at": null, "revoked_because": null,
    });
    let line = "token create nightly~exports --role admin --may-export --days 365";
    let (ran, asked) = there(&world, line, Script::of([answer(&made)])).await;
    assert_eq!(
        ran.out, "keystead_secret\n",
        "the secret alone goes to standard output"
    );
    assert!(
        ran.err.contains("holds until 2026-11-24T16:00:00Z"),
        "{}",
        ran.err
    );
    let body = json!({"name": "nightly exports", "role": "admin", "may_export": true, "days": 365});
    assert_eq!((paths(&asked)[0], &asked[0].body), ("POST /v1/tokens", &body));

    let policy = value(&world, "policy show").await;
    let officers = json!({ "officers": [] });
    let script = Script::of([answer(&policy), answer(&officers), answer(&policy)]);
    let (ran, asked) = there(&world, "policy set --approvals 3", script).await;
    assert!(
        ran.err.contains("no officer may approve, and 1 is needed"),
        "{}",
        ran.err
    );
    assert_eq!(paths(&asked)[0], "PATCH /v1/policy");
    assert_eq!(asked[0].body, json!({"approvals": 3}));
}

#[tokio::test]
async fn the_trail_is_taken_away_as_it_is_here() {
    let world = World::manager().await;
    ok(&world, "audit export -o here.jsonl").await;
    let export = world.read("here.jsonl").await;
    let script = Script::of([body_of("application/jsonl", &export)]);
    let (ran, asked) = there(&world, "audit export --after 1 -o there.jsonl", script).await;
    assert_eq!(paths(&asked), ["POST /v1/audit/export?after=1"]);
    assert_eq!(world.read("there.jsonl").await, export);
    let events = String::from_utf8(export).unwrap().lines().count() - 2;
    assert!(
        ran.out.starts_with(&format!("wrote {events} events to")),
        "{}",
        ran.out
    );
    let script = Script::of([problem("forbidden", 403, 1)]);
    let (ran, _) = there(&world, "audit export -o third.jsonl", script).await;
    assert!(ran.err.contains("why of forbidden"), "{}", ran.err);

    let made = value(&world, "audit checkpoint -o here.note").await;
    let note = String::from_utf8(world.read("here.note").await).unwrap();
    let mut answered = made.clone();
    (answered["place"], answered["note"]) = (json!(null), note.clone().into());
    let script = Script::of([answer(&answered)]);
    let (ran, asked) = there(&world, "audit checkpoint -o there.note --output json", script).await;
    assert_eq!(paths(&asked), ["POST /v1/audit/checkpoints"]);
    assert_eq!(world.read("there.note").await, note.as_bytes());
    let mut told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    told["place"] = made["place"].clone();
    assert_eq!(told, made);
}
