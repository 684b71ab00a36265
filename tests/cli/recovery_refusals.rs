//! Everything on the way of a recovery that is refused, each with an error of its own.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use support::recovery::{
    answered, approve, ask, ask_and_receive, carry, enrolled, identity, officer, respond, seal, with_clock,
};
use support::{Machine, Ran, tools};

/// A manager with an officer, and a backup server with a sealed file.
struct Scene {
    manager: Machine,
    ada: String,
    server: Machine,
    sealed: String,
}

impl Scene {
    /// `None` where there is no ssh-keygen.
    fn new() -> Option<Self> {
        let manager = Machine::initialised();
        let ada = officer(&manager, "Ada")?;
        let server = enrolled(&manager, "db1");
        let sealed = seal(&server, "backup", b"content");
        Some(Self {
            manager,
            ada,
            server,
            sealed,
        })
    }

    fn ask(&self) -> (String, String) {
        let id = ask(&self.server, &[&self.sealed]);
        (id, carry(&self.server, "request", &self.manager))
    }

    fn receive(&self, text: &str) -> Ran {
        self.manager.run(["recovery", "receive", text])
    }
}

/// The text with its decoded bytes changed.
fn changed(machine: &Machine, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let text = String::from_utf8(machine.read(name)).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let (first, last) = (lines.remove(0), lines.pop().unwrap());
    let mut bytes = STANDARD.decode(lines.concat()).unwrap();
    change(&mut bytes);
    machine.write(
        "changed",
        format!("{first}\n{}\n{last}\n", STANDARD.encode(bytes)),
    )
}

/// The lines of what happened and why, in which everything stands for itself that is another one in each run.
fn what_and_why(refused: &Ran) -> String {
    assert_ne!(refused.status, 0, "{}{}", refused.out, refused.err);
    let line = |word: &str| {
        let mut lines = refused.err.lines();
        let found = lines.find(|line| line.trim_start().starts_with(word));
        found.unwrap_or_else(|| panic!("no {word} in {}", refused.err))
    };
    without_particulars(&format!("{}\n{}", line("error: "), line("why: ")))
}

/// Two texts that differ in ids, digests or times alone are the same afterwards.
fn without_particulars(text: &str) -> String {
    let particulars = [
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z)?", "TIME"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
        (r"SHA256:[A-Za-z0-9+/=]+", "DIGEST"),
        (r"\b[0-9a-f]{8,}\b", "DIGEST"),
        (r"/[^ ]*keystead-test-[A-Za-z0-9]+", "HOME"),
    ];
    particulars
        .into_iter()
        .fold(text.to_owned(), |text, (pattern, word)| {
            Regex::new(pattern).unwrap().replace_all(&text, word).into_owned()
        })
}

#[test]
fn particulars_do_not_tell_two_refusals_apart() {
    let refusal = |id, digest, time| {
        format!("request {id} was received before, at {time}, with the key SHA256:{digest}, as {digest}")
    };
    assert_eq!(
        without_particulars(&refusal(
            "0b54c1f0-67d5-4c9b-a45e-0d38d1d1b1aa",
            "aa01bb02cc03dd04",
            "2026-11-24T16:00:00Z"
        )),
        "request ID was received before, at TIME, with the key DIGEST, as DIGEST"
    );
}

