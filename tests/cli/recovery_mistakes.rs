//! What people do wrong on the way of a recovery: each is told what to do, and nothing is lost by it.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::process::Stdio;

use support::recovery::{answered, carry, enrolled, identity, officer, respond, seal, trust, with_clock};
use support::{Machine, content, ran, tools};

/// How many documents of a kind a backup server keeps.
fn kept(server: &Machine, kind: &str) -> usize {
    let folder = server.data_dir().join("backup-server").join(kind);
    fs::read_dir(folder).map_or(0, |entries| entries.count())
}

#[test]
fn a_request_whose_text_has_no_place_to_go_is_not_made() {
    let manager = Machine::initialised();
    let server = enrolled(&manager, "db1");
    let sealed = seal(&server, "backup", b"content");
    server.write("request", b"somebody's own");
    let refused = server.refused(1, ["recovery", "request", &sealed, "-o", "request"]);
    assert!(refused.contains("request"), "{refused}");
    assert_eq!(server.read("request"), b"somebody's own");
    server.refused(1, ["recovery", "request", &sealed, "-o", "nowhere/request"]);
    for kind in ["requests", "response-keys"] {
        assert_eq!(kept(&server, kind), 0, "{kind}");
    }
    let list = server.json(["recovery", "list"]);
    assert_eq!(list["requests"].as_array().unwrap().len(), 0, "{list}");
}

#[test]
fn a_machine_with_a_new_identity_asks_once_the_manager_confirmed_it() {
    let manager = Machine::initialised();
    let server = enrolled(&manager, "db1");
    let sealed = seal(&server, "backup", b"content");
    let enrol = ["server", "enroll", "--name", "db1", "--new-identity", "-o", "new"];
    server.ok(enrol);
    let refused = server.refused(1, ["recovery", "request", &sealed, "-o", "request"]);
    assert!(refused.contains("has not confirmed"), "{refused}");
    assert!(!server.path("request").exists());
    assert_eq!(kept(&server, "requests"), 0);

    let text = carry(&server, "new", &manager);
    let fingerprint = identity(&server);
    let again = [
        "server",
        "re-enroll",
        "db1",
        &text,
        "--expect-fingerprint",
        &fingerprint,
        "-o",
        "confirmation",
        "--overwrite",
    ];
    let enrolled = manager.json(again);
    trust(&manager, &server, enrolled["manager"].as_str().unwrap());
    server.ok(["recovery", "request", &sealed, "-o", "request"]);
    manager.ok(["recovery", "receive", &carry(&server, "request", &manager)]);
}

#[test]
fn an_id_that_opens_nothing_is_an_error() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "db1");
    fs::create_dir(server.path("out")).unwrap();
    let unknown = "0b54c1f0-67d5-4c9b-a45e-0d38d1d1b1aa";
    for id in [unknown, "0b54c1f0"] {
        let refused = server.refused(3, ["recovery", "apply", id, "--into", "out"]);
        assert!(
            refused.contains(id) && refused.contains("recovery list"),
            "{refused}"
        );
    }

    let sealed = seal(&server, "waiting", b"content");
    let waiting = support::recovery::ask(&server, &[&sealed]);
    let refused = server.refused(1, ["recovery", "apply", &waiting, "--into", "out"]);
    assert!(refused.contains("no response"), "{refused}");

    let sealed = seal(&server, "finished", b"content");
    let (finished, response) = answered(&manager, &ada, &server, &[&sealed]);
    server.ok(["recovery", "apply", &response, "--into", "out"]);
    for again in [finished.as_str(), &finished[..8]] {
        let refused = server.refused(1, ["recovery", "apply", again, "--into", "out"]);
        assert!(refused.contains("were opened"), "{refused}");
    }

    if !tools::have("faketime") {
        return;
    }
    let sealed = seal(&server, "late", b"content");
    let (late, response) = answered(&manager, &ada, &server, &[&sealed]);
    server.ok(["recovery", "apply", &response]);
    let apply = ["recovery", "apply", &late, "--into", "out"];
    // The keys are destroyed by the first one who comes too late.
    for _ in 0..2 {
        let refused = with_clock(&server, "+8d", &apply);
        assert_eq!(refused.status, 1, "{}{}", refused.out, refused.err);
        assert!(refused.err.contains("destroyed"), "{}", refused.err);
    }
    server.refused(1, apply);
    assert!(!server.path("out/late").exists());
    assert_eq!(kept(&server, "file-keys"), 0);
}

#[test]
fn a_reader_that_goes_away_does_not_cost_the_keys() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "db1");
    // More than a pipe takes in without a reader.
    let sealed = seal(&server, "backup", &content(1_000_000));
    let (id, response) = answered(&manager, &ada, &server, &[&sealed]);
    let to_stdout = ["recovery", "apply", &response, "-o", "-"];
    let mut child = server
        .command(to_stdout)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let gone = ran(child.wait_with_output().unwrap());
    assert_ne!(gone.status, 0, "{}", gone.err);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let full = server
        .command(["recovery", "apply", &id, "-o", "-"])
        .stdout(full)
        .output();
    let full = ran(full.unwrap());
    assert_eq!(full.status, 1, "{}", full.err);
    assert!(
        full.err.contains("nothing is lost") && full.err.contains("  fix: "),
        "{}",
        full.err
    );

    // Even who read all of it may have lost it: the keys stay until the file stands in a place.
    for _ in 0..2 {
        let read = server.run(["recovery", "apply", &id, "-o", "-"]);
        assert_eq!(read.status, 0, "{}", read.err);
        assert!(read.stdout == content(1_000_000));
        assert_eq!(kept(&server, "file-keys"), 1);
    }
    server.ok(["recovery", "apply", &id, "-o", "opened"]);
    assert!(server.read("opened") == content(1_000_000));
    assert_eq!(kept(&server, "file-keys"), 0);
}

#[test]
fn a_name_with_a_colon_is_found_from_another_folder() {
    let manager = Machine::initialised();
    let Some(ada) = officer(&manager, "Ada") else {
        return;
    };
    let server = enrolled(&manager, "db1");
    let names = ["12:30", "c:backup"];
    let sealed = names.map(|name| {
        seal(&server, name, name.as_bytes());
        format!("{name}.age")
    });
    let request = ["recovery", "request", "-o", "request"];
    let request = request.iter().copied().chain(sealed.iter().map(String::as_str));
    let made = server.json(request);
    let id = made["id"].as_str().unwrap();
    manager.ok(["recovery", "receive", &carry(&server, "request", &manager)]);
    let approved = support::recovery::approve(&manager, id, &ada);
    assert_eq!(approved.status, 0, "{}", approved.err);
    let response = respond(&manager, id, &server);
    fs::create_dir(server.path("elsewhere")).unwrap();
    let apply = server
        .command(["recovery", "apply", &response, "--into", "."])
        .current_dir(server.path("elsewhere"))
        .output();
    let applied = ran(apply.unwrap());
    assert_eq!(applied.status, 0, "{}", applied.err);
    for name in names {
        assert_eq!(server.read(&format!("elsewhere/{name}")), name.as_bytes());
    }
}
