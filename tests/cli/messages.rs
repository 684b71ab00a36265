//! What people read, kept in `snapshots`: a message that gets worse shows in the diff. `cargo insta review` takes new ones,
//! or set INSTA_UPDATE=always.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use insta::{Settings, assert_snapshot};
use support::{Machine, Ran, text};

/// One command after the other, as a transcript.
struct Transcript<'a> {
    machine: &'a Machine,
    text: String,
}

impl<'a> Transcript<'a> {
    fn of(machine: &'a Machine) -> Self {
        Self {
            machine,
            text: String::new(),
        }
    }

    fn run(&mut self, args: &[&str]) -> &mut Self {
        let Ran { status, out, err, .. } = self.machine.run(args);
        let quoted: Vec<String> = args
            .iter()
            .map(|a| {
                if a.contains(' ') {
                    format!("'{a}'")
                } else {
                    (*a).to_owned()
                }
            })
            .collect();
        self.text
            .push_str(&format!("$ keystead {}\n{out}", quoted.join(" ")));
        for line in err.lines() {
            self.text.push_str(&format!("! {line}\n"));
        }
        if status != 0 {
            self.text.push_str(&format!("? {status}\n"));
        }
        self.text.push('\n');
        self
    }
}

/// Snapshots without what is different in each run.
fn stable(machine: &Machine, test: impl FnOnce()) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let home = regex::escape(machine.home().to_str().unwrap());
    let filters = [
        (home.as_str(), "HOME"),
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "ID",
        ),
        (r"\b[0-9a-f]{4}( [0-9a-f]{4}){15}\b", "FINGERPRINT-IN-GROUPS"),
        (r"\b[0-9a-f]{64}\b", "FINGERPRINT"),
        (r"\b[0-9a-f]{16}\b", "FINGERPRINT-16"),
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", "TIME"),
        (r"on \d{4}-\d{2}-\d{2}", "on DATE"),
        (r"os-user:\w+", "os-user:USER"),
        (r"[0-9A-Z]{5}(-[0-9A-Z]{5}){5}", "PASSPHRASE"),
        (r"ssh-rsa [A-Za-z0-9+/=]+", "ssh-rsa KEY"),
        // Of signed notes: the key, and a signature of it.
        (r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", "+VERIFIER-KEY"),
        (r"(\u{2014} \S+) [A-Za-z0-9+/=]+", "$1 SIGNATURE"),
        // The columns of a table are as wide as what was just replaced.
        (r" {2,}", "  "),
    ];
    for (from, to) in filters {
        settings.add_filter(from, to);
    }
    settings.bind(test);
}

#[test]
fn the_life_of_a_keyset() {
    let machine = Machine::new();
    machine.write("plain", b"content");
    let mut said = Transcript::of(&machine);
    said.run(&["keyset", "list"]);
    said.run(&[
        "init",
        "--bits",
        "2048",
        "--hint",
        "Head office",
        "--export-to",
        "e.pem",
        "--generate-passphrase",
    ]);
    said.run(&["keyset", "create", "--bits", "2048", "--hint", "Branch"]);
    said.run(&["keyset", "list"]);
    said.run(&["keyset", "show", "active"]);
    said.run(&["keyset", "recipient"]);
    said.run(&["keyset", "inspect", "e.pem"]);
    said.run(&["keyset", "import", "e.pem", "--yes"]);
    said.run(&[
        "seal",
        "--password-file",
        "password",
        "--password-hint",
        "the usual",
        "-o",
        "sealed",
        "plain",
    ]);
    said.run(&["slots", "sealed"]);
    said.run(&["open", "-o", "opened", "sealed"]);
    let branch = text(&machine.keysets()[1], "id").to_owned();
    said.run(&["keyset", "activate", &branch]);
    said.run(&["keyset", "activate", &branch]);
    said.run(&["keyset", "list"]);
    said.run(&["keyset", "delete", &branch, "--yes"]);
    said.run(&["audit", "list", "--limit", "2"]);
    let text = said.text.replace(&branch, "00000000-0000-4000-8000-000000000000");
    stable(&machine, || assert_snapshot!("life", text));
}

