//! `kill -9` at random moments: each keyset is whole or absent, one is Active if one was, and no half-written file
//! stands under a final name.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use support::{Machine, text};

/// How many moments; `just kill` runs the long count.
fn kills() -> u64 {
    std::env::var("KEYSTEAD_TEST_KILLS").map_or(30, |n| n.parse().unwrap())
}

#[test]
fn killed_at_any_moment_nothing_is_half_done() {
    let scene = Scene::new();
    let mut killed = 0;
    for round in 0..kills() {
        let operation = Operation::ALL[(round % 5) as usize];
        let prepared = scene.prepare(operation);
        let usual = scene.duration(operation);
        let mut child = scene.start(&prepared);
        // The moment is what is being tried here; nothing waits for anything by it.
        let moment = usual.mul_f64(fraction(round) * 1.1);
        std::thread::sleep(moment);
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        scene.check(&prepared, round);
    }
    assert!(
        killed > kills() / 3,
        "only {killed} of {} were still running when killed",
        kills()
    );
    scene.check_that_nothing_is_left();
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Create,
    Activate,
    Export,
    Import,
    Delete,
}

impl Operation {
    const ALL: [Self; 5] = [
        Self::Create,
        Self::Activate,
        Self::Export,
        Self::Import,
        Self::Delete,
    ];
}

struct Prepared {
    args: Vec<String>,
    before: Vec<String>,
    before_exported_at: serde_json::Value,
    export: Option<String>,
}

struct Scene {
    machine: Machine,
    /// An export of a keyset that is not here between the rounds.
    foreign: String,
    durations: [Duration; 5],
}

impl Scene {
    fn new() -> Self {
        let exporter = Machine::initialised();
        exporter.export_plain("foreign.pem");
        let machine = Machine::initialised();
        machine.ok(["keyset", "create", "--bits", "2048", "--hint", "the other"]);
        fs::create_dir(machine.path("safe")).unwrap();
        let foreign = machine.write("foreign.pem", exporter.read("foreign.pem"));
        let mut scene = Self {
            machine,
            foreign,
            durations: [Duration::ZERO; 5],
        };
        for (i, operation) in Operation::ALL.into_iter().enumerate() {
            let prepared = scene.prepare(operation);
            #[allow(clippy::disallowed_methods)] // Measures how long the moments are to be spread.
            let begun = Instant::now();
            assert!(scene.start(&prepared).wait().unwrap().success(), "{operation:?}");
            scene.durations[i] = begun.elapsed();
        }
        scene
    }

    fn duration(&self, operation: Operation) -> Duration {
        self.durations[operation as usize]
    }

    fn prepare(&self, operation: Operation) -> Prepared {
        let machine = &self.machine;
        let owned = |args: &[&str]| args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
        let mut export = None;
        let args = match operation {
            Operation::Create => owned(&["keyset", "create", "--bits", "2048", "--hint", "made"]),
            Operation::Activate => {
                let inactive = machine
                    .keysets()
                    .into_iter()
                    .find(|k| k["state"] == "inactive")
                    .unwrap();
                owned(&["keyset", "activate", text(&inactive, "id")])
            }
            Operation::Export => {
                let to = machine.at("safe/export.pem");
                let _ = fs::remove_file(&to);
                export = Some(to.clone());
                owned(&["keyset", "export", "active", "--to", &to, "--unprotected"])
            }
            Operation::Import => {
                let inspected = machine.json(["keyset", "inspect", &self.foreign]);
                if let Some(here) = inspected["keysets"][0]["already_here"].as_str() {
                    self.take_away(here);
                }
                owned(&["keyset", "import", &self.foreign, "--yes"])
            }
            Operation::Delete => {
                let created = machine.json(["keyset", "create", "--bits", "2048", "--hint", "to be deleted"]);
                owned(&[
                    "keyset",
                    "delete",
                    text(&created, "id"),
                    "--yes",
                    "--force",
                    "--reason",
                    "kill test",
                ])
            }
        };
        Prepared {
            args,
            before: self.ids(),
            before_exported_at: machine.active()["last_exported_at"].clone(),
            export,
        }
    }

    fn take_away(&self, id: &str) {
        let keyset = self.machine.json(["keyset", "show", id]);
        if keyset["state"] == "active" {
            let other = self
                .machine
                .keysets()
                .into_iter()
                .find(|k| k["state"] == "inactive")
                .unwrap();
            self.machine.ok(["keyset", "activate", text(&other, "id")]);
        }
        self.machine.ok([
            "keyset",
            "delete",
            id,
            "--yes",
            "--force",
            "--reason",
            "kill test",
        ]);
    }

