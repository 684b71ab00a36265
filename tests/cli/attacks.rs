//! What hostile files, full devices and bad moments must not do.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::tools::{have, run, try_run};
use support::{Machine, content, text};

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_generated_passphrase_is_shown_before_anything_that_only_it_opens_exists() {
    let machine = Machine::initialised();
    let export = |name: &'static str| {
        [
            "keyset",
            "export",
            "active",
            "--to",
            name,
            "--generate-passphrase",
        ]
    };
    // Where the passphrase cannot be shown, nothing is exported.
    let status = machine
        .command(export("a.pem"))
        .stderr(full())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(!machine.path("a.pem").exists());
    assert!(machine.active()["last_exported_at"].is_null());
    // Where only the result cannot be shown, the passphrase was shown, and it opens the file.
    let ran = support::ran(machine.command(export("b.pem")).stdout(full()).output().unwrap());
    assert_eq!(ran.status, 1);
    let passphrase = ran
        .err
        .lines()
        .find_map(|l| l.split("shown this once: ").nth(1))
        .unwrap()
        .to_owned();
    machine.write("generated", passphrase);
    machine.ok(["keyset", "inspect", "b.pem", "--passphrase-file", "generated"]);
    // With JSON it would have been in the result; when that fails it is told with the failure.
    let mut command = machine.command(export("c.pem"));
    let ran = support::ran(
        command
            .args(["--output", "json"])
            .stdout(full())
            .output()
            .unwrap(),
    );
    assert!(
        ran.status == 1 && ran.err.contains("shown this once: "),
        "{}",
        ran.err
    );
}

#[test]
fn messages_that_cannot_be_printed_are_no_panic() {
    let machine = Machine::initialised();
    for args in [
        &["keyset", "list"][..],
        &["keyset", "show", "nonsense"],
        &["open", "missing"],
    ] {
        for (out, err) in [(true, false), (false, true), (true, true)] {
            let mut command = machine.command(args);
            command.stdout(if out { full().into() } else { Stdio::null() });
            command.stderr(if err { full().into() } else { Stdio::null() });
            let code = command.status().unwrap().code().unwrap();
            assert!(code <= 4, "{args:?}: {code}");
        }
    }
}

#[test]
fn a_closed_standard_output_is_noticed() {
    let machine = Machine::initialised();
    machine.write("plain", b"x");
    let program = env!("CARGO_BIN_EXE_keystead");
    for command in [
        "seal --no-password plain",
        "keyset export active --to - --unprotected",
    ] {
        let line = format!("exec '{program}' {command} >&-");
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &line])
            .env("KEYSTEAD_DATA_DIR", machine.data_dir())
            .current_dir(machine.home());
        let ran = support::ran(shell.output().unwrap());
        assert!(
            ran.status == 1 && ran.err.contains("standard output"),
            "{command}: {} {}",
            ran.status,
            ran.err
        );
    }
}

#[test]
fn a_header_full_of_slots_costs_one_use_of_the_key() {
    let machine = Machine::initialised();
    machine.write("plain", b"x");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    let sealed = String::from_utf8_lossy(&machine.read("sealed")).into_owned();
    let slot = &sealed[sealed.find("-> ssh-rsa").unwrap()..sealed.find("-> keystead-info").unwrap()];
    let flood = format!(
        "age-encryption.org/v1\n{}--- {}\n",
        slot.repeat(1000),
        "A".repeat(43)
    );
    let file = machine.write("flood", flood);
    let before = machine.json(["audit", "list"])["events"]
        .as_array()
        .unwrap()
        .len();
    assert_ne!(machine.run(["open", &file, "-o", "out"]).status, 0);
    let after = machine.json(["audit", "list"])["events"]
        .as_array()
        .unwrap()
        .len();
    assert!(after - before <= 3, "{} events", after - before);
    // Neither do slots under one tag that nobody can use, nor as many tags as there is room for.
    let empty = slot.lines().next().unwrap();
    let one_tag = format!("{empty}\n\n").repeat(20_000);
    let digit = |n: u32| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[(n % 32) as usize]);
    let many_tags: String = (0..20_000_u32)
        .map(|n| {
            format!(
                "-> ssh-rsa {}{}{}AAA\n\n",
                digit(n),
                digit(n / 32),
                digit(n / 1024)
            )
        })
        .collect();
    for slots in [one_tag, many_tags] {
        let flood = format!("age-encryption.org/v1\n{slots}--- {}\n", "A".repeat(43));
        let file = machine.write("flood", flood);
        assert_eq!(machine.run(["open", &file, "-o", "out"]).status, 4);
        machine.ok(["slots", &file]);
    }
}

