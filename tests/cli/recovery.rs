//! Opening backups whose password is lost, without the private key leaving the manager: two machines that share nothing but
//! texts.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::process::Command;

use support::recovery::{
    answered, approve, ask, ask_and_receive, carry, enrol, enrolled, identity, key, officer, respond, seal,
};
use support::{Machine, content, tools};

#[test]
fn a_forgotten_password_two_officers_and_the_same_file() {
    let manager = Machine::initialised();
    let (Some(ada), Some(grace)) = (officer(&manager, "Ada"), officer(&manager, "Grace")) else {
        return;
    };
    manager.ok(["policy", "set", "--approvals", "2"]);
    let server = enrolled(&manager, "db1");
    let sealed = seal(&server, "backup.tar", &content(300_000));
    assert!(
        !server.data_dir().join("keystead.db").exists(),
        "it needs no database"
    );

    let id = ask_and_receive(&server, &manager, &[&sealed]);
    assert_eq!(approve(&manager, &id, &ada).status, 0);
    manager.refused(1, ["recovery", "respond", &id]);
    assert_eq!(approve(&manager, &id, &grace).status, 0);
    let response = respond(&manager, &id, &server);
    fs::create_dir(server.path("out")).unwrap();
    server.ok(["recovery", "apply", &response, "--into", "out"]);
    assert!(server.read("out/backup.tar") == content(300_000));

    // Neither the key for the response nor a file key is left, and the mailbox text opens no more.
    let kept = server.data_dir().join("backup-server");
    for kind in ["response-keys", "file-keys"] {
        assert_eq!(fs::read_dir(kept.join(kind)).unwrap().count(), 0, "{kind}");
    }
    let again = server.refused(1, ["recovery", "apply", &response, "--into", "out"]);
    assert!(again.contains("were opened"), "{again}");
    manager.ok(["audit", "verify"]);
}

#[test]
fn a_tape_is_recovered_from_where_it_is_now() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "tape");
    let sealed = seal(&server, "stream", &content(1_000_000));
    let mut tape = fs::read(&sealed).unwrap();
    tape.resize(tape.len().next_multiple_of(262_144), 0);
    fs::remove_file(&sealed).unwrap();

    // It is read through a pipe, then and now, as a tape drive is.
    let asked = server.piped(
        ["recovery", "request", "-", "-o", "request", "--output", "json"],
        &tape,
    );
    assert_eq!(asked.status, 0, "{}", asked.err);
    let id = serde_json::from_str::<serde_json::Value>(&asked.out).unwrap()["id"].clone();
    let id = id.as_str().unwrap();
    manager.ok(["recovery", "receive", &carry(&server, "request", &manager)]);
    assert_eq!(approve(&manager, id, &ada).status, 0);
    let response = respond(&manager, id, &server);
    let applied = server.piped(["recovery", "apply", &response, "--from", "-", "-o", "-"], &tape);
    assert_eq!(applied.status, 0, "{}", applied.err);
    assert!(applied.stdout == content(1_000_000));
}

#[test]
fn a_kept_key_opens_its_file_without_being_named() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "db1");
    let (one, two) = (seal(&server, "one", b"1"), seal(&server, "two", b"2"));
    let (id, response) = answered(&manager, &ada, &server, &[&one, &two]);
    server.ok(["recovery", "apply", &response]);
    let opened = server.json(["open", &one, "-o", "one.out"]);
    assert_eq!(opened["opened_with"], "recovery");
    assert_eq!(server.read("one.out"), b"1");
    fs::create_dir(server.path("out")).unwrap();
    let applied = server.json(["recovery", "apply", &id, "--into", "out"]);
    assert_eq!(applied["finished"], true);
    assert_eq!(server.read("out/two"), b"2");
}

#[test]
fn thousands_of_files_are_one_request() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "db1");
    let recipient = manager.ok(["keyset", "recipient"]);
    let count = files();
    fs::create_dir(server.path("in")).unwrap();
    fs::create_dir(server.path("out")).unwrap();
    // One process for each would take minutes: the header of each file is its own, made by age.
    let Some(list) = many_sealed(&server, recipient.trim(), count) else {
        return;
    };
    server.write("list", list.join("\n"));
    let made = server.json(["recovery", "request", "--files-from", "list", "-o", "request"]);
    assert_eq!(made["file_count"], count);
    let id = made["id"].as_str().unwrap();
    manager.ok(["recovery", "receive", &carry(&server, "request", &manager)]);
    let approved = manager.run(["recovery", "approve", id, "--key", &ada, "--allow-unnamed"]);
    assert_eq!(approved.status, 0, "{}", approved.err);
    let response = respond(&manager, id, &server);
    let applied = server.json(["recovery", "apply", &response, "--into", "out"]);
    assert_eq!(applied["opened"].as_array().unwrap().len(), count);
    assert_eq!(applied["finished"], true);
    for number in 0..count {
        let opened = server.read(&format!("out/{number}"));
        assert_eq!(opened, format!("content {number}").as_bytes());
    }
    // One event holds the digests of all headers.
    let events = manager.json(["audit", "list"]);
    let events = events["events"].as_array().unwrap();
    let begun = events
        .iter()
        .find(|event| event["action"] == "recovery.respond" && event["outcome"] == "begun")
        .unwrap();
    let headers = begun["details"]["headers"].as_str().unwrap();
    assert_eq!(headers.split(' ').count(), count);
}