#[test]
fn each_refusal_has_an_error_of_its_own() {
    if !tools::have("faketime") {
        return;
    }
    let Some(scene) = Scene::new() else { return };
    let Scene {
        manager,
        ada,
        server,
        sealed,
    } = &scene;
    let mut said: BTreeMap<&str, String> = BTreeMap::new();
    let mut says = |case, refused: &Ran| {
        let why = what_and_why(refused);
        if let Some((other, _)) = said.iter().find(|(_, said)| **said == why) {
            panic!("{case} and {other} read the same: {why}");
        }
        said.insert(case, why);
    };

    let elsewhere = Machine::initialised();
    let stranger = enrolled(&elsewhere, "stranger");
    let strange = seal(&stranger, "x", b"x");
    ask(&stranger, &[&strange]);
    let text = carry(&stranger, "request", manager);
    says("unknown server", &scene.receive(&text));

    scene.ask();
    let forged = changed(manager, "request", |bytes| {
        let at = bytes.windows(8).position(|w| w == b"password").unwrap();
        bytes[at] ^= 1;
    });
    says("wrong signature", &scene.receive(&forged));
    let (_, text) = scene.ask();
    says(
        "clock a day behind",
        &with_clock(manager, "-1d", &["recovery", "receive", &text]),
    );
    says(
        "expired",
        &with_clock(manager, "+8d", &["recovery", "receive", &text]),
    );
    let (id, text) = scene.ask();
    assert_eq!(scene.receive(&text).status, 0);
    says("replayed", &scene.receive(&text));

    let late = ["recovery", "approve", &id, "--key", ada];
    says("approved too late", &with_clock(manager, "+8d", &late));
    let officer_too = manager.at("Ada.key");
    let own = [
        "recovery",
        "request",
        "--asked-by",
        "ADA@db1",
        "-o",
        "request",
        "--overwrite",
        sealed,
    ];
    let own: serde_json::Value = server.json(own);
    let own = own["id"].as_str().unwrap();
    assert_eq!(scene.receive(&carry(server, "request", manager)).status, 0);
    says("own request", &approve(manager, own, &officer_too));
    manager.ok(["policy", "set", "--approvals", "2"]);
    assert_eq!(approve(manager, &id, ada).status, 0);
    says("same officer twice", &approve(manager, &id, ada));
    says("too few", &manager.run(["recovery", "respond", &id]));
    manager.ok(["policy", "set", "--approvals", "1"]);
    let nobody = support::recovery::key(manager, "nobody", &["-t", "ed25519"]).unwrap();
    says("not an officer", &approve(manager, own, &nobody));
    let other = ask_and_receive(server, manager, &[sealed]);
    manager.write(
        "statement",
        manager.ok(["recovery", "show", &other, "--statement"]),
    );
    let sign = ["-q", "-Y", "sign", "-n", "keystead-recovery-approval", "-f", ada];
    tools::run("ssh-keygen", &[&sign[..], &[&manager.at("statement")]].concat());
    let third = ask_and_receive(server, manager, &[sealed]);
    let wrong = ["recovery", "approve", &third, "--signature", "statement.sig"];
    says("signature of another request", &manager.run(wrong));

    let response = respond(manager, &id, server);
    says(
        "applied too late",
        &with_clock(server, "+8d", &["recovery", "apply", &response]),
    );
    says(
        "server a day behind",
        &with_clock(server, "-1d", &["recovery", "apply", &response]),
    );
    let db2 = enrolled(manager, "db2");
    let moved = carry(server, "response", &db2);
    says("another server", &db2.run(["recovery", "apply", &moved]));
    let at_stranger = carry(server, "response", &stranger);
    says(
        "another manager",
        &stranger.run(["recovery", "apply", &at_stranger]),
    );
    let forged = changed(server, "response", |bytes| bytes[20] ^= 1);
    says("changed response", &server.run(["recovery", "apply", &forged]));
    says("no response", &server.run(["recovery", "apply", "request"]));

    let sql = format!("UPDATE recoveries SET asked_by = 'mallory' WHERE id = '{third}'");
    if tools::have("sqlite3") {
        let database = manager.data_dir().join("keystead.db");
        assert_eq!(approve(manager, &third, ada).status, 0);
        tools::run("sqlite3", &[database.to_str().unwrap(), &sql]);
        says(
            "changed after it was approved",
            &manager.run(["recovery", "respond", &third]),
        );
    }
    manager.ok(["recovery", "deny", &other, "--reason", "nobody here asked"]);
    says("denied", &approve(manager, &other, ada));
    manager.ok(["server", "remove", "db1", "--yes", "--reason", "sold"]);
    let (_, text) = scene.ask();
    says("removed server", &scene.receive(&text));
    manager.ok(["audit", "verify"]);
}

#[test]
fn a_rebuilt_machine_cannot_use_the_response_to_the_old_one() {
    let Some(scene) = Scene::new() else { return };
    let (id, _) = answered(&scene.manager, &scene.ada, &scene.server, &[&scene.sealed]);
    let rebuilt = Machine::new();
    rebuilt.ok(["server", "enroll", "--name", "db1", "-o", "enrolment"]);
    let text = carry(&rebuilt, "enrolment", &scene.manager);
    let enrolled = scene.manager.json([
        "server",
        "re-enroll",
        "db1",
        &text,
        "--expect-fingerprint",
        &identity(&rebuilt),
        "-o",
        "confirmation",
        "--overwrite",
    ]);
    support::recovery::trust(&scene.manager, &rebuilt, enrolled["manager"].as_str().unwrap());
    let response = carry(&scene.server, "response", &rebuilt);
    let refused = rebuilt.refused(1, ["recovery", "apply", &response]);
    assert!(
        refused.contains(&id) && refused.contains("not made on this machine"),
        "{refused}"
    );
}

