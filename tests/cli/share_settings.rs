//! Shares as the configuration names them, without a server.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;

use support::Machine;
use support::shares::set;

#[test]
fn a_share_that_is_not_configured_is_not_found() {
    let mut machine = Machine::initialised();
    let said = machine.refused(3, ["keyset", "inspect", "share:nas/k.pem"]);
    assert!(said.contains("no share is configured"), "{said}");
    let folder = machine.at("mounted");
    set(&mut machine, "nas", "url", &format!("file://{folder}"));
    let said = machine.refused(3, ["keyset", "inspect", "share:nsa/k.pem"]);
    assert!(said.contains("there are: nas"), "{said}");
}

#[test]
fn a_mounted_folder_is_a_share_that_no_path_leaves() {
    let mut machine = Machine::initialised();
    fs::create_dir(machine.path("mounted")).unwrap();
    fs::create_dir(machine.path("outside")).unwrap();
    let folder = machine.at("mounted");
    set(&mut machine, "nas", "url", &format!("file://{folder}"));
    machine.ok(["keyset", "export", "active", "--to", "share:nas", "--unprotected"]);
    let tested = machine.json(["share", "test", "nas"]);
    assert_eq!(tested["steps"].as_array().unwrap().len(), 8, "{tested}");
    assert_eq!(tested["promises"]["durable"], true);
    std::os::unix::fs::symlink(machine.path("outside"), machine.path("mounted/link")).unwrap();
    for place in ["share:nas/../outside/k.pem", "share:nas/link/k.pem"] {
        let said = machine.refused(1, ["keyset", "export", "active", "--to", place, "--unprotected"]);
        assert!(said.contains("leads out"), "{said}");
    }
    assert_eq!(fs::read_dir(machine.path("outside")).unwrap().count(), 0);
    // It went away, as a mount does.
    fs::rename(machine.path("mounted"), machine.path("elsewhere")).unwrap();
    let said = machine.refused(
        3,
        [
            "keyset",
            "export",
            "active",
            "--to",
            "share:nas/",
            "--unprotected",
        ],
    );
    assert!(said.contains("mounted"), "{said}");
}

#[test]
fn a_destination_that_is_not_reached_is_on_record() {
    let machine = Machine::initialised();
    for (status, to) in [
        (3, "share:nas/k.pem"),
        (1, "https://u:hunter2@nas/k.pem"),
        (1, "smb://nas/s/../k.pem"),
    ] {
        machine.refused(
            status,
            ["keyset", "export", "active", "--to", to, "--unprotected"],
        );
    }
    let trail = machine.ok(["audit", "export"]);
    assert_eq!(
        trail
            .lines()
            .filter(|line| line.contains("refused_because"))
            .count(),
        3,
        "{trail}"
    );
    assert!(!trail.contains("hunter2"), "{trail}");
}

#[test]
fn a_secret_under_a_wrong_name_is_not_shown() {
    let mut machine = Machine::initialised();
    set(&mut machine, "nas", "url", "smb://nas.example.org/escrow");
    set(&mut machine, "nas", "secret", "hunter2");
    let said = machine.refused(1, ["keyset", "list"]);
    assert!(said.contains("secret") && !said.contains("hunter2"), "{said}");
    let shown = machine.ok(["config", "show", "--origin"]);
    assert!(
        shown.contains("shares.nas.secret") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn settings_that_cannot_be_meant_are_refused_at_once() {
    for (key, value, part) in [
        ("url", "smb://backup:quiet@nas/escrow", "password in the URL"),
        ("url", "gopher://nas/escrow", "gopher"),
        ("host_key", "SHA256:x", "host_key"),
        ("folder", "../x", "folder"),
    ] {
        let mut machine = Machine::initialised();
        set(&mut machine, "nas", "url", "smb://nas.example.org/escrow");
        set(&mut machine, "nas", key, value);
        let said = machine.refused(1, ["keyset", "list"]);
        assert!(said.contains("shares.nas") && said.contains(part), "{said}");
        assert!(!said.contains("quiet"), "{said}");
    }
}
