//! What people read during a recovery, on both sides, kept in `snapshots`: a message that gets worse shows in the diff.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;

use insta::{Settings, assert_snapshot};
use support::recovery::{carry, enrol, identity, key};
use support::{Machine, Ran};

/// One command after the other, on several machines, as a transcript.
#[derive(Default)]
struct Transcript {
    machines: Vec<(String, String)>,
    text: String,
}

impl Transcript {
    fn run(&mut self, who: &str, machine: &Machine, args: &[&str]) {
        let home = machine.home().to_str().unwrap().to_owned();
        if self.machines.iter().all(|(known, _)| *known != home) {
            self.machines
                .push((home, format!("HOME-OF-{}", who.to_uppercase())));
        }
        let Ran { status, out, err, .. } = machine.run(args);
        let quoted: Vec<String> = args
            .iter()
            .map(|arg| match arg.contains(' ') {
                true => format!("'{arg}'"),
                false => (*arg).to_owned(),
            })
            .collect();
        self.text
            .push_str(&format!("{who}$ keystead {}\n{out}", quoted.join(" ")));
        for line in err.lines() {
            self.text.push_str(&format!("! {line}\n"));
        }
        if status != 0 {
            self.text.push_str(&format!("? {status}\n"));
        }
        self.text.push('\n');
    }

