//! Programs that we did not write, as oracles.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Whether the program is there. When it is not, the test says so and is counted as not run; where everything has to
/// run (KEYSTEAD_TEST_ALL is set), it fails.
pub fn have(program: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file());
    if !found {
        assert!(
            std::env::var_os("KEYSTEAD_TEST_ALL").is_none(),
            "{program} is missing"
        );
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        // Past the test harness, which would swallow it.
        let note = format!("not run: {name}: {program} is missing\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), note.as_bytes());
    }
    found
}

/// Runs a program that has to succeed, and gives its standard output.
pub fn run(program: &str, args: &[&str]) -> Vec<u8> {
    let output = try_run(program, args);
    assert!(
        output.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Runs a program that has to succeed, gives it an input, and gives its standard output.
pub fn piped(program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(
        output.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

pub fn try_run(program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The fingerprint as OpenSSL and sha256sum make it.
pub fn openssl_fingerprint(pem: &Path, passphrase: Option<&str>) -> String {
    let pass = passphrase.map(|p| format!("pass:{p}"));
    let mut args = vec!["pkey", "-in", pem.to_str().unwrap(), "-pubout", "-outform", "DER"];
    args.extend(pass.iter().flat_map(|p| ["-passin", p.as_str()]));
    let der = tempfile::NamedTempFile::new().unwrap();
    let path = der.path().to_str().unwrap();
    args.extend(["-out", path]);
    run("openssl", &args);
    let line = String::from_utf8(run("sha256sum", &[path])).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

/// The bytes that hexadecimal digits stand for.
pub fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}