    fn start(&self, prepared: &Prepared) -> Child {
        let mut command = self.machine.command(&prepared.args);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn check(&self, prepared: &Prepared, round: u64) {
        let machine = &self.machine;
        let keysets = machine.keysets();
        let active = keysets.iter().filter(|k| k["state"] == "active").count();
        assert_eq!(active, 1, "round {round}");
        // At most one keyset came or went, and those that are new are whole: their private key opens and is theirs.
        let after = self.ids();
        let gone = prepared.before.iter().filter(|id| !after.contains(id)).count();
        let new: Vec<&String> = after.iter().filter(|id| !prepared.before.contains(id)).collect();
        assert!(
            gone + new.len() <= 1,
            "round {round}: {gone} gone, {} new",
            new.len()
        );
        for id in new {
            let whole = machine.at("whole.pem");
            machine.ok([
                "keyset",
                "export",
                id,
                "--to",
                &whole,
                "--unprotected",
                "--overwrite",
            ]);
            let inspected = machine.json(["keyset", "inspect", &whole]);
            assert_eq!(inspected["keysets"][0]["private_key_checked"], true);
            assert_eq!(
                inspected["keysets"][0]["already_here"].as_str(),
                Some(id.as_str())
            );
        }
        if let Some(export) = &prepared.export
            && fs::exists(export).unwrap()
        {
            machine.ok(["keyset", "inspect", export]);
        }
        // An export that is on record is there, whole.
        for keyset in keysets.iter().filter(|k| k["last_export_to"].is_string()) {
            let place = text(keyset, "last_export_to");
            if prepared.export.as_deref() == Some(place)
                && prepared.before_exported_at != keyset["last_exported_at"]
            {
                machine.ok(["keyset", "inspect", place]);
            }
        }
        // Those that were here before still open.
        if round.is_multiple_of(10) {
            let all = machine.at("all.pem");
            machine.ok([
                "keyset",
                "export",
                "--all",
                "--to",
                &all,
                "--unprotected",
                "--overwrite",
            ]);
            let inspected = machine.json(["keyset", "inspect", &all]);
            assert_eq!(inspected["keysets"].as_array().unwrap().len(), keysets.len());
        }
        machine.ok(["audit", "list", "--limit", "1"]);
    }

    /// The next write into a folder takes away what broken writes left there.
    fn check_that_nothing_is_left(&self) {
        let machine = &self.machine;
        let to = machine.at("safe/last.pem");
        machine.ok(["keyset", "export", "active", "--to", &to, "--unprotected"]);
        let known = ["export.pem", "last.pem"];
        let left = names(&machine.path("safe"))
            .into_iter()
            .filter(|n| !known.contains(&n.as_str()));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
        let known = [
            "keystead.db",
            "keystead.db-wal",
            "keystead.db-shm",
            "keystead.db.lock",
            "master.key",
        ];
        let left = names(&machine.data_dir())
            .into_iter()
            .filter(|n| !known.contains(&n.as_str()));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
    }

    fn ids(&self) -> Vec<String> {
        self.machine
            .keysets()
            .iter()
            .map(|k| text(k, "id").to_owned())
            .collect()
    }
}

#[test]
fn an_init_that_was_killed_can_be_run_again() {
    for round in 0..kills() / 3 {
        let machine = Machine::new();
        fs::create_dir(machine.path("safe")).unwrap();
        let args = ["init", "--bits", "2048", "--export-to", "safe", "--unprotected"];
        let mut child = machine
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(400).mul_f64(fraction(round)));
        child.kill().unwrap();
        child.wait().unwrap();
        let again = machine.run(args);
        match again.status {
            0 => assert_eq!(names(&machine.path("safe")).len(), 1),
            1 => assert!(again.err.contains("already"), "{}", again.err),
            other => panic!("{other}: {}", again.err),
        }
        assert_eq!(machine.active()["state"], "active");
        assert_eq!(machine.keysets().len(), 1);
        let left = names(&machine.data_dir())
            .into_iter()
            .filter(|n| n.contains("tmp"));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "round {round}");
    }
}

fn names(folder: &std::path::Path) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A number between 0 and 1 that is different in each round and the same in each run (the golden ratio spreads evenly).
fn fraction(round: u64) -> f64 {
    (round as f64 * 0.618_033_988_749_895).fract()
}
