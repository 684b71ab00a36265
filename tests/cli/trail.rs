//! Each kind of tampering with the audit trail is found, on each engine, with the engine's own client as the tamperer.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use keystead_domain::ChainHash;
use serde_json::Value;
use support::servers::{Engine, Server};
use support::{Machine, text, tools};

#[test]
fn on_sqlite() {
    if tools::have("sqlite3") {
        every_kind_is_found(&Target::Sqlite);
    }
}

#[test]
fn on_postgres() {
    if let Some(server) = Server::start(Engine::Postgres) {
        every_kind_is_found(&Target::Server(server, Engine::Postgres));
    }
}

#[test]
fn on_mariadb() {
    if let Some(server) = Server::start(Engine::MariaDb) {
        every_kind_is_found(&Target::Server(server, Engine::MariaDb));
    }
}

enum Target {
    Sqlite,
    Server(Server, Engine),
}

/// An installation with ten events, and a checkpoint of the eighth that is kept elsewhere.
struct Scene<'a> {
    target: &'a Target,
    machine: Machine,
    url: String,
}

fn every_kind_is_found(target: &Target) {
    let scene = Scene::new(target);
    let whole = scene.verify(&[]);
    assert_eq!(whole["events"], 10);
    assert_eq!(
        (&whole["sound"], &whole["identity_genuine"]),
        (&true.into(), &true.into())
    );
    assert_eq!(whole["signed_up_to"], 8);
    scene.exported_chain_is_what_the_formats_say();

    // An event's bytes, each column beside them, and its value of the chain.
    scene.tampered(&[&scene.replace_bytes(5, "os-user", "manager")], "changed", 5);
    for column in [
        "action = 'keyset.delete'",
        "outcome = 'failed'",
        "at = at + 1",
        "subject = 'x'",
        "chain = NULL",
    ] {
        let column = column.replace(
            "at = at",
            &format!("{} = {}", scene.quoted("at"), scene.quoted("at")),
        );
        scene.tampered(
            &[&format!("UPDATE audit_events SET {column} WHERE sequence = 5")],
            "changed",
            5,
        );
    }
    scene.tampered(
        &[&format!(
            "UPDATE audit_events SET chain = '{}' WHERE sequence = 5",
            "0".repeat(64)
        )],
        "changed",
        5,
    );
    // Removed, inserted, moved.
    scene.tampered(&["DELETE FROM audit_events WHERE sequence = 4"], "removed", 4);
    scene.tampered(
        &["DELETE FROM audit_events WHERE sequence IN (1, 2)"],
        "removed",
        1,
    );
    let copy = format!(
        "INSERT INTO audit_events (sequence, {at}, action, subject, outcome, canonical, chain) \
         SELECT 6, {at}, action, subject, outcome, canonical, chain FROM audit_events WHERE sequence = 5",
        at = scene.quoted("at")
    );
    scene.tampered(
        &[
            "UPDATE audit_events SET sequence = sequence + 1000 WHERE sequence > 5",
            "UPDATE audit_events SET sequence = sequence - 999 WHERE sequence > 1000",
            &copy,
        ],
        "out_of_place",
        6,
    );
    scene.tampered(
        &[
            "UPDATE audit_events SET sequence = 1000 WHERE sequence = 4",
            "UPDATE audit_events SET sequence = 4 WHERE sequence = 5",
            "UPDATE audit_events SET sequence = 5 WHERE sequence = 1000",
        ],
        "out_of_place",
        4,
    );
    // The tail, and the head.
    scene.tampered(&["DELETE FROM audit_events WHERE sequence > 8"], "tail_cut", 9);
    scene.tampered(&["UPDATE audit_head SET last_sequence = 9"], "behind_head", 10);
    scene.tampered(
        &[&format!("UPDATE audit_head SET chain = '{}'", "1".repeat(64))],
        "head_changed",
        0,
    );
    scene.tampered(&["UPDATE audit_head SET chain = NULL"], "head_changed", 0);
    // A checkpoint in the database.
    scene.tampered(&["DELETE FROM audit_checkpoints"], "checkpoint_missing", 8);
    scene.tampered(
        &["UPDATE audit_checkpoints SET note = replace(note, 'events 8', 'events 7')"],
        "checkpoint_refused",
        8,
    );
    scene.the_tail_is_cut_and_the_head_made_to_match();
    scene.the_whole_trail_is_written_anew();
    scene.the_identity_is_exchanged();
}

