//! The master key in a PKCS#11 token, with SoftHSM2 as the token.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::process::Command;

use support::{Machine, text, tools};

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];

/// A machine with a token of its own; `None` when there is no SoftHSM2.
fn machine_with_token() -> Option<Machine> {
    if !tools::have("softhsm2-util") {
        return None;
    }
    let module = MODULES.into_iter().find(|path| fs::exists(path).unwrap());
    let module = module.unwrap_or_else(|| panic!("softhsm2-util is here and its library is not"));
    let mut machine = Machine::new();
    fs::create_dir(machine.path("tokens")).unwrap();
    let conf = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\n",
        machine.at("tokens")
    );
    let conf = machine.write("softhsm2.conf", conf);
    machine.set("SOFTHSM2_CONF", &conf);
    let made = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", &conf)
        .args([
            "--init-token",
            "--free",
            "--label",
            "vault",
            "--pin",
            "247100",
            "--so-pin",
            "998877",
        ])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    machine.write("pin", "247100\n");
    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__MODULE", module);
    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__TOKEN", "vault");
    let pin = machine.at("pin");
    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__PIN_FILE", &pin);
    Some(machine)
}

/// What OpenSC's own tool says about the keys of the token.
fn keys_on_token(machine: &Machine) -> Option<String> {
    if !tools::have("pkcs11-tool") {
        return None;
    }
    let mut command = Command::new("pkcs11-tool");
    command.args([
        "--list-objects",
        "--type",
        "secrkey",
        "--login",
        "--pin",
        "247100",
    ]);
    for (name, value) in machine.environment() {
        match name.as_str() {
            "SOFTHSM2_CONF" => drop(command.env(name, value)),
            "KEYSTEAD__MASTER_KEY__PKCS11__MODULE" => drop(command.args(["--module", value])),
            _ => {}
        }
    }
    let listed = command.output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    Some(String::from_utf8(listed.stdout).unwrap())
}

#[test]
fn an_installation_lives_on_the_token_alone() {
    let Some(mut machine) = machine_with_token() else {
        return;
    };
    machine.set("KEYSTEAD__MASTER_KEY__PROVIDER", "pkcs11");
    machine.ok(["init", "--bits", "2048"]);
    assert!(!machine.data_dir().join("master.key").exists());
    machine.write("plain", b"content");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    assert_eq!(machine.run(["open", "sealed"]).stdout, b"content");
    let status = machine.json(["master-key", "status"]);
    assert_eq!(
        (text(&status, "provider"), &status["opens"]),
        ("pkcs11", &true.into())
    );
    if let Some(keys) = keys_on_token(&machine) {
        assert!(
            keys.contains("keystead-master-key") && keys.contains("sensitive"),
            "{keys}"
        );
        assert!(
            keys.contains("never extractable"),
            "the key never leaves the token: {keys}"
        );
    }
}

#[test]
fn from_the_file_to_the_token_and_back() {
    let Some(machine) = machine_with_token() else {
        return;
    };
    machine.ok(["init", "--bits", "2048"]);
    machine.ok(["keyset", "create", "--bits", "2048", "--hint", "second"]);
    machine.write("plain", b"content");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    let to_token = machine.json(["master-key", "rotate", "--to", "pkcs11"]);
    assert_eq!(
        (text(&to_token, "provider"), &to_token["private_keys"]),
        ("pkcs11", &2.into())
    );
    fs::rename(machine.data_dir().join("master.key"), machine.path("taken away")).unwrap();
    assert_eq!(machine.run(["open", "sealed"]).stdout, b"content");
    machine.ok([
        "keyset",
        "create",
        "--bits",
        "2048",
        "--hint",
        "made under the token",
    ]);

    let back = machine.json(["master-key", "rotate", "--to", "key-file"]);
    assert_eq!(
        (text(&back, "provider"), &back["private_keys"]),
        ("key-file", &3.into())
    );
    fs::remove_dir_all(machine.path("tokens")).unwrap();
    assert_eq!(machine.run(["open", "sealed"]).stdout, b"content");
    machine.ok(["keyset", "export", "--all", "--to", "all.pem", "--unprotected"]);
    machine.ok(["audit", "verify"]);
}

#[test]
fn a_missing_token_and_a_wrong_pin_are_clear_refusals() {
    let Some(mut machine) = machine_with_token() else {
        return;
    };
    machine.ok(["init", "--bits", "2048"]);
    machine.ok(["master-key", "rotate", "--to", "pkcs11"]);
    let export = ["keyset", "export", "active", "--to", "x.pem", "--unprotected"];

    machine.write("pin", "000000\n");
    let said = machine.refused(4, export);
    assert!(said.contains("PIN") && said.contains("wrong"), "{said}");
    assert!(!said.contains("000000"), "{said}");
    machine.write("pin", "247100\n");

    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__TOKEN", "another");
    let said = machine.refused(1, export);
    assert!(said.contains("another") && said.contains("vault"), "{said}");
    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__TOKEN", "vault");

    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__KEY", "another-key");
    let said = machine.refused(1, export);
    assert!(said.contains("another-key"), "{said}");
    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__KEY", "keystead-master-key");

    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__MODULE", "/nowhere/lib.so");
    let said = machine.refused(1, export);
    assert!(said.contains("/nowhere/lib.so"), "{said}");

    machine.set("KEYSTEAD__MASTER_KEY__PKCS11__MODULE", "");
    let said = machine.refused(1, export);
    assert!(said.contains("pkcs11") && said.contains("set up"), "{said}");
    assert_eq!(machine.keysets().len(), 1, "the list is shown all the same");
    assert!(!machine.path("x.pem").exists());
}