/// How many; `just recovery` runs 5,000.
fn files() -> usize {
    std::env::var("KEYSTEAD_TEST_FILES").map_or(1000, |n| n.parse().unwrap())
}

/// Files sealed by a stock age to the recipient line.
fn many_sealed(server: &Machine, recipient: &str, count: usize) -> Option<Vec<String>> {
    if !tools::have("age") {
        return None;
    }
    let script =
        "i=0; while [ $i -lt $2 ]; do printf 'content %s' $i | age -r \"$1\" -o in/$i.age; i=$((i+1)); done";
    let made = Command::new("sh")
        .args(["-ec", script, "sh", recipient, &count.to_string()])
        .current_dir(server.home())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some((0..count).map(|number| format!("in/{number}.age")).collect())
}

#[test]
fn a_lost_manager_is_replaced_and_its_keyset_answers_while_inactive() {
    let lost = Machine::initialised();
    let server = enrolled(&lost, "db1");
    let sealed = seal(&server, "backup", b"content");
    let export = lost.export_protected("export.pem");
    let fingerprint = lost.active()["fingerprint"].as_str().unwrap().to_owned();
    let export = fs::read(export).unwrap();
    drop(lost);

    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let before = server.json(["server", "show"])["trusts"]["server_id"].clone();
    enrol(&manager, &server, "db1");
    assert_eq!(server.json(["server", "show"])["trusts"]["server_id"], before);
    let id = ask_and_receive(&server, &manager, &[&sealed]);
    assert_eq!(approve(&manager, &id, &ada).status, 0);
    let missing = manager.refused(3, ["recovery", "respond", &id]);
    assert!(
        missing.contains(&fingerprint) && missing.contains("keystead keyset import"),
        "{missing}"
    );
    let shown = manager.ok(["recovery", "show", &id]);
    assert!(
        shown.contains(&fingerprint) && shown.contains("NOT HERE"),
        "{shown}"
    );

    let export = manager.write("export.pem", export);
    manager.ok([
        "keyset",
        "import",
        &export,
        "--passphrase-file",
        "passphrase",
        "--yes",
    ]);
    let response = respond(&manager, &id, &server);
    server.ok(["recovery", "apply", &response, "-o", "opened"]);
    assert_eq!(server.read("opened"), b"content");
    let imported = manager.json(["keyset", "show", &fingerprint]);
    assert_eq!(imported["state"], "inactive");
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_opened() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let other = Machine::initialised();
    let server = enrolled(&manager, "db1");
    let ours = seal(&server, "ours", b"ours");
    let foreign = other.ok(["keyset", "recipient"]);
    server.write("theirs", b"theirs");
    let theirs = server.at("theirs.age");
    let sealed = [
        "seal",
        "--no-password",
        "--no-remember",
        "--recipient",
        foreign.trim(),
        "-o",
        &theirs,
        "theirs",
    ];
    server.ok(sealed);

    let id = ask_and_receive(&server, &manager, &[&theirs, &ours]);
    assert_eq!(approve(&manager, &id, &ada).status, 0);
    manager.refused(3, ["recovery", "respond", &id]);
    let answer = manager.json(["recovery", "respond", &id, "--partial", "-o", "response"]);
    assert_eq!(answer["unopened"][0]["why"], "no-keyset");
    assert_eq!(
        answer["unopened"][0]["keysets"][0],
        other.active()["fingerprint"],
        "the missing keyset is named"
    );
    fs::create_dir(server.path("out")).unwrap();
    let response = carry(&manager, "response", &server);
    let applied = server.json(["recovery", "apply", &response, "--into", "out"]);
    assert_eq!(applied["unopened"][0]["file"], 0);
    assert_eq!(server.read("out/ours"), b"ours");
    assert!(!server.path("out/theirs").exists());
}