#[test]
fn the_master_key_and_the_trail() {
    let machine = Machine::new();
    let mut said = Transcript::of(&machine);
    said.run(&["init", "--bits", "2048", "--hint", "Head office"]);
    said.run(&["master-key", "status"]);
    said.run(&["master-key", "rotate"]);
    said.run(&["master-key", "rotate", "--to", "pkcs11"]);
    said.run(&["audit", "checkpoint"]);
    said.run(&["audit", "checkpoint", "-o", "checkpoint"]);
    said.run(&["audit", "export", "-o", "trail.jsonl"]);
    said.run(&["audit", "verify"]);
    said.run(&["audit", "verify", "--against", "trail.jsonl"]);
    machine.write("noise", b"noise");
    said.run(&["audit", "verify", "--against", "noise"]);
    said.run(&["db", "status"]);
    said.run(&["db", "migrate"]);
    std::fs::remove_file(machine.data_dir().join("master.key")).unwrap();
    said.run(&["audit", "verify"]);
    said.run(&["keyset", "create", "--hint", "x"]);
    stable(&machine, || assert_snapshot!("master_key_and_trail", said.text));
}

#[test]
fn refusals() {
    let machine = Machine::initialised();
    machine.export_protected("protected.pem");
    machine.write("wrong", "wrong");
    machine.write("text", "just text\n");
    machine.write("plain", "x");
    let elsewhere = Machine::initialised();
    elsewhere.write("plain", "x");
    elsewhere.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    machine.write("foreign", elsewhere.read("sealed"));
    let mut said = Transcript::of(&machine);
    said.run(&["init"]);
    said.run(&["keyset", "show", "00000000"]);
    said.run(&["keyset", "show", "1234"]);
    said.run(&["keyset", "create", "--hint", "x", "--bits", "1024"]);
    said.run(&["keyset", "delete", "active"]);
    said.run(&["keyset", "export", "active", "--to", "x.pem"]);
    said.run(&[
        "keyset",
        "export",
        "active",
        "--to",
        "protected.pem",
        "--unprotected",
    ]);
    said.run(&[
        "keyset",
        "export",
        "active",
        "--to",
        "no/such/folder/x.pem",
        "--unprotected",
    ]);
    said.run(&[
        "keyset",
        "export",
        "active",
        "--to",
        "gopher://host/x.pem",
        "--unprotected",
    ]);
    said.run(&["keyset", "inspect", "protected.pem", "--passphrase-file", "wrong"]);
    said.run(&[
        "keyset",
        "import",
        "protected.pem",
        "--passphrase-file",
        "passphrase",
        "--yes",
    ]);
    said.run(&["keyset", "import", "text", "--yes"]);
    said.run(&["keyset", "import", "missing.pem", "--yes"]);
    said.run(&["seal", "plain", "-o", "sealed"]);
    said.run(&[
        "seal",
        "plain",
        "-o",
        "sealed",
        "--no-password",
        "--recipient",
        "ssh-ed25519 AAAA",
    ]);
    said.run(&["open", "plain", "-o", "opened"]);
    said.run(&["open", "foreign", "-o", "opened"]);
    said.run(&["open", "foreign", "-o", "opened", "--password-file", "password"]);
    said.run(&[
        "open",
        "foreign",
        "-o",
        "opened",
        "--identity",
        "protected.pem",
        "--passphrase-file",
        "passphrase",
    ]);
    stable(&machine, || assert_snapshot!("refusals", said.text));
}

#[test]
fn help() {
    let machine = Machine::new();
    let mut said = Transcript::of(&machine);
    for command in [
        &["--help"][..],
        &["init", "--help"],
        &["keyset", "--help"],
        &["keyset", "export", "--help"],
        &["keyset", "import", "--help"],
        &["seal", "--help"],
        &["open", "--help"],
    ] {
        said.run(command);
    }
    stable(&machine, || assert_snapshot!("help", said.text));
}

#[test]
fn completions_and_manual_pages_are_usable() {
    let machine = Machine::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = machine.ok(["completions", shell]);
        assert!(
            script.contains("keystead") && script.contains("recipient"),
            "{shell}"
        );
        if shell == "bash" {
            let path = machine.write("completions.bash", &script);
            support::tools::run("bash", &["-n", &path]);
        }
    }
    assert!(machine.ok(["man"]).contains(".TH keystead 1"));
    std::fs::create_dir(machine.path("man")).unwrap();
    machine.ok(["man", "--dir", "man"]);
    assert!(machine.path("man/keystead-keyset-import.1").is_file());
}
