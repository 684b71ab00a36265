//! Databases that released versions made go on under this one.

use std::fs;

use serde_json::json;

use super::server;
use super::support::servers::Engine;
use super::support::{Machine, text, tools};

/// What each released version of the schema left, as the engine's own program dumped it, with its master key and a backup
/// that was sealed then. None of them is ever taken away.
const RELEASED: [&str; 2] = ["schema-2", "schema-3"];

#[test]
fn released_databases_on_sqlite_go_on() {
    if !tools::have("sqlite3") {
        return;
    }
    for release in RELEASED {
        let mut machine = Machine::new();
        let database = machine.at("old.db");
        let dump = fixture(&format!("{release}.sqlite.sql"));
        tools::run("sqlite3", &[&database, &format!(".read {dump}")]);
        machine.set("KEYSTEAD__DATABASE__URL", &format!("sqlite://{database}"));
        released_database_goes_on(machine, release, "sqlite");
    }
}

#[test]
fn released_databases_on_postgres_go_on() {
    released_databases_go_on(Engine::Postgres, "postgres");
}

#[test]
fn released_databases_on_mariadb_go_on() {
    released_databases_go_on(Engine::MariaDb, "mariadb");
}

fn released_databases_go_on(engine: Engine, name: &str) {
    let Some(server) = server(engine) else { return };
    for release in RELEASED {
        let url = server.create_database();
        let dump = fs::read_to_string(fixture(&format!("{release}.{name}.sql"))).unwrap();
        server.sql(&url, &dump);
        released_database_goes_on(Machine::on_database(&url), release, name);
    }
}

fn fixture(name: &str) -> String {
    format!(
        "{}/../../tests/fixtures/databases/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

fn released_database_goes_on(mut machine: Machine, release: &str, engine: &str) {
    use std::os::unix::fs::PermissionsExt;
    let key = machine.write(
        "master.key",
        fs::read(fixture(&format!("{release}.{engine}.master.key"))).unwrap(),
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    machine.set("KEYSTEAD__MASTER_KEY__FILE", &key);
    machine.ok(["db", "migrate"]);
    let hints: Vec<String> = machine
        .keysets()
        .iter()
        .map(|k| text(k, "hint").to_owned())
        .collect();
    assert_eq!(hints, ["Büro 2026 🔑", "second 'quoted'"]);
    assert_eq!(machine.active()["hint"], "second 'quoted'");
    machine.ok(["audit", "verify"]);
    fs::copy(
        fixture(&format!("{release}.{engine}.age")),
        machine.path("sealed.age"),
    )
    .unwrap();
    assert_eq!(machine.run(["open", "sealed.age"]).stdout, b"content\n");
    let has_recoveries = release != "schema-2";
    if has_recoveries {
        recoveries_are_there(&machine);
        // Nothing is changed before the manager's signature of all this was verified, and all of it is signed anew.
        machine.ok(["policy", "set", "--requests-per-day", "8"]);
        machine.ok(["policy", "set", "--requests-per-day", "9"]);
    } else {
        assert_eq!(machine.json(["server", "list"])["servers"], json!([]));
    }
    machine.ok(["keyset", "create", "--bits", "2048", "--hint", "third"]);
    machine.ok(["master-key", "rotate"]);
    machine.ok(["keyset", "export", "--all", "--to", "all.pem", "--unprotected"]);
    machine.ok(["audit", "verify"]);
    if has_recoveries {
        recoveries_are_there(&machine);
    }
}

/// A server that was re-enrolled and one that was removed; two officers and one who was taken off; a policy; and a request that
/// waits, one that was denied, and one that was answered.
fn recoveries_are_there(machine: &Machine) {
    let servers = machine.json(["server", "list"]);
    let mut seen: Vec<_> = servers["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| {
            let identities = server["identities"].as_array().unwrap();
            let states: Vec<_> = identities
                .iter()
                .map(|identity| text(identity, "state"))
                .collect();
            (text(server, "name"), states, server["removed_because"].as_str())
        })
        .collect();
    seen.sort();
    let expected = [
        ("db1 🗄", vec!["retired", "current"], None),
        ("db2", vec!["current"], Some("sold")),
    ];
    assert_eq!(seen, expected);

    let officers = machine.json(["officer", "list"]);
    let seen: Vec<_> = officers["officers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|officer| (text(officer, "name"), officer["removed_because"].as_str()))
        .collect();
    assert_eq!(seen, [("ada", None), ("grace", None), ("linus", Some("left"))]);

    let policy = json!({ "approvals": 2, "response_hours": 48, "requests_per_day": 9 });
    assert_eq!(machine.json(["policy", "show"]), policy);

    let recoveries = machine.json(["recovery", "list"]);
    let seen: Vec<_> = recoveries["recoveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let approvals = request["approvals"].as_array().unwrap();
            let officers: Vec<_> = approvals
                .iter()
                .map(|approval| text(approval, "officer"))
                .collect();
            (text(request, "state"), text(request, "server_name"), officers)
        })
        .collect();
    let expected = [
        ("waiting", "db1 🗄", vec!["ada"]),
        ("denied", "db2", vec![]),
        ("answered", "db1 🗄", vec!["ada", "grace"]),
    ];
    assert_eq!(seen, expected);
    // What was asked for is read from the bytes that the server signed.
    for request in recoveries["recoveries"].as_array().unwrap() {
        let shown = machine.json(["recovery", "show", text(request, "id")]);
        assert_eq!(shown["id"], request["id"]);
    }
}