#[test]
fn what_cannot_be_opened_is_not_sealed() {
    if !have("ssh-keygen") {
        return;
    }
    let machine = Machine::new();
    machine.write("plain", b"x");
    let key = machine.at("key");
    run(
        "ssh-keygen",
        &["-q", "-t", "rsa", "-b", "8192", "-N", "", "-f", &key],
    );
    let line = fs::read_to_string(machine.path("key.pub")).unwrap();
    // Recipients that differ, as far as anybody can tell without factoring: the last digits of the modulus are odd numbers.
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut recipients = [String::new(), String::new()];
    for n in 0..900_u32 {
        let mut blob = words[1].to_owned();
        let at = blob.len() - 40;
        let digits: String = format!("{n:06}")
            .chars()
            .map(|c| char::from(b'A' + (c as u8 - b'0')))
            .collect();
        blob.replace_range(at..at + 6, &digits);
        recipients[n as usize % 2].push_str(&format!("ssh-rsa {blob}\n"));
    }
    let [first, second] = recipients;
    machine.write("first", first);
    machine.write("second", second);
    let seal = [
        "seal",
        "--no-password",
        "--recipient",
        "first",
        "--recipient",
        "second",
        "-o",
        "sealed",
        "plain",
    ];
    let said = machine.refused(1, seal);
    assert!(said.contains("longer than"), "{said}");
    assert!(!machine.path("sealed").exists());
}

#[test]
fn a_password_opens_while_the_database_is_locked() {
    if !have("sqlite3") {
        return;
    }
    let machine = Machine::initialised();
    machine.write("plain", b"x");
    machine.ok(["seal", "--password-file", "password", "-o", "sealed", "plain"]);
    let mut holder = hold(&machine, "BEGIN IMMEDIATE; SELECT 'held';");
    let mut command = machine.command(["open", "-o", "opened", "sealed"]);
    command
        .env("KEYSTEAD__DATABASE__BUSY_TIMEOUT_SECONDS", "1")
        .env("KEYSTEAD_PASSWORD", "backup password");
    let ran = support::ran(command.output().unwrap());
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(machine.read("opened"), b"x");
}

/// A sqlite3 process that has run some SQL and keeps its transaction open until its standard input is closed.
fn hold(machine: &Machine, sql: &str) -> Child {
    let mut command = std::process::Command::new("sqlite3");
    command
        .arg(machine.data_dir().join("keystead.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{sql}").unwrap();
    let mut answer = [0; 4];
    child.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
    child
}

#[test]
fn a_signal_ends_a_command_that_waits_and_leaves_nothing() {
    let machine = Machine::initialised();
    machine.write("plain", content(8 << 20));
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    for (signal, expected) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        // Nobody reads its output, so it waits in the middle.
        let mut command = machine.command(["open", "sealed"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(expected));
        // It waits for its input, with a temporary file for its output.
        let mut command = machine.command(["seal", "--no-password", "-o", "never"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The pipe holds less than this, so the command has read when this returns.
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(&content(4 << 20))
            .unwrap();
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(expected));
        let left: Vec<_> = fs::read_dir(machine.home())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert!(
            !left
                .iter()
                .any(|n| n.to_string_lossy().contains(".tmp") || n == "never"),
            "{left:?}"
        );
    }
}

#[test]
fn a_master_key_that_others_may_know_is_refused() {
    let machine = Machine::new();
    let donor = Machine::initialised();
    fs::create_dir(machine.data_dir()).unwrap();
    fs::set_permissions(machine.data_dir(), fs::Permissions::from_mode(0o777)).unwrap();
    let said = machine.refused(1, ["init", "--bits", "2048"]);
    assert!(said.contains("chmod go-w"), "{said}");
    fs::set_permissions(machine.data_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let planted = machine.data_dir().join("master.key");
    fs::copy(donor.data_dir().join("master.key"), &planted).unwrap();
    if try_run("chown", &["65534", planted.to_str().unwrap()])
        .status
        .success()
    {
        let said = machine.refused(1, ["init", "--bits", "2048"]);
        assert!(said.contains("another user"), "{said}");
        assert!(
            !machine.data_dir().join("keystead.db").exists() || machine.run(["keyset", "list"]).status != 0
        );
    }
}

#[test]
fn leftovers_that_cannot_be_removed_do_not_keep_anybody_from_writing() {
    let machine = Machine::initialised();
    fs::create_dir(machine.path("drop")).unwrap();
    fs::create_dir(machine.path("drop/.keystead-0000000000000000.tmp")).unwrap();
    fs::set_permissions(machine.path("drop"), fs::Permissions::from_mode(0o300)).unwrap();
    machine.ok([
        "keyset",
        "export",
        "active",
        "--to",
        "drop/e.pem",
        "--unprotected",
    ]);
    fs::set_permissions(machine.path("drop"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn damaged_armor_is_told_from_a_broken_pipe() {
    if !have("age") {
        return;
    }
    let machine = Machine::initialised();
    let plain = machine.write("plain", content(100_000));
    let recipient = machine.ok(["keyset", "recipient"]);
    let armored = machine.at("armored");
    run("age", &["-a", "-r", recipient.trim(), "-o", &armored, &plain]);
    let whole = machine.read("armored");
    machine.write("cut", &whole[..whole.len() / 2]);
    let said = machine.refused(1, ["open", "cut", "-o", "out"]);
    assert!(said.contains("armor"), "{said}");
    assert!(!machine.path("out").exists());
}

#[test]
fn a_hint_cannot_forge_a_detail_of_the_audit_trail() {
    let machine = Machine::initialised();
    machine.ok(["keyset", "edit", "active", "--hint", "x outcome=refused \"y\""]);
    let trail = machine.ok(["audit", "list"]);
    assert!(trail.contains(r#"hint="x outcome=refused \"y\"""#), "{trail}");
    assert_eq!(text(&machine.active(), "hint"), "x outcome=refused \"y\"");
}