impl<'a> Scene<'a> {
    fn new(target: &'a Target) -> Self {
        let (machine, url) = match target {
            Target::Sqlite => (Machine::new(), String::new()),
            Target::Server(server, _) => {
                let url = server.create_database();
                (Machine::on_database(&url), url)
            }
        };
        machine.ok(["init", "--bits", "2048", "--hint", "first"]);
        for hint in ["second", "third"] {
            machine.ok(["keyset", "edit", "active", "--hint", hint]);
        }
        machine.ok(["keyset", "create", "--bits", "2048", "--hint", "other"]);
        let other = machine
            .keysets()
            .into_iter()
            .find(|k| k["hint"] == "other")
            .unwrap();
        machine.ok(["keyset", "activate", text(&other, "id")]);
        machine.ok(["audit", "checkpoint", "-o", "checkpoint"]);
        for hint in ["fourth", "fifth"] {
            machine.ok(["keyset", "edit", "active", "--hint", hint]);
        }
        machine.ok(["audit", "verify", "--against", "checkpoint"]);
        let scene = Self { target, machine, url };
        // The table as it was, to be put back after each tampering.
        for (table, copy) in Self::TABLES {
            scene.sql(&format!("CREATE TABLE {copy} AS SELECT * FROM {table}"));
        }
        scene
    }

    const TABLES: [(&'static str, &'static str); 4] = [
        ("audit_events", "copy_of_events"),
        ("audit_head", "copy_of_head"),
        ("audit_checkpoints", "copy_of_checkpoints"),
        ("installation", "copy_of_installation"),
    ];

    fn sql(&self, sql: &str) -> String {
        match self.target {
            Target::Sqlite => {
                let database = self.machine.data_dir().join("keystead.db");
                let out = tools::run("sqlite3", &[database.to_str().unwrap(), sql]);
                String::from_utf8(out).unwrap()
            }
            Target::Server(server, _) => server.sql(&self.url, sql),
        }
    }

    fn quoted(&self, name: &str) -> String {
        match self.target {
            Target::Server(_, Engine::MariaDb) => format!("`{name}`"),
            _ => format!("\"{name}\""),
        }
    }

    fn put_back(&self) {
        for (table, copy) in Self::TABLES {
            self.sql(&format!("DELETE FROM {table}"));
            self.sql(&format!("INSERT INTO {table} SELECT * FROM {copy}"));
        }
        self.machine.ok(["audit", "verify", "--against", "checkpoint"]);
    }

    fn replace_bytes(&self, sequence: u32, old: &str, new: &str) -> String {
        let changed = match self.target {
            Target::Sqlite => format!("CAST(replace(CAST(canonical AS TEXT), '{old}', '{new}') AS BLOB)"),
            Target::Server(_, Engine::Postgres) => {
                format!("convert_to(replace(convert_from(canonical, 'UTF8'), '{old}', '{new}'), 'UTF8')")
            }
            Target::Server(_, Engine::MariaDb) => format!("replace(canonical, '{old}', '{new}')"),
        };
        format!("UPDATE audit_events SET canonical = {changed} WHERE sequence = {sequence}")
    }

    /// What `audit verify` says as JSON, and that its exit status agrees.
    fn verify(&self, against: &[&str]) -> Value {
        let mut args = vec!["audit", "verify", "--output", "json"];
        args.extend(against.iter().flat_map(|file| ["--against", file]));
        let ran = self.machine.run(args);
        let json: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
        assert_eq!(ran.status == 0, json["sound"] == true, "{}{}", ran.out, ran.err);
        json
    }

    fn tampered(&self, statements: &[&str], kind: &str, from: u64) {
        for sql in statements {
            self.sql(sql);
        }
        let found = self.verify(&[]);
        assert_eq!(found["sound"], false, "{statements:?} was not found");
        let first = &found["findings"][0];
        let expected = match kind {
            "head_changed" => Value::Null,
            _ => from.into(),
        };
        assert_eq!(
            (&first["kind"], &first["from"]),
            (&kind.into(), &expected),
            "{statements:?}: {found}"
        );
        self.put_back();
    }