#[test]
fn officers_sign_elsewhere_and_with_every_kind_of_key() {
    let manager = Machine::initialised();
    let server = enrolled(&manager, "db1");
    let sealed = seal(&server, "backup", b"content");
    let elsewhere = Machine::new();
    let kinds: [&[&str]; 4] = [
        &["-t", "ed25519"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ];
    let id = ask_and_receive(&server, &manager, &[&sealed]);
    for (kind, number) in kinds.into_iter().zip(0..) {
        let name = format!("officer {number}");
        let Some(key) = key(&elsewhere, &name, kind) else {
            return;
        };
        let line = fs::read_to_string(format!("{key}.pub")).unwrap();
        manager.ok(["officer", "add", &name, "--key", line.trim()]);
        let statement = manager.ok(["recovery", "show", &id, "--statement"]);
        elsewhere.write("statement", statement);
        tools::run(
            "ssh-keygen",
            &[
                "-q",
                "-Y",
                "sign",
                "-n",
                "keystead-recovery-approval",
                "-f",
                &key,
                &elsewhere.at("statement"),
            ],
        );
        let signature = carry(&elsewhere, "statement.sig", &manager);
        fs::remove_file(elsewhere.path("statement.sig")).unwrap();
        let approved = manager.json(["recovery", "approve", &id, "--signature", &signature]);
        assert_eq!(approved["approvals_given"], number + 1);
    }
}

#[test]
fn a_rebuilt_server_and_a_restored_one_are_answered_after_a_confirmation() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let old = enrolled(&manager, "db1");
    let sealed = seal(&old, "backup", b"content");

    let rebuilt = Machine::new();
    rebuilt.ok(["server", "enroll", "--name", "db1", "-o", "enrolment"]);
    let text = carry(&rebuilt, "enrolment", &manager);
    let fingerprint = identity(&rebuilt);
    let enrol = ["server", "enroll", &text, "--expect-fingerprint", &fingerprint];
    let taken = manager.refused(1, enrol);
    assert!(taken.contains("re-enroll"), "{taken}");
    let enrolled = manager.json([
        "server",
        "re-enroll",
        "db1",
        &text,
        "--expect-fingerprint",
        &fingerprint,
        "-o",
        "confirmation",
        "--overwrite",
    ]);
    support::recovery::trust(&manager, &rebuilt, enrolled["manager"].as_str().unwrap());
    let identities = manager.json(["server", "show", "db1"])["identities"].clone();
    assert_eq!(
        (&identities[0]["state"], &identities[1]["state"]),
        (&"retired".into(), &"current".into())
    );

    // The rebuilt machine opens what the old one sealed.
    let moved = rebuilt.write("backup.age", fs::read(&sealed).unwrap());
    let (_, response) = answered(&manager, &ada, &rebuilt, &[&moved]);
    rebuilt.ok(["recovery", "apply", &response, "-o", "opened"]);
    assert_eq!(rebuilt.read("opened"), b"content");

    // A restored configuration asks with the identity that was retired.
    let id = ask_and_receive(&old, &manager, &[&sealed]);
    let refused = approve(&manager, &id, &ada);
    assert_eq!(refused.status, 1);
    assert!(
        refused.err.contains("--allow-retired-identity"),
        "{}",
        refused.err
    );
    manager.ok([
        "recovery",
        "approve",
        &id,
        "--key",
        &ada,
        "--allow-retired-identity",
    ]);
    let response = respond(&manager, &id, &old);
    old.ok(["recovery", "apply", &response, "-o", "opened"]);
    assert_eq!(old.read("opened"), b"content");
}

#[test]
fn a_response_that_was_lost_on_the_way_is_printed_again() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "db1");
    let sealed = seal(&server, "backup", b"content");
    let (id, response) = answered(&manager, &ada, &server, &[&sealed]);
    let again = manager.ok(["recovery", "respond", &id]);
    assert_eq!(again.as_bytes(), fs::read(response).unwrap());
}

#[test]
fn a_text_survives_what_mail_programs_do() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "db1");
    let sealed = seal(&server, "backup", b"content");
    let mailed = |text: String| {
        let quoted: Vec<String> = text.lines().map(|line| format!("> > {line} \r\n")).collect();
        format!(
            "Hello,\r\n\r\nplease see below.\r\n\r\n{}\r\n-- \r\nEve",
            quoted.concat()
        )
    };
    let id = ask(&server, &[&sealed]);
    let request = String::from_utf8(server.read("request")).unwrap();
    let received = manager.piped(["recovery", "receive"], mailed(request).as_bytes());
    assert_eq!(received.status, 0, "{}", received.err);
    assert_eq!(approve(&manager, &id, &ada).status, 0);
    let response = manager.ok(["recovery", "respond", &id]);
    let applied = server.piped(["recovery", "apply", "-o", "opened"], mailed(response).as_bytes());
    assert_eq!(applied.status, 0, "{}", applied.err);
    assert_eq!(server.read("opened"), b"content");
}

#[test]
fn a_recipient_is_remembered_and_replaced_only_when_another_is_given() {
    let manager = Machine::initialised();
    let server = Machine::new();
    server.write("plain", b"content");
    let seal = ["seal", "--no-password", "--overwrite", "-o", "sealed", "plain"];
    server.refused(1, seal);
    let recipient = manager.ok(["keyset", "recipient"]);
    let given = ["--recipient", recipient.trim()];
    server.ok(seal.iter().chain(&given).chain(&["--no-remember"]));
    server.refused(1, seal);
    let remembered = server.run(seal.iter().chain(&given));
    assert!(remembered.err.contains("remembered"), "{}", remembered.err);
    server.ok(seal);
    carry(&server, "sealed", &manager);
    manager.ok(["open", "sealed", "-o", "opened"]);
    assert_eq!(manager.read("opened"), b"content");
    let again = server.run(seal.iter().chain(&given));
    assert!(!again.err.contains("remembered"), "{}", again.err);
}
