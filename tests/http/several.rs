//! Three services on one PostgreSQL behind a proxy, and one of them is killed again and again: no change that was
//! acknowledged is lost, two keysets are never Active, and whoever asks gets an answer, a problem that says to try again, or
//! a cut connection.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::collections::BTreeSet;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::cli::servers::{Engine, Server};
use support::plain::{Heard, ask};
use support::{Machine, Served, manager};

/// How many requests are made; `just several` makes ten thousand.
fn requests() -> u64 {
    std::env::var("KEYSTEAD_TEST_REQUESTS").map_or(600, |text| text.parse().unwrap())
}

/// How long a service lives before it is killed.
const LIFE: Duration = Duration::from_secs(2);
const CLIENTS: u64 = 8;
/// How many are killed at least, however fast the requests are.
const KILLS: u64 = 3;

/// How far it is.
#[derive(Default)]
struct Progress {
    made: AtomicU64,
    kills: AtomicU64,
}

#[test]
fn what_was_acknowledged_survives_the_services_that_are_killed() {
    let Some(postgres) = Server::start_durable(Engine::Postgres) else {
        return;
    };
    let mut machine = manager();
    machine.set("KEYSTEAD__DATABASE__URL", &postgres.create_database());
    machine.set("KEYSTEAD__SERVE__TLS", "off");
    machine.set("KEYSTEAD__SERVE__MAX_CONNECTIONS_PER_ADDRESS", "0");
    machine.ok(["init", "--bits", "2048", "--hint", "first"]);
    for hint in ["second", "third"] {
        machine.ok(["keyset", "create", "--bits", "2048", "--hint", hint]);
    }
    let token = machine.json(["token", "create", "test", "--role", "admin"])["token"].clone();
    let token = token.as_str().unwrap().to_owned();
    let keysets: Vec<String> = machine
        .keysets()
        .iter()
        .map(|keyset| keyset["id"].as_str().unwrap().to_owned())
        .collect();

    let services: Vec<Mutex<Option<Served>>> = (0..3)
        .map(|_| Mutex::new(Some(Served::start(&machine))))
        .collect();
    let services = Arc::new(services);
    let proxy = proxy(&services);
    let over = Arc::new(AtomicBool::new(false));
    let progress = Arc::new(Progress::default());
    let killer = thread::spawn({
        let (services, over) = (Arc::clone(&services), Arc::clone(&over));
        let (machine, progress) = (machine.again(), Arc::clone(&progress));
        move || kill_in_turn(&services, &over, &machine, &progress)
    });

    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (token, keysets, progress) = (token.clone(), keysets.clone(), Arc::clone(&progress));
            thread::spawn(move || {
                Client {
                    n,
                    at: proxy,
                    token,
                    keysets,
                }
                .work(&progress)
            })
        })
        .collect();
    let mut acknowledged = Acknowledged::default();
    for client in clients {
        acknowledged.extend(client.join().unwrap());
    }
    over.store(true, Ordering::SeqCst);
    killer.join().unwrap();
    assert!(
        acknowledged.hints.len() as u64 > requests() / 20,
        "{}",
        acknowledged.hints.len()
    );

    check(&machine, &acknowledged);
}

/// Everything that was acknowledged is there, and the trail is whole.
fn check(machine: &Machine, acknowledged: &Acknowledged) {
    let trail = machine.ok(["audit", "export"]);
    for hint in &acknowledged.hints {
        assert!(
            trail.contains(hint.as_str()),
            "the change to {hint} was acknowledged and is lost"
        );
    }
    let tokens = machine.ok(["token", "list", "--output", "json"]);
    for id in &acknowledged.tokens {
        assert!(
            tokens.contains(id.as_str()),
            "token {id} was acknowledged and is lost"
        );
    }
    let jobs: BTreeSet<String> = machine
        .keysets()
        .iter()
        .map(|keyset| keyset["id"].as_str().unwrap().to_owned())
        .collect();
    for id in &acknowledged.keysets {
        assert!(jobs.contains(id), "keyset {id} was acknowledged and is lost");
    }
    let active = machine
        .keysets()
        .iter()
        .filter(|keyset| keyset["state"] == "active")
        .count();
    assert_eq!(active, 1);
    assert_eq!(machine.json(["audit", "verify"])["sound"], true);
}

#[derive(Default)]
struct Acknowledged {
    hints: Vec<String>,
    tokens: Vec<String>,
    keysets: Vec<String>,
}

impl Acknowledged {
    fn extend(&mut self, other: Self) {
        self.hints.extend(other.hints);
        self.tokens.extend(other.tokens);
        self.keysets.extend(other.keysets);
    }
}

struct Client {
    n: u64,
    at: SocketAddr,
    token: String,
    keysets: Vec<String>,
}

