//! What other people's programs make of our files, and we of theirs.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use support::tools::{have, openssl_fingerprint, run};
use support::{Machine, PASSPHRASE, content, text};

#[test]
fn openssl_reads_both_parts_of_an_export() {
    if !have("openssl") {
        return;
    }
    let machine = Machine::initialised();
    let fingerprint = text(&machine.active(), "fingerprint").to_owned();
    let plain = machine.export_plain("plain.pem");
    let protected = machine.export_protected("protected.pem");
    assert_eq!(openssl_fingerprint(plain.as_ref(), None), fingerprint);
    assert_eq!(
        openssl_fingerprint(protected.as_ref(), Some(PASSPHRASE)),
        fingerprint
    );
    for export in [&plain, &protected] {
        let public = run(
            "openssl",
            &["pkey", "-pubin", "-in", export, "-noout", "-text_pub"],
        );
        assert!(String::from_utf8_lossy(&public).contains("2048 bit"));
    }
    run("openssl", &["pkey", "-in", &plain, "-check", "-noout"]);
    assert!(
        machine
            .read("plain.pem")
            .starts_with(b"-----BEGIN PRIVATE KEY-----\n")
    );
    assert!(
        machine
            .read("protected.pem")
            .starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    );
}

#[test]
fn stock_age_opens_a_sealed_file_with_the_export() {
    if !have("age") {
        return;
    }
    let machine = Machine::initialised();
    let export = machine.export_plain("export.pem");
    for len in [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_000] {
        machine.write("plain", content(len));
        machine.ok([
            "seal",
            "--password-file",
            "password",
            "-o",
            "sealed",
            "--overwrite",
            "plain",
        ]);
        let opened = run("age", &["-d", "-i", &export, &machine.at("sealed")]);
        assert!(opened == content(len), "{len} bytes");
    }
}

#[test]
fn what_age_sealed_opens_here() {
    if have("age") {
        opens_here("age");
    }
}

#[test]
fn what_rage_sealed_opens_here() {
    if have("rage") {
        opens_here("rage");
    }
}

fn opens_here(program: &str) {
    let machine = Machine::initialised();
    let recipient = machine.ok(["keyset", "recipient"]).trim().to_owned();
    for len in [0, 1, 65_536, 300_000] {
        let plain = machine.write("plain", content(len));
        let sealed = machine.at("sealed");
        run(program, &["-r", &recipient, "-o", &sealed, &plain]);
        let opened = machine.run(["open", "sealed"]);
        assert_eq!(opened.status, 0, "{}", opened.err);
        assert!(opened.stdout == content(len), "{program}, {len} bytes");

        let armored = machine.at("armored");
        run(program, &["-a", "-r", &recipient, "-o", &armored, &plain]);
        let opened = machine.run(["open", "armored"]);
        assert_eq!(opened.status, 0, "{program} -a, {len} bytes: {}", opened.err);
        assert!(opened.stdout == content(len), "{program} -a, {len} bytes");
    }
    let slots = machine.ok(["slots", "sealed"]);
    assert!(slots.contains("yes: \"first\""), "{slots}");
}

#[test]
fn ssh_keygen_reads_the_recipient_line() {
    if !have("ssh-keygen") {
        return;
    }
    let machine = Machine::initialised();
    let line = machine.write("recipient.pub", machine.ok(["keyset", "recipient"]));
    let pem = run("ssh-keygen", &["-e", "-m", "PKCS8", "-f", &line]);
    let pem = machine.write("from-ssh.pem", pem);
    let der = machine.at("from-ssh.der");
    run(
        "openssl",
        &["pkey", "-pubin", "-in", &pem, "-outform", "DER", "-out", &der],
    );
    let sum = String::from_utf8(run("sha256sum", &[&der])).unwrap();
    assert!(sum.starts_with(text(&machine.active(), "fingerprint")));
}

#[test]
fn keys_of_other_origin_import_with_a_given_hint() {
    if !have("openssl") {
        return;
    }
    let machine = Machine::initialised();
    let key = machine.at("foreign.pem");
    run(
        "openssl",
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
            "-out",
            &key,
        ],
    );
    let refusal = machine.refused(1, ["keyset", "import", &key, "--yes"]);
    assert!(refusal.contains("--hint"), "{refusal}");
    machine.ok([
        "keyset",
        "import",
        &key,
        "--yes",
        "--hint",
        "from another product",
    ]);
    let imported = machine.json(["keyset", "show", &openssl_fingerprint(key.as_ref(), None)]);
    assert_eq!(imported["hint"], "from another product");
    assert_eq!(imported["origin"], "imported");
}
