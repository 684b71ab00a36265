//! Key files of every kind that OpenSSL makes, and of the kinds that nobody should make: each is accepted or refused as
//! it should be, by `import` and by `inspect` alike, and a refusal names what was found and stores nothing.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::path::Path;

use support::corpus::{Case, Corpus, Verdict};
use support::tools::have;
use support::{Machine, Ran, text};

#[test]
fn every_key_file_meets_its_verdict() {
    if !have("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cases = Corpus {
        folder: folder.path().to_owned(),
        cases: Vec::new(),
    }
    .make();
    let machine = Machine::initialised();
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(what) = check(&machine, folder.path(), case) {
            wrong.push(format!("{}: {what}", case.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    assert!(cases.len() > 40);
}

fn check(machine: &Machine, folder: &Path, case: &Case) -> Result<(), String> {
    let file = folder.join(case.name).to_str().unwrap().to_owned();
    let before = machine.keysets().len();
    let mut inspect = vec!["keyset", "inspect", &file];
    let mut import = vec!["keyset", "import", &file, "--yes", "--hint", case.name];
    let passphrase = case.passphrase.map(|p| machine.write("corpus-passphrase", p));
    for command in [&mut inspect, &mut import] {
        command.extend(
            passphrase
                .iter()
                .flat_map(|file| ["--passphrase-file", file.as_str()]),
        );
    }
    let (inspected, imported) = (machine.run(&inspect), machine.run(&import));
    match &case.verdict {
        Verdict::Accept { fingerprint } => {
            for ran in [&inspected, &imported] {
                if ran.status != 0 || !ran.out.contains(fingerprint.as_str()) {
                    return Err(format!("should be accepted: {}{}", ran.out, ran.err));
                }
            }
            let shown = machine.json(["keyset", "show", fingerprint]);
            assert_eq!(text(&shown, "state"), "inactive");
            machine.ok([
                "keyset",
                "delete",
                fingerprint,
                "--yes",
                "--force",
                "--reason",
                "next case",
            ]);
        }
        Verdict::Refuse { status, naming } => {
            for ran in [&inspected, &imported] {
                refused(ran, *status, naming)?;
            }
        }
    }
    match machine.keysets().len() == before {
        true => Ok(()),
        false => Err("a keyset was stored".into()),
    }
}

fn refused(ran: &Ran, status: i32, naming: &str) -> Result<(), String> {
    let Ran { err, out, .. } = ran;
    let named = err.to_lowercase().contains(&naming.to_lowercase());
    let explained = ["error: ", "  why: ", "  fix: "]
        .iter()
        .all(|line| err.contains(line));
    match ran.status == status && named && explained {
        true => Ok(()),
        false => Err(format!(
            "should be refused with {status}, naming \"{naming}\", got {}: {out}{err}",
            ran.status
        )),
    }
}
