//! Installations in databases on servers.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

#[path = "databases/released.rs"]
mod released;
mod support;

use std::fs;
use std::sync::OnceLock;

use keystead_test_servers::{Cut, CuttingProxy};
use support::servers::{Engine, Server};
use support::{Machine, story, text};

/// One server of each kind serves the whole file.
fn server(engine: Engine) -> Option<&'static Server> {
    static POSTGRES: OnceLock<Option<Server>> = OnceLock::new();
    static MARIADB: OnceLock<Option<Server>> = OnceLock::new();
    let cell = match engine {
        Engine::Postgres => &POSTGRES,
        Engine::MariaDb => &MARIADB,
    };
    cell.get_or_init(|| Server::start(engine)).as_ref()
}

macro_rules! on_each_server {
    ($($test:ident),+ $(,)?) => {
        mod on_postgres {
            $(#[test] fn $test() {
                if let Some(server) = super::server(super::Engine::Postgres) { super::$test(server); }
            })+
        }
        mod on_mariadb {
            $(#[test] fn $test() {
                if let Some(server) = super::server(super::Engine::MariaDb) { super::$test(server); }
            })+
        }
    };
}

on_each_server![
    the_story_of_a_lost_installation,
    only_init_and_db_migrate_change_the_schema,
    a_newer_schema_is_refused_and_left_alone,
    another_master_key_is_refused_by_both_ids,
    a_commit_whose_answer_is_lost_is_looked_up,
    a_commit_that_never_arrived_is_done_again,
    an_outcome_that_cannot_be_known_is_not_guessed,
    a_server_that_is_away_is_said_to_be_so,
    secrets_of_the_url_are_never_shown,
];

fn initialised(url: &str) -> Machine {
    let machine = Machine::on_database(url);
    machine.ok(["init", "--bits", "2048", "--hint", "first"]);
    machine
}

fn the_story_of_a_lost_installation(server: &Server) {
    let mut machine = Machine::on_database(&server.create_database());
    story::a_lost_installation_is_survived_by_its_export(&mut machine, &mut |machine| {
        machine.set("KEYSTEAD__DATABASE__URL", &server.create_database());
        fs::remove_file(machine.path("master.key")).unwrap();
    });
    assert!(!machine.data_dir().exists(), "nothing is kept in the data folder");
}

fn only_init_and_db_migrate_change_the_schema(server: &Server) {
    let url = server.create_database();
    let machine = Machine::on_database(&url);
    for args in [&["keyset", "list"][..], &["db", "migrate"], &["audit", "verify"]] {
        let said = machine.refused(1, args);
        assert!(said.contains("keystead init"), "{said}");
    }
    assert_eq!(machine.json(["db", "status"])["exists"], false);
    machine.ok(["init", "--bits", "2048"]);

    // As an older release left it.
    for sql in [
        "DROP TABLE records",
        "DROP TABLE recovery_documents",
        "DROP TABLE recovery_approvals",
        "DROP TABLE recoveries",
        "DROP TABLE recovery_policy",
        "DROP TABLE recovery_register",
        "DROP TABLE officers",
        "DROP TABLE server_identities",
        "DROP TABLE backup_servers",
        "DROP TABLE audit_checkpoints",
        "DROP TABLE staged_private_keys",
        "ALTER TABLE audit_events DROP COLUMN chain",
        "ALTER TABLE audit_head DROP COLUMN chain",
        match server {
            Server::Postgres(_) => "DROP INDEX keyset_private_keys_master_key",
            Server::MariaDb(_) => "DROP INDEX keyset_private_keys_master_key ON keyset_private_keys",
        },
        "DELETE FROM keystead_migrations WHERE version NOT LIKE '%000001%'",
    ] {
        server.sql(&url, sql);
    }
    for args in [
        &["keyset", "list"][..],
        &["keyset", "create", "--hint", "x"],
        &["audit", "list"],
    ] {
        let said = machine.refused(1, args);
        assert!(said.contains("keystead db migrate"), "{said}");
    }
    let status = machine.json(["db", "status"]);
    assert_eq!(status["pending"].as_array().unwrap().len(), 3);
    machine.ok(["db", "migrate"]);
    assert_eq!(machine.keysets().len(), 1);
    machine.ok(["audit", "verify"]);
}