#[test]
fn slots_copied_from_another_server_are_refused_unless_officers_say_so() {
    let Some(scene) = Scene::new() else { return };
    let thief = enrolled(&scene.manager, "thief");
    let copied = carry(&scene.server, "backup.age", &thief);
    let id = ask_and_receive(&thief, &scene.manager, &[&copied]);
    let shown = scene.manager.ok(["recovery", "show", &id]);
    assert!(
        shown.contains("CAREFUL") && shown.contains("another server"),
        "{shown}"
    );
    assert_eq!(approve(&scene.manager, &id, &scene.ada).status, 0);
    let refused = scene
        .manager
        .refused(1, ["recovery", "respond", &id, "--partial"]);
    assert!(refused.contains("another server sealed it"), "{refused}");

    // Who approved the usual may allow more, and counts once.
    let allow = [
        "recovery",
        "approve",
        &id,
        "--key",
        &scene.ada,
        "--allow-other-servers",
    ];
    scene.manager.ok(allow);
    let again = scene.manager.refused(1, allow);
    assert!(again.contains("approved it already"), "{again}");
    respond(&scene.manager, &id, &thief);
    let events = scene.manager.json(["audit", "list"]);
    let events = events["events"].as_array().unwrap();
    let begun = events.iter().rfind(|event| event["outcome"] == "begun").unwrap();
    assert_eq!(begun["details"]["origins"], "any");
    let approved_by = begun["details"]["approved_by"].as_str().unwrap();
    assert_eq!(approved_by.matches("Ada").count(), 1, "{approved_by}");
}

#[test]
fn a_header_that_was_given_another_servers_name_does_not_pass() {
    let Some(scene) = Scene::new() else { return };
    let thief = enrolled(&scene.manager, "thief");
    let id_of = |machine: &Machine| {
        let state = machine.json(["server", "show"]);
        state["trusts"]["server_id"].as_str().unwrap().to_owned()
    };
    // The information stanza is base64 of JSON; both ids have the same length.
    let sealed = scene.server.read("backup.age");
    let text = String::from_utf8_lossy(&sealed).into_owned();
    let begin = text.find("-> keystead-info 1\n").unwrap() + "-> keystead-info 1\n".len();
    let end = begin + text[begin..].find("\n---").unwrap();
    let no_padding = base64::engine::general_purpose::STANDARD_NO_PAD;
    let body = no_padding.decode(text[begin..end].replace('\n', "")).unwrap();
    let body = String::from_utf8(body)
        .unwrap()
        .replace(&id_of(&scene.server), &id_of(&thief));
    let lines: Vec<String> = no_padding
        .encode(body)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let forged = [&sealed[..begin], lines.join("\n").as_bytes(), &sealed[end..]].concat();
    let forged = thief.write("forged.age", forged);
    let id = ask_and_receive(&thief, &scene.manager, &[&forged]);
    assert_eq!(approve(&scene.manager, &id, &scene.ada).status, 0);
    let refused = scene
        .manager
        .refused(1, ["recovery", "respond", &id, "--partial"]);
    assert!(refused.contains("the header was changed"), "{refused}");
}

#[test]
fn nobody_is_believed_whose_fingerprint_was_not_compared() {
    let manager = Machine::initialised();
    let server = Machine::new();
    server.ok(["server", "enroll", "--name", "db1", "-o", "enrolment"]);
    let text = carry(&server, "enrolment", &manager);
    let refused = manager.refused(1, ["server", "enroll", &text, "-o", "confirmation"]);
    assert!(refused.contains("was not compared"), "{refused}");
    let wrong = "0".repeat(64);
    let refused = manager.refused(1, ["server", "enroll", &text, "--expect-fingerprint", &wrong]);
    assert!(refused.contains("not the one that was expected"), "{refused}");
    assert!(
        manager.json(["server", "list"])["servers"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    let fingerprint = identity(&server);
    let confirm = [
        "server",
        "enroll",
        &text,
        "--expect-fingerprint",
        &fingerprint,
        "-o",
        "confirmation",
    ];
    manager.ok(confirm);
    let text = carry(&manager, "confirmation", &server);
    server.refused(1, ["server", "enroll", &text]);
    server.refused(1, ["server", "enroll", &text, "--expect-fingerprint", &wrong]);
    server.refused(3, ["recovery", "request", "enrolment"]);
}
