//! Sixteen processes at once on one database server, also while the server is killed again and again.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use support::servers::{Engine, Server};
use support::{Machine, Ran, text};

const PROCESSES: usize = 16;

/// How many changes, and how many crashes of the server; `just load` runs the long counts.
fn operations() -> usize {
    std::env::var("KEYSTEAD_TEST_OPERATIONS").map_or(160, |n| n.parse().unwrap())
}

fn crashes() -> usize {
    std::env::var("KEYSTEAD_TEST_CRASHES").map_or(3, |n| n.parse().unwrap())
}

#[test]
fn many_processes_on_postgres() {
    under_load(Engine::Postgres, 0);
}

#[test]
fn many_processes_on_mariadb() {
    under_load(Engine::MariaDb, 0);
}

#[test]
fn postgres_killed_and_restarted_under_load() {
    under_load(Engine::Postgres, crashes());
}

#[test]
fn mariadb_killed_and_restarted_under_load() {
    under_load(Engine::MariaDb, crashes());
}

fn under_load(engine: Engine, crashes: usize) {
    let Some(server) = Server::start_durable(engine) else {
        return;
    };
    let url = server.create_database();
    let mut machine = Machine::on_database(&url);
    machine.set("KEYSTEAD__DATABASE__RETRY_SECONDS", "120");
    machine.ok(["init", "--bits", "2048", "--hint", "first"]);
    let scene = Scene::new(machine);
    std::thread::scope(|scope| {
        let _end = SetOnDrop(&scene.done);
        let watcher = scope.spawn(|| scene.watch());
        let workers: Vec<_> = (0..PROCESSES)
            .map(|n| {
                scope.spawn({
                    let scene = &scene;
                    move || scene.work(n)
                })
            })
            .collect();
        for crash in 0..crashes {
            // Each crash comes when something was acknowledged since the last one, and while the work goes on.
            assert!(
                scene.wait_for(operations() * crash / crashes),
                "the work ended early"
            );
            server.kill_and_restart();
        }
        for worker in workers {
            worker.join().unwrap();
        }
        scene.done.store(true, Ordering::SeqCst);
        assert!(watcher.join().unwrap() > 0);
    });
    scene.check(&server, &url);
}

struct Scene {
    machine: Machine,
    /// Exports of keysets that are not from here, by fingerprint.
    foreign: BTreeMap<String, String>,
    next: AtomicUsize,
    done: AtomicBool,
    /// What was acknowledged.
    book: Mutex<Book>,
    moved: Condvar,
}

#[derive(Default)]
struct Book {
    finished: usize,
    /// Ids that were said to be made and not yet said to be deleted.
    here: BTreeSet<String>,
    /// Ids whose deletion was begun: others may be told that they are gone.
    going: BTreeSet<String>,
    acknowledged: BTreeMap<&'static str, usize>,
}

impl Scene {
    fn new(machine: Machine) -> Self {
        let mut foreign = BTreeMap::new();
        for n in 0..3 {
            let exporter = Machine::initialised();
            let name = format!("foreign-{n}.pem");
            exporter.export_plain(&name);
            let fingerprint = text(&exporter.active(), "fingerprint").to_owned();
            foreign.insert(fingerprint, machine.write(&name, exporter.read(&name)));
        }
        let first = text(&machine.active(), "id").to_owned();
        let book = Book {
            here: BTreeSet::from([first]),
            ..Book::default()
        };
        Self {
            machine,
            foreign,
            next: AtomicUsize::new(0),
            done: AtomicBool::new(false),
            book: Mutex::new(book),
            moved: Condvar::new(),
        }
    }

    /// Waits until so many operations came to an end. False when all did.
    fn wait_for(&self, finished: usize) -> bool {
        let mut book = self.book.lock().unwrap();
        while book.finished <= finished && book.finished < operations() {
            book = self.moved.wait(book).unwrap();
        }
        book.finished < operations()
    }

    /// A process that watches: each look is of one moment.
    fn watch(&self) -> usize {
        let mut looks = 0;
        while !self.done.load(Ordering::SeqCst) {
            let active = self
                .machine
                .keysets()
                .iter()
                .filter(|k| k["state"] == "active")
                .count();
            assert_eq!(active, 1, "look {looks}");
            looks += 1;
        }
        looks
    }