    /// As somebody does it who knows how: nothing in the database shows it, the checkpoint elsewhere does.
    fn the_tail_is_cut_and_the_head_made_to_match(&self) {
        for sql in [
            "DELETE FROM audit_checkpoints",
            "DELETE FROM audit_events WHERE sequence > 6",
            "UPDATE audit_head SET last_sequence = 6, chain = (SELECT chain FROM audit_events WHERE sequence = 6)",
        ] {
            self.sql(sql);
        }
        assert_eq!(self.verify(&[])["sound"], true, "nothing here shows it");
        let found = self.verify(&["checkpoint"]);
        assert_eq!(found["findings"][0]["kind"], "cut_before_record", "{found}");
        assert_eq!(
            (&found["findings"][0]["from"], &found["findings"][0]["to"]),
            (&7.into(), &8.into())
        );
        self.put_back();
    }

    fn the_whole_trail_is_written_anew(&self) {
        self.sql(&self.replace_bytes(3, "os-user", "manager"));
        let hex = match self.target {
            Target::Server(_, Engine::Postgres) => "encode(canonical, 'hex')",
            _ => "hex(canonical)",
        };
        let mut chain = ChainHash::START;
        for sequence in 1..=10 {
            let bytes = self.sql(&format!(
                "SELECT {hex} FROM audit_events WHERE sequence = {sequence}"
            ));
            chain = chain.after(&tools::from_hex(bytes.trim()));
            self.sql(&format!(
                "UPDATE audit_events SET chain = '{chain}' WHERE sequence = {sequence}"
            ));
        }
        self.sql(&format!("UPDATE audit_head SET chain = '{chain}'"));
        let found = self.verify(&[]);
        assert_eq!(
            found["findings"][0]["kind"], "rewritten",
            "the checkpoint here shows it: {found}"
        );
        self.sql("DELETE FROM audit_checkpoints");
        let found = self.verify(&[]);
        assert_eq!(found["findings"][0]["kind"], "checkpoint_missing", "{found}");
        let found = self.verify(&["checkpoint"]);
        let findings = found["findings"].as_array().unwrap();
        let rewritten = findings.iter().find(|finding| finding["kind"] == "rewritten");
        assert_eq!(rewritten.unwrap()["to"], 8, "{found}");
        self.put_back();
    }

    fn the_identity_is_exchanged(&self) {
        let other = match self.target {
            Target::Server(_, Engine::Postgres) => format!("decode('{}', 'hex')", "ab".repeat(32)),
            _ => format!("x'{}'", "ab".repeat(32)),
        };
        self.sql(&format!("UPDATE installation SET identity_public_key = {other}"));
        let found = self.verify(&[]);
        assert_eq!(found["identity_genuine"], false, "{found}");
        self.put_back();
        // With what proves the master key too.
        self.sql("UPDATE installation SET identity_master_key_id = 'another'");
        let found = self.verify(&[]);
        assert_eq!(found["identity_genuine"], false, "{found}");
        self.put_back();
        let garbage = match self.target {
            Target::Server(_, Engine::Postgres) => "decode('00', 'hex')",
            _ => "x'00'",
        };
        self.sql(&format!(
            "UPDATE installation SET key_check_ciphertext = {garbage}"
        ));
        let found = self.verify(&[]);
        assert_eq!(found["identity_genuine"], false, "{found}");
        self.put_back();
    }

    /// What another program can check with nothing but SHA-256: sha256sum does it here.
    fn exported_chain_is_what_the_formats_say(&self) {
        let lines = self.machine.ok(["audit", "export", "--after", "2"]);
        let lines: Vec<&str> = lines.lines().collect();
        let field = |line: &str, name: &str| text(&serde_json::from_str(line).unwrap(), name).to_owned();
        let first: Value = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(first["after"], 2);
        for pair in lines[..lines.len() - 1].windows(2) {
            let event = pair[1]
                .split_once("\"event\":")
                .unwrap()
                .1
                .strip_suffix('}')
                .unwrap();
            let bytes = [
                b"keystead-audit-v1\0".as_slice(),
                &tools::from_hex(&field(pair[0], "chain")),
                event.as_bytes(),
            ]
            .concat();
            let path = self.machine.write("bytes", bytes);
            let sum = String::from_utf8(tools::run("sha256sum", &[&path])).unwrap();
            assert_eq!(sum[..64], field(pair[1], "chain"));
        }
        let note = field(lines.last().unwrap(), "checkpoint");
        assert!(
            note.starts_with("keystead audit checkpoint v1\ninstallation "),
            "{note}"
        );
        // The event that the export left.
        self.sql("DELETE FROM audit_events WHERE sequence > 10");
        self.put_back();
    }
}
