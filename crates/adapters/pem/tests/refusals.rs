//! Files that are not read: each is told what it is, and what to do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use common::{PROTECTED, UNPROTECTED, block, refusal};
use keystead_application::ports::ExportCodecError;

fn unprotected() -> &'static str {
    std::str::from_utf8(UNPROTECTED).unwrap()
}

#[track_caller]
fn no_private_key(file: impl AsRef<[u8]>, words: &str) {
    match refusal(file) {
        ExportCodecError::NoPrivateKey { found } => assert!(found.contains(words), "{found}"),
        other => panic!("{words}: {other:?}"),
    }
}

#[track_caller]
fn not_accepted(file: impl AsRef<[u8]>, words: &str, advice: &str) {
    match refusal(file) {
        ExportCodecError::NotAccepted { found, fix } => {
            assert!(found.contains(words), "{found}");
            assert!(fix.contains(advice), "{fix}");
        }
        other => panic!("{words}: {other:?}"),
    }
}

#[track_caller]
fn damaged(file: impl AsRef<[u8]>, name: &str, words: &str) {
    match refusal(file) {
        ExportCodecError::Damaged { block, why } => {
            assert_eq!(block, name);
            assert!(why.contains(words), "{why}");
        }
        other => panic!("{name} {words}: {other:?}"),
    }
}

#[test]
fn files_without_a_private_key_are_described() {
    no_private_key("", "empty");
    no_private_key("\u{feff} \r\n\n", "empty");
    no_private_key("Dear Ada, see attachment.\n", "text without a PEM block");
    no_private_key("0123456789", "text without a PEM block");
    no_private_key("-----BEGIN", "text without a PEM block");
    no_private_key(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary data");
    no_private_key("ssh-rsa AAAAB3NzaC1yc2E= ada@example", "OpenSSH public key");
    no_private_key(block("CERTIFICATE", b"x"), "only CERTIFICATE");
    no_private_key(block("PUBLIC KEY", b"x"), "only PUBLIC KEY");
    no_private_key(
        format!(
            "{}{}",
            block("CERTIFICATE", b"x").repeat(3),
            block("RSA PUBLIC KEY", b"x")
        ),
        "only CERTIFICATE, RSA PUBLIC KEY",
    );
    no_private_key(unprotected().replace('\n', ""), "line breaks seem to be lost");
    no_private_key(block("PGP MESSAGE", b"x"), "PGP MESSAGE");
    // Nothing of a label reaches a terminal that could steer it.
    let ExportCodecError::NoPrivateKey { found } = refusal(block("\u{1b}[2J\u{7}EVIL", b"x")) else {
        panic!("another error");
    };
    assert!(found.ends_with("only [2JEVIL"), "{found}");
}

#[test]
fn other_formats_are_named_with_advice() {
    let utf16: Vec<u8> = "\u{feff}"
        .chars()
        .chain(unprotected().chars())
        .flat_map(|c| [c as u8, 0])
        .collect();
    let utf16 = [b"\xff\xfe", &utf16[2..]].concat();
    not_accepted(&utf16, "UTF-16", "UTF-8");
    not_accepted("PuTTY-User-Key-File-3: ssh-rsa\n", "PuTTY", "PuTTYgen");
    for (label, name, advice) in [
        ("EC PRIVATE KEY", "elliptic-curve", "RSA"),
        ("DSA PRIVATE KEY", "DSA", "RSA"),
        ("OPENSSH PRIVATE KEY", "OpenSSH", "ssh-keygen -p -m PKCS8"),
        ("PGP PRIVATE KEY BLOCK", "OpenPGP", "RSA"),
    ] {
        let file = block(label, b"x");
        not_accepted(&file, name, advice);
        // A file is imported whole or not at all.
        not_accepted(format!("{}{file}", unprotected()), name, advice);
        not_accepted(file.split("-----END").next().unwrap(), name, advice);
    }
    let ssh2 = "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n";
    not_accepted(ssh2, "SSH2", "ssh-keygen");
}

#[test]
fn damage_names_the_block() {
    let text = unprotected();
    let half = &text[..text.len() / 4];
    damaged(half, "PRIVATE KEY", "cut off");
    damaged(&text[..text.len() - 40], "KEYSTEAD KEYSET", "cut off");
    damaged(&text[100..], "PRIVATE KEY", "beginning is missing");
    damaged(
        text.replacen("END PRIVATE KEY", "END PUBLIC KEY", 1),
        "PRIVATE KEY",
        "cut off",
    );
    damaged(text.replacen("\nMII", "\nM*I", 1), "PRIVATE KEY", "not base64");
    damaged(text.replacen("\nMII", "\nMI", 1), "PRIVATE KEY", "not base64");
    damaged(
        text.replacen("PUBLIC KEY-----\nMII", "PUBLIC KEY-----\nM*I", 1),
        "PUBLIC KEY",
        "not base64",
    );
    damaged(
        "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----\n",
        "PRIVATE KEY",
        "empty",
    );
    damaged(
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "PUBLIC KEY",
        "empty",
    );
    damaged(
        block("ENCRYPTED PRIVATE KEY", b"no DER at all"),
        "ENCRYPTED PRIVATE KEY",
        "",
    );
    damaged(block("KEYSTEAD KEYSET", b"{}"), "KEYSTEAD KEYSET", "zero byte");
    damaged(
        block("KEYSTEAD KEYSET", b"{\0signature"),
        "KEYSTEAD KEYSET",
        "EOF",
    );
}

#[test]
fn an_error_never_holds_a_part_of_a_key() {
    let text = unprotected();
    let digits = text.lines().nth(2).unwrap();
    for file in [
        text[..1000].to_owned(),
        text.replacen(digits, &format!("{digits}*"), 1),
        text.replacen("PRIVATE KEY", "KEY", 1),
        text.replacen("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE", 1)
            .replacen("END PRIVATE", "END ENCRYPTED PRIVATE", 1),
        text.replace("PRIVATE KEY", "KEYSTEAD KEYSET"),
    ] {
        let error = refusal(file);
        let message = format!("{error} {error:?}");
        for part in digits.as_bytes().windows(8) {
            assert!(!message.contains(std::str::from_utf8(part).unwrap()), "{message}");
        }
    }
    assert!(std::str::from_utf8(PROTECTED).is_ok());
}
