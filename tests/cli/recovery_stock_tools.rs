//! The texts of recoveries in tests/fixtures/recovery are what OpenSSH and age take them for, and the commands in
//! docs/formats.md that check such texts work as they stand there.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use support::text;
use support::tools::{from_hex, have};

/// The namespace of approvals.
const APPROVAL: &str = "keystead-recovery-approval";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/recovery")
        .join(name)
}

fn fixture(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// What the texts hold, as the script wrote it down.
fn expected() -> Value {
    serde_json::from_str(&fixture("expected.json")).unwrap()
}

/// The two parts of a text, found without our reader.
fn parts(name: &str) -> (Vec<u8>, Vec<u8>) {
    let document = fixture(name);
    let letters: String = document.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = STANDARD.decode(letters).unwrap();
    let end = bytes.iter().position(|byte| *byte == 0).unwrap();
    (bytes[..end].to_vec(), bytes[end + 1..].to_vec())
}

/// Whether ssh-keygen says that the signer signed the message.
fn openssh_accepts(who: &str, namespace: &str, message: &[u8], armored: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (signature, content) = (folder.path().join("signature"), folder.path().join("message"));
    fs::write(&signature, armored).unwrap();
    fs::write(&content, message).unwrap();
    Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", who, "-n", namespace, "-f"])
        .arg(path("allowed_signers"))
        .arg("-s")
        .arg(&signature)
        .stdin(fs::File::open(&content).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[test]
fn openssh_accepts_the_signature_of_every_text() {
    if !have("ssh-keygen") {
        return;
    }
    for (name, who, namespace) in [
        ("enrolment.txt", "server", "keystead-server-enrolment"),
        ("confirmation.txt", "manager", "keystead-server-confirmation"),
        ("request.txt", "server", "keystead-recovery-request"),
        ("response.txt", "manager", "keystead-recovery-response"),
    ] {
        let (json, signature) = parts(name);
        let armored = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            STANDARD.encode(signature)
        );
        assert!(openssh_accepts(who, namespace, &json, &armored), "{name}");
        let changed = [&json[..], b" "].concat();
        assert!(!openssh_accepts(who, namespace, &changed, &armored), "{name}");
    }
    let (statement, signature) = (fixture("statement.txt"), fixture("statement.txt.sig"));
    assert!(openssh_accepts(
        "officer",
        APPROVAL,
        statement.as_bytes(),
        &signature
    ));
    assert!(!openssh_accepts(
        "officer",
        "file",
        statement.as_bytes(),
        &signature
    ));
}

#[test]
fn the_commands_of_the_documentation_check_the_texts() {
    if !["bash", "ssh-keygen", "age", "python3"].into_iter().all(have) {
        return;
    }
    let documentation = path("../../../docs/formats.md");
    let documentation = fs::read_to_string(documentation).unwrap();
    let section = documentation
        .split("### Checking a text with stock tools")
        .nth(1)
        .unwrap();
    let blocks: Vec<&str> = section
        .split("### ")
        .next()
        .unwrap()
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let [take_apart, verify, approval, open] = blocks.as_slice() else {
        panic!("other commands than before: {blocks:?}");
    };
    let of_response = |commands: &str| {
        commands
            .replace("request", "response")
            .replace("-I server", "-I manager")
    };
    let script = [
        take_apart,
        verify,
        &*of_response(take_apart),
        &of_response(verify),
        approval,
        open,
    ]
    .concat();

    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(path("")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let output = Command::new("bash")
        .args(["-e", "-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(text(&expected(), "request_digest")), "{said}");
    assert_eq!(said.matches("Good \"keystead-").count(), 3, "{said}");
    assert!(said.contains(">keystead-file-ke<"), "{said}");
}

#[test]
fn stock_age_opens_the_file_keys() {
    if !have("age") {
        return;
    }
    let (json, _) = parts("response.txt");
    let response: Value = serde_json::from_slice(&json).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let encrypted = folder.path().join("encrypted");
    fs::write(&encrypted, STANDARD.decode(text(&response, "encrypted")).unwrap()).unwrap();
    let opened = Command::new("age")
        .args(["-d", "-i"])
        .args([path("response-key.txt"), encrypted])
        .output()
        .unwrap();
    assert_eq!(opened.stdout, from_hex(text(&expected(), "file_keys")));
}
