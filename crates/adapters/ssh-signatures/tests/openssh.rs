//! What OpenSSH's own tools sign is verified here, and what is signed here is verified by them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::fs;

use keystead_application::ports::{SshSignatureError, SshSignatures};
use keystead_domain::SecretBytes;
use keystead_ssh_signatures::OpenSshSignatures;
use support::{NAMESPACE, OpenSsh, Parts, armored, strings};

const KINDS: [(&str, &[&str]); 7] = [
    ("ed25519", &["-t", "ed25519"]),
    ("ecdsa-256", &["-t", "ecdsa", "-b", "256"]),
    ("ecdsa-384", &["-t", "ecdsa", "-b", "384"]),
    ("ecdsa-521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa-2048", &["-t", "rsa", "-b", "2048"]),
    ("rsa-3072", &["-t", "rsa", "-b", "3072"]),
    ("rsa-4096", &["-t", "rsa", "-b", "4096"]),
];
const MESSAGE: &[u8] = b"the officer says yes\n";
const SSH: OpenSshSignatures = OpenSshSignatures;

#[test]
fn what_ssh_keygen_signs_with_any_key_is_verified() {
    let Some(tools) = OpenSsh::find(&["ssh-keygen"]) else {
        return;
    };
    for (name, kind) in KINDS {
        let key = SSH.read_key(&tools.make_key(name, kind)).unwrap();
        for hash in ["hashalg=sha512", "hashalg=sha256"] {
            let signature = SSH.dearmor(&tools.sign(name, MESSAGE, &["-O", hash])).unwrap();
            assert_eq!(SSH.claimed_key(&signature).unwrap(), key, "{name}");
            SSH.verify(&key, NAMESPACE, MESSAGE, &signature).unwrap();
            let other = SSH.verify(&key, NAMESPACE, b"the officer says no\n", &signature);
            assert_eq!(other, Err(SshSignatureError::BadSignature), "{name}");
            let elsewhere = SSH.verify(&key, "file", MESSAGE, &signature);
            assert!(
                matches!(elsewhere, Err(SshSignatureError::OtherNamespace { .. })),
                "{name}"
            );
        }
    }
}

#[test]
fn no_changed_byte_of_any_signature_is_accepted() {
    let Some(tools) = OpenSsh::find(&["ssh-keygen"]) else {
        return;
    };
    for (name, kind) in KINDS {
        let key = SSH.read_key(&tools.make_key(name, kind)).unwrap();
        let signature = SSH.dearmor(&tools.sign(name, MESSAGE, &[])).unwrap();
        for position in 0..signature.len() {
            for bit in 0..8 {
                let mut changed = signature.clone();
                changed[position] ^= 1 << bit;
                let refused = SSH.verify(&key, NAMESPACE, MESSAGE, &changed);
                assert!(refused.is_err(), "{name}: bit {bit} of byte {position}");
            }
        }
    }
}

#[test]
fn keys_are_called_as_ssh_keygen_calls_them() {
    let Some(tools) = OpenSsh::find(&["ssh-keygen"]) else {
        return;
    };
    for (name, kind) in KINDS {
        let line = tools.make_key(name, kind);
        let key = SSH.read_key(&line).unwrap();
        assert_eq!(format!("{key} ada@example.org\n"), line);
        let file = tools.path(&format!("{name}.pub"));
        let listed = tools.run("ssh-keygen", &["-l", "-f", file.to_str().unwrap()]);
        let listed = String::from_utf8(listed).unwrap();
        assert_eq!(listed.split(' ').nth(1), Some(key.fingerprint().as_str()));
    }
}

#[test]
fn a_key_in_an_agent_signs() {
    let Some(mut tools) = OpenSsh::find(&["ssh-keygen", "ssh-agent", "ssh-add"]) else {
        return;
    };
    tools.start_agent();
    for (name, kind) in [KINDS[0], KINDS[1], KINDS[5]] {
        let key = SSH.read_key(&tools.make_key(name, kind)).unwrap();
        tools.move_into_agent(name);
        let signed = tools.sign(&format!("{name}.pub"), MESSAGE, &[]);
        let signature = SSH.dearmor(&signed).unwrap();
        SSH.verify(&key, NAMESPACE, MESSAGE, &signature).unwrap();
    }
}