fn a_newer_schema_is_refused_and_left_alone(server: &Server) {
    let url = server.create_database();
    let machine = initialised(&url);
    server.sql(
        &url,
        "INSERT INTO keystead_migrations (version, applied_at) VALUES ('m20991231_000001_future', 0)",
    );
    for args in [&["keyset", "list"][..], &["db", "migrate"], &["init"]] {
        let said = machine.refused(1, args);
        assert!(said.contains("newer"), "{said}");
    }
    assert_eq!(
        machine.json(["db", "status"])["unknown"][0],
        "m20991231_000001_future"
    );
}

fn another_master_key_is_refused_by_both_ids(server: &Server) {
    let machine = initialised(&server.create_database());
    let other = initialised(&server.create_database());
    let id = |machine: &Machine| text(&machine.json(["db", "status"]), "master_key_id").to_owned();
    let (here, there) = (id(&machine), id(&other));
    let before = machine.ok(["audit", "export"]);
    fs::copy(other.path("master.key"), machine.path("master.key")).unwrap();
    for args in [
        &["keyset", "create", "--hint", "x"][..],
        &["keyset", "activate", "active"],
        &["keyset", "export", "active", "--to", "x.pem", "--unprotected"],
        &["master-key", "rotate"],
        &["audit", "checkpoint"],
    ] {
        let said = machine.refused(1, args);
        assert!(said.contains(&here) && said.contains(&there), "{said}");
    }
    let after = machine.run(["audit", "export"]);
    let events = before.lines().count() - 1;
    assert_eq!(
        after.out.lines().count(),
        events,
        "nothing was written: {}",
        after.out
    );
}

/// A machine that reaches the server through a proxy.
fn through(server: &Server, retry_seconds: &str) -> (Machine, Machine, CuttingProxy) {
    let url = server.create_database();
    let direct = initialised(&url);
    let proxy = CuttingProxy::to(server.port());
    let cut = url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
    let mut machine = Machine::on_database(&cut);
    fs::copy(direct.path("master.key"), machine.path("master.key")).unwrap();
    machine.set("KEYSTEAD__DATABASE__RETRY_SECONDS", retry_seconds);
    (machine, direct, proxy)
}

fn count(machine: &Machine, action: &str) -> usize {
    let events = machine.json(["audit", "list"])["events"]
        .as_array()
        .unwrap()
        .clone();
    events.iter().filter(|e| e["action"] == action).count()
}

/// Each kind of change, with the connection cut around its commit: it happens once, and is said to have happened.
fn changes_happen_once(server: &Server, cut: Cut) {
    let (machine, direct, proxy) = through(server, "30");
    let exporter = Machine::initialised();
    let export = exporter.export_plain("export.pem");
    for times in 1..=3 {
        let made = proxy.made();
        proxy.cut(cut, times);
        let hint = format!("made through {times} cuts");
        let created = machine.json(["keyset", "create", "--bits", "2048", "--hint", &hint]);
        assert!(proxy.made() > made, "nothing was cut");
        let here = direct.keysets();
        let found: Vec<_> = here.iter().filter(|k| k["hint"] == hint.as_str()).collect();
        assert_eq!(found.len(), 1, "{here:#?}");
        assert_eq!(found[0]["id"], created["id"]);
        assert_eq!(count(&direct, "keyset.create"), 1 + times as usize);
    }
    let second = text(&direct.keysets()[1], "id").to_owned();
    proxy.cut(cut, 1);
    let said = machine.ok(["keyset", "activate", &second]);
    assert!(said.contains("is now Active"), "{said}");
    assert_eq!(text(&direct.active(), "id"), second);
    assert_eq!(count(&direct, "keyset.activate"), 2);
    proxy.cut(cut, 2);
    machine.ok(["keyset", "import", &export, "--yes"]);
    assert_eq!(count(&direct, "keyset.import"), 1);
    let inactive = direct
        .keysets()
        .into_iter()
        .find(|k| k["state"] == "inactive")
        .unwrap();
    let third = text(&inactive, "id").to_owned();
    proxy.cut(cut, 1);
    machine.ok([
        "keyset", "delete", &third, "--yes", "--force", "--reason", "cut test",
    ]);
    assert_eq!(direct.run(["keyset", "show", &third]).status, 3);
    assert_eq!(count(&direct, "keyset.delete"), 1);
    direct.ok(["audit", "verify"]);
}

