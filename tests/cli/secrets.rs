//! Nothing secret is left where others look: the database and its log, temporary files, messages, core files.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use support::tools::{have, run};
use support::{Machine, PASSPHRASE};

/// A piece of a secret in one of the forms that it could be written in.
struct Needle {
    what: String,
    bytes: Vec<u8>,
}

#[test]
fn no_private_key_bytes_and_no_passphrase_are_left_anywhere() {
    if !have("openssl") || !have("sqlite3") {
        return;
    }
    let machine = Machine::new();
    fs::create_dir(machine.path("tmp")).unwrap();
    fs::create_dir(machine.path("safe")).unwrap();
    let mut said = Vec::new();
    let mut go = |args: &[&str]| {
        let mut command = machine.command(args);
        command
            .arg("-vvv")
            .env("TMPDIR", machine.path("tmp"))
            .env("RUST_LOG", "trace");
        let ran = support::ran(command.output().unwrap());
        assert_eq!(ran.status, 0, "{}", ran.err);
        said.extend(ran.stdout);
        said.extend(ran.err.into_bytes());
    };
    go(&[
        "init",
        "--bits",
        "2048",
        "--export-to",
        "safe/first.pem",
        "--passphrase-file",
        "passphrase",
    ]);
    // A reader keeps the write-ahead log in place, which a clean end would take away.
    let mut reader = Command::new("sqlite3");
    reader
        .arg(machine.data_dir().join("keystead.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut reader = reader.spawn().unwrap();
    writeln!(
        reader.stdin.as_mut().unwrap(),
        "BEGIN; SELECT count(*) FROM keysets;"
    )
    .unwrap();
    reader.stdout.as_mut().unwrap().read_exact(&mut [0; 2]).unwrap();
    go(&[
        "keyset",
        "create",
        "--bits",
        "2048",
        "--hint",
        "second",
        "--activate",
    ]);
    machine.write("plain", b"content");
    go(&["seal", "--password-file", "password", "-o", "sealed", "plain"]);
    go(&["open", "-o", "opened", "sealed"]);
    go(&[
        "open",
        "--password-file",
        "password",
        "-o",
        "opened-again",
        "sealed",
    ]);
    go(&[
        "keyset",
        "inspect",
        "safe/first.pem",
        "--passphrase-file",
        "passphrase",
    ]);
    go(&[
        "keyset",
        "export",
        "active",
        "--to",
        "safe/second.pem",
        "--passphrase-file",
        "passphrase",
    ]);
    let other = Machine::initialised();
    let foreign = other.export_protected("foreign.pem");
    go(&[
        "keyset",
        "import",
        &foreign,
        "--passphrase-file",
        "passphrase",
        "--yes",
    ]);
    go(&["keyset", "list"]);
    go(&["audit", "list"]);
    fs::copy(&foreign, machine.path("safe/foreign.pem")).unwrap();
    assert!(said.len() > 2000, "the most verbose level says something");

    let mut needles = vec![
        needle("the passphrase", PASSPHRASE.as_bytes()),
        needle("the passphrase in base64", STANDARD.encode(PASSPHRASE).as_bytes()),
        needle("the password", b"backup password"),
    ];
    for export in ["safe/first.pem", "safe/second.pem", "safe/foreign.pem"] {
        needles.extend(private_key_needles(&machine, export));
    }
    assert!(needles.len() > 20);

    let mut places = vec![("messages".to_owned(), said)];
    for folder in ["data", "tmp"] {
        for entry in fs::read_dir(machine.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            places.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    for needed in ["keystead.db", "keystead.db-wal"] {
        assert!(
            places
                .iter()
                .any(|(name, bytes)| name.ends_with(needed) && bytes.len() > 4096),
            "{needed}"
        );
    }
    drop(reader.stdin.take());
    reader.wait().unwrap();
    for (place, bytes) in &places {
        for Needle { what, bytes: needle } in &needles {
            assert!(!contains(bytes, needle), "{what} stands in {place}");
        }
    }
    // The search itself works: the same needles are found where they belong.
    let plain = machine.at("plain.pem");
    machine.ok(["keyset", "export", "active", "--to", &plain, "--unprotected"]);
    let der = der(&plain, None);
    assert!(needles.iter().filter(|n| contains(&der, &n.bytes)).count() > 3);
}

fn private_key_needles(machine: &Machine, export: &str) -> Vec<Needle> {
    let der = der(&machine.at(export), Some(PASSPHRASE));
    let mut needles = Vec::new();
    // The private numbers stand in the second half of the DER; a window anywhere in them is a leak.
    for start in (der.len() / 3..der.len() - 24).step_by(97) {
        let window = &der[start..start + 24];
        needles.push(needle(&format!("{export}, private key, raw at {start}"), window));
        let hex: String = window.iter().map(|b| format!("{b:02x}")).collect();
        needles.push(needle(
            &format!("{export}, private key, hex at {start}"),
            hex.as_bytes(),
        ));
        needles.push(needle(
            &format!("{export}, private key, upper hex"),
            hex.to_uppercase().as_bytes(),
        ));
        // 24 bytes that begin at a multiple of three are a run of base64 of their own.
        let aligned = start / 3 * 3;
        let base64 = STANDARD.encode(&der[aligned..aligned + 24]);
        needles.push(needle(
            &format!("{export}, private key, base64"),
            base64.as_bytes(),
        ));
        // As somebody's derived Debug would print it.
        let debug = format!("{:?}", &window[..8]);
        needles.push(needle(
            &format!("{export}, private key, Debug"),
            &debug.as_bytes()[1..debug.len() - 1],
        ));
    }
    needles
}

fn der(pem: &str, passphrase: Option<&str>) -> Vec<u8> {
    let out = tempfile::NamedTempFile::new().unwrap();
    let (path, pass) = (
        out.path().to_str().unwrap(),
        format!("pass:{}", passphrase.unwrap_or_default()),
    );
    run(
        "openssl",
        &[
            "pkey", "-in", pem, "-passin", &pass, "-outform", "DER", "-out", path,
        ],
    );
    fs::read(path).unwrap()
}

fn needle(what: &str, bytes: &[u8]) -> Needle {
    Needle {
        what: what.to_owned(),
        bytes: bytes.to_vec(),
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn files_are_for_their_owner_alone() {
    let machine = Machine::initialised();
    machine.export_protected("export.pem");
    machine.write("plain", b"x");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    machine.ok(["open", "-o", "opened", "sealed"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&machine.data_dir()), 0o700);
    for entry in fs::read_dir(machine.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for name in ["export.pem", "sealed", "opened"] {
        assert_eq!(mode(&machine.path(name)), 0o600, "{name}");
    }
}

#[test]
fn the_process_cannot_be_dumped() {
    let machine = Machine::initialised();
    // As an ordinary user: for root the kernel shows everything as root's anyway.
    let root = nix::unistd::getuid().is_root();
    let mut command = if root {
        if !have("setpriv") {
            return;
        }
        // The other user has to reach the program, the folder and the files.
        let program = machine.path("keystead");
        fs::copy(env!("CARGO_BIN_EXE_keystead"), &program).unwrap();
        run("chown", &["-R", "65534:65534", machine.home().to_str().unwrap()]);
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(program);
        command
    } else {
        machine.command(Vec::<String>::new())
    };
    command
        .args(["seal", "--no-password"])
        .env("KEYSTEAD_DATA_DIR", machine.data_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The header comes out while standard input is open, so the process is at work from here on.
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 21];
    stdout.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"age-encryption.org/v1");
    let process = format!("/proc/{}", child.id());
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(),
        ["0", "0"],
        "{core}"
    );
    // What belongs to a process that cannot be dumped belongs to root (proc(5), PR_SET_DUMPABLE).
    assert_eq!(fs::metadata(format!("{process}/maps")).unwrap().uid(), 0);
    child.stdin.take().unwrap().write_all(b"x").unwrap();
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_passphrase_is_no_argument() {
    let machine = Machine::initialised();
    for option in ["--passphrase", "--password"] {
        let ran = machine.run(["keyset", "export", "active", "--to", "x.pem", option, "secret"]);
        assert_eq!(ran.status, 2, "{option}: {}", ran.err);
    }
}