#[test]
fn rsa_with_sha_256_is_verified_and_with_sha_1_is_not() {
    let Some(tools) = OpenSsh::find(&["ssh-keygen", "openssl"]) else {
        return;
    };
    let line = tools.make_key("rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
    let key = SSH.read_key(&line).unwrap();
    for (hash, kind, accepted) in [
        ("-sha256", "rsa-sha2-256", true),
        ("-sha512", "rsa-sha2-512", true),
        ("-sha1", "ssh-rsa", false),
        ("-sha512", "rsa-sha2-256", false),
        ("-sha1", "rsa-sha2-256", false),
    ] {
        let mut parts = Parts::new(key.wire().to_vec());
        fs::write(tools.path("signed"), parts.signed(MESSAGE)).unwrap();
        let bare = tools.run("openssl", &["dgst", hash, "-sign", "rsa", "signed"]);
        parts.signature = strings(&[kind.as_bytes(), &bare]);
        assert_eq!(
            SSH.verify(&key, NAMESPACE, MESSAGE, &parts.bytes()).is_ok(),
            accepted,
            "{hash} as {kind}"
        );
        assert_eq!(
            tools.accepts(&line, MESSAGE, &parts.armored()),
            accepted,
            "{hash} as {kind}"
        );
    }
}

#[test]
fn ssh_keygen_verifies_what_is_signed_here() {
    let Some(tools) = OpenSsh::find(&["ssh-keygen"]) else {
        return;
    };
    let seed = [7; 32];
    let public_key = ed25519_dalek::SigningKey::from_bytes(&seed)
        .verifying_key()
        .to_bytes();
    let line = SSH.ed25519_key(&public_key).to_string();
    for len in [0, 1, 100_000] {
        let message = vec![b'm'; len];
        let signature = SSH
            .sign(&SecretBytes::new(seed.to_vec()), NAMESPACE, &message)
            .unwrap();
        assert!(tools.accepts(&line, &message, &armored(&signature)));
        assert!(!tools.accepts(&line, &[&message[..], b"!"].concat(), &armored(&signature)));
    }
}

#[test]
fn keys_that_are_too_weak_or_no_keys_of_a_person_are_refused_with_the_reason() {
    let Some(tools) = OpenSsh::find(&["ssh-keygen"]) else {
        return;
    };
    let why = |line: &str| match SSH.read_key(line) {
        Err(SshSignatureError::KeyNotAccepted(why)) => why,
        other => panic!("{other:?}"),
    };
    let short = why(&tools.make_key("short", &["-t", "rsa", "-b", "1024"]));
    assert!(
        short.contains("1024 bits") && short.contains("ssh-keygen -t"),
        "{short}"
    );
    let dsa = why(&tools.make_key("dsa", &["-t", "dsa"]));
    assert!(dsa.contains("DSA keys are too weak"), "{dsa}");

    tools.make_key("authority", &["-t", "ed25519"]);
    let plain = tools.make_key("person", &["-t", "ed25519"]);
    let (authority, person) = (tools.path("authority"), tools.path("person.pub"));
    let certify = [
        "-q",
        "-s",
        authority.to_str().unwrap(),
        "-I",
        "ada",
        person.to_str().unwrap(),
    ];
    tools.run("ssh-keygen", &certify);
    let certificate = why(&fs::read_to_string(tools.path("person-cert.pub")).unwrap());
    assert!(certificate.contains("certificate"), "{certificate}");

    let private = why(&fs::read_to_string(tools.path("person")).unwrap());
    assert!(private.contains(".pub file"), "{private}");
    let options = why(&format!("restrict,command=\"true\" {plain}"));
    assert!(options.contains("options"), "{options}");
    let two = why(&format!("{plain}{plain}"));
    assert!(two.contains("several lines"), "{two}");
    let cut = why(&plain[..40]);
    assert!(cut.contains("base64") || cut.contains("malformed"), "{cut}");
}