fn a_commit_whose_answer_is_lost_is_looked_up(server: &Server) {
    changes_happen_once(server, Cut::AfterCommit);
}

fn a_commit_that_never_arrived_is_done_again(server: &Server) {
    changes_happen_once(server, Cut::BeforeCommit);
}

fn an_outcome_that_cannot_be_known_is_not_guessed(server: &Server) {
    let (machine, direct, proxy) = through(server, "1");
    // Nobody can look either.
    proxy.cut_and_stay_away(Cut::AfterCommit);
    let said = machine.refused(1, ["keyset", "create", "--bits", "2048", "--hint", "who knows"]);
    assert_eq!(proxy.made(), 1);
    assert!(
        said.contains("not known") && said.contains("keystead keyset list"),
        "{said}"
    );
    assert!(
        direct.keysets().iter().any(|k| k["hint"] == "who knows"),
        "it was done"
    );
}

fn a_server_that_is_away_is_said_to_be_so(server: &Server) {
    let mut machine = initialised(&server.create_database());
    let url = machine.environment()[0].1.clone();
    // A port that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    machine.set(
        "KEYSTEAD__DATABASE__URL",
        &url.replace(&format!(":{}/", server.port()), &format!(":{free}/")),
    );
    machine.set("KEYSTEAD__DATABASE__RETRY_SECONDS", "1");
    machine.set("KEYSTEAD__DATABASE__BUSY_TIMEOUT_SECONDS", "1");
    let said = machine.refused(1, ["keyset", "list"]);
    assert!(
        said.contains("cannot be reached") && said.contains(&free.to_string()),
        "{said}"
    );
}

fn secrets_of_the_url_are_never_shown(server: &Server) {
    let url = server.create_database();
    let mut machine = initialised(&url);
    let password = keystead_test_servers::PASSWORD;
    let shown = machine.ok(["config", "show", "--origin"]);
    assert!(!shown.contains(password), "{shown}");
    machine.set(
        "KEYSTEAD__DATABASE__URL",
        &url.replace(password, "wrong-pass-word"),
    );
    for args in [
        &["keyset", "list"][..],
        &["-vvv", "db", "status"],
        &["config", "show"],
    ] {
        let ran = machine.run(args);
        assert!(
            !ran.err.contains("wrong-pass-word") && !ran.out.contains("wrong-pass-word"),
            "{}",
            ran.err
        );
    }
    let said = machine.refused(1, ["keyset", "list"]);
    assert!(
        said.contains("password") || said.contains("credentials"),
        "{said}"
    );
    // The right one, apart from the URL.
    machine.write("db-password", format!("{password}\n"));
    let file = machine.at("db-password");
    machine.set("KEYSTEAD__DATABASE__PASSWORD_FILE", &file);
    machine.ok(["keyset", "list"]);
}

#[test]
fn a_database_on_a_server_wants_an_explicit_place_for_the_master_key() {
    let mut machine = Machine::new();
    machine.set("KEYSTEAD__DATABASE__URL", "postgres://ks@127.0.0.1:1/x");
    let said = machine.refused(1, ["init"]);
    assert!(said.contains("master_key.file"), "{said}");
}