    fn work(&self, worker: usize) {
        loop {
            let n = self.next.fetch_add(1, Ordering::SeqCst);
            if n >= operations() {
                return;
            }
            match n % 20 {
                0..7 => self.create(n),
                7..13 => self.activate(n + worker),
                13..16 => self.import(n),
                _ => self.delete(n + worker),
            }
            self.book.lock().unwrap().finished += 1;
            self.moved.notify_all();
        }
    }

    fn create(&self, n: usize) {
        let hint = format!("number {n}");
        let ran = self.machine.run([
            "keyset", "create", "--bits", "2048", "--hint", &hint, "--output", "json",
        ]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let made: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        self.made("keyset.create", text(&made, "id"));
    }

    fn import(&self, n: usize) {
        let (fingerprint, file) = self.foreign.iter().nth(n % self.foreign.len()).unwrap();
        let ran = self
            .machine
            .run(["keyset", "import", file, "--yes", "--output", "json"]);
        match ran.status {
            0 => {
                let imported: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
                self.made("keyset.import", text(&imported["imported"][0], "id"));
            }
            _ => refused(&ran, &["is here already"], fingerprint),
        }
    }

    fn activate(&self, n: usize) {
        let Some(id) = self.one_of_those_here(n) else {
            return;
        };
        let ran = self.machine.run(["keyset", "activate", &id]);
        match ran.status {
            0 => {
                let changed = ran.out.contains("is now Active");
                self.book.lock().unwrap().count("keyset.activate", changed);
            }
            _ => refused(&ran, &["there is no keyset"], &id),
        }
    }

    fn delete(&self, n: usize) {
        let Some(id) = self.one_of_those_here(n) else {
            return;
        };
        self.book.lock().unwrap().going.insert(id.clone());
        let ran = self.machine.run([
            "keyset",
            "delete",
            &id,
            "--yes",
            "--force",
            "--reason",
            "load test",
        ]);
        let mut book = self.book.lock().unwrap();
        match ran.status {
            0 => {
                assert!(book.here.remove(&id), "{id} was deleted twice");
                book.count("keyset.delete", true);
            }
            _ => refused(
                &ran,
                &["there is no keyset", "Active", "changed since it was looked at"],
                &id,
            ),
        }
    }

    fn one_of_those_here(&self, n: usize) -> Option<String> {
        let book = self.book.lock().unwrap();
        let here: Vec<_> = book.here.iter().collect();
        (!here.is_empty()).then(|| here[n * 7919 % here.len()].clone())
    }

    fn made(&self, action: &'static str, id: &str) {
        let mut book = self.book.lock().unwrap();
        assert!(book.here.insert(id.to_owned()), "{id} was made twice");
        book.count(action, true);
    }

    /// What was acknowledged is there, all of it and nothing else; and the trail tells the same.
    fn check(&self, server: &Server, url: &str) {
        let book = self.book.lock().unwrap();
        let keysets = self.machine.keysets();
        let here: BTreeSet<String> = keysets.iter().map(|k| text(k, "id").to_owned()).collect();
        assert_eq!(here, book.here);
        let fingerprints: BTreeSet<&str> = keysets.iter().map(|k| text(k, "fingerprint")).collect();
        assert_eq!(fingerprints.len(), keysets.len());
        assert_eq!(keysets.iter().filter(|k| k["state"] == "active").count(), 1);
        self.machine.ok(["audit", "verify"]);
        for (action, acknowledged) in &book.acknowledged {
            let sql =
                format!("SELECT count(*) FROM audit_events WHERE action = '{action}' AND outcome = 'done'");
            let in_trail: usize = server.sql(url, &sql).trim().parse().unwrap();
            // Beside those, init made and activated the first one.
            let by_init = usize::from(matches!(*action, "keyset.create" | "keyset.activate"));
            assert_eq!(in_trail, acknowledged + by_init, "{action}");
        }
        assert!(book.acknowledged.len() == 4, "{:?}", book.acknowledged);
    }
}

impl Book {
    fn count(&mut self, action: &'static str, happened: bool) {
        *self.acknowledged.entry(action).or_default() += usize::from(happened);
    }
}

/// A clean refusal, for one of these reasons.
fn refused(ran: &Ran, reasons: &[&str], what: &str) {
    assert!(
        reasons.iter().any(|reason| ran.err.contains(reason))
            && (ran.err.contains("  fix: ") || ran.err.contains("\"fix\": ")),
        "{what}: {}{}",
        ran.out,
        ran.err
    );
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