impl Client {
    fn work(&self, progress: &Progress) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        loop {
            let turn = progress.made.fetch_add(1, Ordering::SeqCst);
            if turn >= requests() && progress.kills.load(Ordering::SeqCst) >= KILLS {
                return acknowledged;
            }
            self.one(turn, &mut acknowledged);
        }
    }

    fn one(&self, turn: u64, acknowledged: &mut Acknowledged) {
        let keyset = &self.keysets[(turn / 7) as usize % self.keysets.len()];
        match turn % 20 {
            0 => {
                let made = self.ask(
                    "POST",
                    "/v1/tokens",
                    Some(json!({"name": format!("t{turn}"), "role": "auditor"})),
                );
                if let Some((201, token)) = made {
                    acknowledged.tokens.push(token["id"].as_str().unwrap().to_owned());
                }
            }
            1..5 => {
                let hint = format!("hint {} {turn}", self.n);
                let edited = self.ask(
                    "PATCH",
                    &format!("/v1/keysets/{keyset}"),
                    Some(json!({"hint": hint})),
                );
                if let Some((200, _)) = edited {
                    acknowledged.hints.push(hint);
                }
            }
            5..9 => drop(self.ask("POST", &format!("/v1/keysets/{keyset}/activate"), None)),
            9..13 => {
                if let Some((200, list)) = self.ask("GET", "/v1/keysets?limit=1000", None) {
                    let keysets = list["keysets"].as_array().unwrap();
                    let active = keysets
                        .iter()
                        .filter(|keyset| keyset["state"] == "active")
                        .count();
                    assert_eq!(active, 1, "{list}");
                }
            }
            13 if turn % 100 == 13 => {
                let job = json!({"hint": format!("made {turn}"), "bits": 2048});
                if let Some((202, job)) = self.ask("POST", "/v1/keysets", Some(job)) {
                    acknowledged.keysets.extend(self.done(&job));
                }
            }
            _ => drop(self.ask("GET", "/v1/keysets/active/public-key?format=jwk", None)),
        }
    }

    /// The keyset of a job, once it says that it is done.
    fn done(&self, job: &Value) -> Option<String> {
        let path = format!("/v1/jobs/{}?wait=5", job["id"].as_str().unwrap());
        for _ in 0..60 {
            match self.ask("GET", &path, None) {
                Some((200, job)) if job["state"] == "done" => {
                    return Some(job["result"]["id"].as_str().unwrap().to_owned());
                }
                Some((200, job)) => assert_ne!(job["state"], "failed", "{job}"),
                _ => {}
            }
        }
        panic!("a job was never done: {job}");
    }

    /// What was answered; `None` when that was to try again, or nothing.
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let heard: Heard = ask(self.at, &self.token, method, path, body.as_ref());
        match heard {
            Ok((status @ 200..300, body)) => Some((status, body)),
            // Somebody else was faster, or the database says so.
            Ok((409 | 503, problem)) => {
                assert!(
                    matches!(
                        problem["code"].as_str().unwrap(),
                        "changed-meanwhile"
                            | "database-unavailable"
                            | "outcome-unknown"
                            | "overloaded"
                            | "too-slow"
                    ),
                    "{problem}"
                );
                None
            }
            Ok((status, body)) => panic!("{method} {path}: {status} {body}"),
            Err(_) => None,
        }
    }
}

/// Kills each service in its turn, and starts it again.
fn kill_in_turn(
    services: &[Mutex<Option<Served>>],
    over: &AtomicBool,
    machine: &Machine,
    progress: &Progress,
) {
    for service in services.iter().cycle() {
        thread::sleep(LIFE);
        if over.load(Ordering::SeqCst) {
            return;
        }
        let mut service = service.lock().unwrap();
        service.as_ref().unwrap().signal(Signal::SIGKILL);
        *service = None;
        *service = Some(Served::start(machine));
        progress.kills.fetch_add(1, Ordering::SeqCst);
    }
}

/// A proxy that gives each connection to the next service that takes it.
fn proxy(services: &Arc<Vec<Mutex<Option<Served>>>>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let at = listener.local_addr().unwrap();
    let (services, turn) = (Arc::clone(services), AtomicUsize::new(0));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let service = (0..services.len()).find_map(|_| {
                let next = turn.fetch_add(1, Ordering::SeqCst) % services.len();
                // One that is being started again is not waited for.
                let service = services[next].try_lock().ok()?;
                let port = service
                    .as_ref()?
                    .url
                    .rsplit(':')
                    .next()
                    .unwrap()
                    .parse::<u16>()
                    .unwrap();
                TcpStream::connect(("127.0.0.1", port)).ok()
            });
            if let Some(service) = service {
                relay(client, service);
            }
        }
    });
    at
}

fn relay(client: TcpStream, service: TcpStream) {
    let pairs = [
        (client.try_clone().unwrap(), service.try_clone().unwrap()),
        (service, client),
    ];
    for (mut from, mut to) in pairs {
        thread::spawn(move || {
            // A cut connection is passed on as one.
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