    /// Keeps it without what is different in each run.
    fn keep(self, name: &str) {
        let mut settings = Settings::clone_current();
        settings.set_snapshot_path("snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        for (home, name) in &self.machines {
            settings.add_filter(&regex::escape(home), name);
        }
        let host = rustix::system::uname().nodename().to_str().unwrap().to_owned();
        let filters = [
            (
                r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
                "ID",
            ),
            (r"\b[0-9a-f]{4}( [0-9a-f]{4}){15}\b", "FINGERPRINT-IN-GROUPS"),
            (r"\b[0-9a-f]{64}\b", "FINGERPRINT"),
            (r"\b[0-9a-f]{16}\b", "FINGERPRINT-16"),
            (r"SHA256:[A-Za-z0-9+/]{43}", "SSH-FINGERPRINT"),
            (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", "TIME"),
            (r"ssh-rsa [A-Za-z0-9+/=]+", "ssh-rsa KEY"),
            // The columns of a table are as wide as what was just replaced.
            (r" {2,}", "  "),
        ];
        for (from, to) in filters {
            settings.add_filter(from, to);
        }
        let text = self.text.replace(&format!("@{host}"), "@HOST");
        settings.bind(|| assert_snapshot!(name, text));
    }
}

#[test]
fn a_whole_recovery() {
    let (manager, server) = (Machine::initialised(), Machine::new());
    let Some(ada) = key(&manager, "Ada", &["-t", "ed25519"]) else {
        return;
    };
    let mut said = Transcript::default();

    said.run(
        "server",
        &server,
        &["server", "enroll", "--name", "db1", "-o", "enrolment"],
    );
    carry(&server, "enrolment", &manager);
    said.run("manager", &manager, &["server", "enroll", "enrolment"]);
    let fingerprint = identity(&server);
    let compared = ["--expect-fingerprint", &fingerprint, "-o", "confirmation"];
    said.run(
        "manager",
        &manager,
        &[&["server", "enroll", "enrolment"], compared.as_slice()].concat(),
    );
    // Texts that were taken to the wrong side.
    said.run("manager", &manager, &["server", "enroll", "confirmation"]);
    said.run("server", &server, &["server", "enroll", "enrolment"]);
    carry(&manager, "confirmation", &server);
    let trusted = manager.json(["server", "show"])["manager_here"]
        .as_str()
        .unwrap()
        .to_owned();
    said.run(
        "server",
        &server,
        &[
            "server",
            "enroll",
            "confirmation",
            "--expect-fingerprint",
            &trusted,
        ],
    );

    said.run("manager", &manager, &["officer", "list"]);
    let public = format!("{ada}.pub");
    let add = ["officer", "add", "Ada", "--key", &public, "--also", "alovelace"];
    said.run("manager", &manager, &add);
    said.run("manager", &manager, &["policy", "set", "--approvals", "5"]);
    said.run("manager", &manager, &["officer", "list"]);
    said.run("manager", &manager, &["policy", "set", "--approvals", "1"]);

    server.write("backup", "content");
    said.run(
        "server",
        &server,
        &[
            "seal",
            "--password-file",
            "password",
            "-o",
            "backup.age",
            "backup",
        ],
    );
    fs::remove_file(server.path("backup")).unwrap();
    let request = ["recovery", "request", "backup.age", "--reason", "password lost"];
    let by = ["--asked-by", "grace", "-o", "request"];
    said.run("server", &server, &[request.as_slice(), by.as_slice()].concat());
    said.run("server", &server, &["recovery", "list"]);
    said.run("server", &server, &["recovery", "receive", "request"]);

    carry(&server, "request", &manager);
    said.run("manager", &manager, &["recovery", "receive", "request"]);
    said.run("manager", &manager, &["recovery", "receive", "request"]);
    said.run("manager", &manager, &["recovery", "list"]);
    let list = manager.json(["recovery", "list"]);
    let id = list["recoveries"][0]["id"].as_str().unwrap();
    said.run(
        "manager",
        &manager,
        &["recovery", "respond", id, "-o", "response"],
    );
    said.run("manager", &manager, &["recovery", "show", id, "--statement"]);
    said.run("manager", &manager, &["recovery", "approve", id, "--key", &ada]);
    said.run("manager", &manager, &["recovery", "approve", id, "--key", &ada]);
    said.run("manager", &manager, &["recovery", "show", id]);
    said.run(
        "manager",
        &manager,
        &["recovery", "respond", id, "-o", "response"],
    );
    said.run("manager", &manager, &["recovery", "respond", id, "-o", "again"]);
    said.run("manager", &manager, &["recovery", "list"]);

    carry(&manager, "response", &server);
    said.run("server", &server, &["recovery", "apply", "response"]);
    said.run("server", &server, &["recovery", "list"]);
    fs::create_dir(server.path("out")).unwrap();
    said.run("server", &server, &["recovery", "apply", id, "--into", "out"]);
    said.run("server", &server, &["recovery", "list"]);
    said.run("server", &server, &["recovery", "apply", "response"]);
    said.keep("recovery");
}

#[test]
fn what_each_side_knows() {
    let (manager, server, both) = (Machine::initialised(), Machine::new(), Machine::initialised());
    let mut said = Transcript::default();
    for command in [["server", "list"], ["server", "show"], ["recovery", "list"]] {
        said.run("manager", &manager, &command);
        said.run("server", &server, &command);
    }
    enrol(&manager, &server, "db1");
    enrol(&both, &both, "all in one");
    for command in [
        ["server", "list"],
        ["server", "show"],
        ["officer", "list"],
        ["policy", "show"],
        ["recovery", "list"],
    ] {
        said.run("manager", &manager, &command);
        said.run("server", &server, &command);
        said.run("both", &both, &command);
    }
    said.run("manager", &manager, &["server", "show", "db1"]);
    let remove = ["server", "remove", "db1", "--yes", "--reason", "given away"];
    said.run("manager", &manager, &remove);
    said.run("manager", &manager, &["server", "list"]);
    said.keep("recovery_sides");
}

#[test]
fn another_manager() {
    let (manager, other, server) = (Machine::initialised(), Machine::initialised(), Machine::new());
    enrol(&manager, &server, "db1");
    let sealed = support::recovery::seal(&server, "backup", b"content");
    support::recovery::ask(&server, &[&sealed]);
    let mut said = Transcript::default();
    said.run("server", &server, &["server", "enroll", "-o", "moving"]);
    carry(&server, "moving", &other);
    let fingerprint = identity(&server);
    let compared = ["--expect-fingerprint", &fingerprint, "-o", "confirmation"];
    said.run(
        "other",
        &other,
        &[&["server", "enroll", "moving"], compared.as_slice()].concat(),
    );
    carry(&other, "confirmation", &server);
    let trusted = other.json(["server", "show"])["manager_here"]
        .as_str()
        .unwrap()
        .to_owned();
    let compared = ["--expect-fingerprint", &trusted];
    said.run(
        "server",
        &server,
        &[&["server", "enroll", "confirmation"], compared.as_slice()].concat(),
    );
    said.keep("recovery_other_manager");
}
