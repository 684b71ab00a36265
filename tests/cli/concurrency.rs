//! Many processes at once.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use support::{Machine, text};

const PROCESSES: usize = 8;

/// How often; `just` recipes run the long counts.
fn rounds() -> usize {
    std::env::var("KEYSTEAD_TEST_ROUNDS").map_or(8, |n| n.parse().unwrap())
}

#[test]
fn activations_at_the_same_time_never_leave_two_active() {
    let machine = Machine::initialised();
    let mut ids = vec![text(&machine.active(), "id").to_owned()];
    while ids.len() < PROCESSES {
        let created = machine.json([
            "keyset",
            "create",
            "--bits",
            "2048",
            "--hint",
            &format!("number {}", ids.len()),
        ]);
        ids.push(text(&created, "id").to_owned());
    }
    let done = AtomicBool::new(false);
    let said_active = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // Ends the watcher also when a round fails.
        let _end = SetOnDrop(&done);
        // A process that watches: each look is one of its own, at one moment.
        let watcher = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(active_ids(&machine).len(), 1, "look {looks}");
                looks += 1;
            }
            looks
        });
        for round in 0..rounds() {
            let running: Vec<Child> = ids.iter().map(|id| activate(&machine, id)).collect();
            for child in running {
                let ran = support::ran(child.wait_with_output().unwrap());
                assert_eq!(ran.status, 0, "round {round}: {}", ran.err);
                said_active.fetch_add(usize::from(ran.out.contains("is now Active")), Ordering::Relaxed);
            }
            assert_eq!(active_ids(&machine).len(), 1, "after round {round}");
        }
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
    });
    // Every activation that said "is now Active" left its event, and the trail has no gap.
    let mut after = 0;
    let mut activations = 0;
    loop {
        let page = machine.json(["audit", "list", "--after", &after.to_string()]);
        for event in page["events"].as_array().unwrap() {
            after += 1;
            assert_eq!(event["sequence"], after);
            activations += usize::from(event["action"] == "keyset.activate");
        }
        if page["next_after"].is_null() {
            break;
        }
    }
    // Beside those, init activated the first keyset.
    assert_eq!(activations, said_active.into_inner() + 1);
}

#[test]
fn two_inits_at_the_same_time_make_one_installation() {
    let machine = Machine::new();
    let spawn = || {
        let mut command = machine.command(["init", "--bits", "2048"]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<Child> = (0..4).map(|_| spawn()).collect();
    let ran: Vec<_> = running
        .into_iter()
        .map(|c| support::ran(c.wait_with_output().unwrap()))
        .collect();
    let won = ran.iter().filter(|r| r.status == 0).count();
    assert_eq!(won, 1, "{ran:#?}");
    for lost in ran.iter().filter(|r| r.status != 0) {
        assert_eq!(lost.status, 1);
        assert!(lost.err.contains("already"), "{}", lost.err);
    }
    assert_eq!(machine.keysets().len(), 1);
    machine.write("plain", b"x");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    machine.ok(["open", "-o", "opened", "sealed"]);
}

#[test]
fn the_same_file_imported_at_the_same_time_comes_in_once() {
    let exporter = Machine::initialised();
    let export = exporter.export_plain("export.pem");
    let machine = Machine::initialised();
    let spawn = || {
        let mut command = machine.command(["keyset", "import", &export, "--yes"]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<Child> = (0..PROCESSES).map(|_| spawn()).collect();
    let ran: Vec<_> = running
        .into_iter()
        .map(|c| support::ran(c.wait_with_output().unwrap()))
        .collect();
    assert_eq!(ran.iter().filter(|r| r.status == 0).count(), 1, "{ran:#?}");
    assert!(
        ran.iter()
            .filter(|r| r.status != 0)
            .all(|r| r.err.contains("is here already")),
        "{ran:#?}"
    );
    assert_eq!(machine.keysets().len(), 2);
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn activate(machine: &Machine, id: &str) -> Child {
    let mut command = machine.command(["keyset", "activate", id]);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn active_ids(machine: &Machine) -> Vec<String> {
    let active = machine.keysets().into_iter().filter(|k| k["state"] == "active");
    active.map(|k| text(&k, "id").to_owned()).collect()
}
