//! Settings come from where they should, and say so.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use support::{Machine, text};

fn setting(machine: &Machine, extra: &[(&str, &str)], config: Option<&str>, key: &str) -> (String, String) {
    let mut args = vec!["config", "show", "--origin", "--output", "json"];
    args.extend(config.iter().flat_map(|file| ["--config", file]));
    let mut command = machine.command(args);
    command.envs(extra.iter().copied());
    let ran = support::ran(command.output().unwrap());
    assert_eq!(ran.status, 0, "{}", ran.err);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let found = json["settings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["key"] == key)
        .unwrap()
        .clone();
    (
        text(&found, "value").to_owned(),
        text(&found, "origin").to_owned(),
    )
}

#[test]
fn the_environment_beats_the_file_and_the_file_beats_the_default() {
    let machine = Machine::new();
    let file = machine.write("k.toml", "[keyset]\nbits = 3072\n");
    let of = |extra: &[(&str, &str)], config| setting(&machine, extra, config, "keyset.bits");
    assert_eq!(of(&[], None), ("4096".into(), "built-in default".into()));
    let (value, origin) = of(&[], Some(&file));
    assert_eq!(value, "3072");
    assert!(origin.contains("k.toml"), "{origin}");
    let environment = [("KEYSTEAD__KEYSET__BITS", "2048")];
    assert_eq!(
        of(&environment, Some(&file)),
        ("2048".into(), "environment".into())
    );
}

#[test]
fn a_setting_takes_effect() {
    let machine = Machine::new();
    let file = machine.write(
        "k.toml",
        "[keyset]\nbits = 2048\n[master_key]\nfile = \"elsewhere.key\"\n",
    );
    machine.ok(["--config", &file, "init"]);
    assert!(machine.path("elsewhere.key").is_file() && !machine.data_dir().join("master.key").exists());
    let shown = machine.json(["--config", &file, "keyset", "show", "active"]);
    assert_eq!(shown["bits"], 2048);
}

#[test]
fn unknown_and_wrong_settings_are_errors_that_name_them() {
    let machine = Machine::new();
    for (content, named) in [
        ("[keyset]\nbitz = 3072\n", "keyset.bitz"),
        ("[keyset]\nbits = \"many\"\n", "keyset.bits"),
        ("not toml at all", "k.toml"),
        ("[export]\npbkdf2_iterations = 1000\n", "1000"),
    ] {
        let file = machine.write("k.toml", content);
        let said = machine.refused(1, ["--config", &file, "keyset", "list"]);
        assert!(said.contains(named), "{named}: {said}");
    }
    let said = machine.refused(1, ["--config", "no-such.toml", "keyset", "list"]);
    assert!(said.contains("no-such.toml"), "{said}");
    let mut command = machine.command(["keyset", "list"]);
    let ran = support::ran(command.env("KEYSTEAD__KEYSET__BITZ", "1").output().unwrap());
    assert!(ran.status == 1 && ran.err.contains("keyset.bitz"), "{}", ran.err);
}

#[test]
fn the_data_folder_follows_the_xdg_specification() {
    let machine = Machine::new();
    let mut command = machine.command(["init", "--bits", "2048"]);
    command
        .env_remove("KEYSTEAD_DATA_DIR")
        .env("XDG_DATA_HOME", machine.path("xdg"));
    assert!(command.output().unwrap().status.success());
    assert!(machine.path("xdg/keystead/keystead.db").is_file());
    let mut command = machine.command(["init", "--bits", "2048"]);
    command.env_remove("KEYSTEAD_DATA_DIR");
    assert!(command.output().unwrap().status.success());
    assert!(machine.path(".local/share/keystead/keystead.db").is_file());
}

/// Neither where it belongs, nor where somebody put it by mistake, nor when the file cannot be read for another reason.
#[test]
fn secrets_in_settings_are_never_shown() {
    use std::os::unix::ffi::OsStrExt;
    let secret = "hunter2";
    let silent = |ran: support::Ran| {
        assert!(
            !ran.out.contains(secret) && !ran.err.contains(secret),
            "{}{}",
            ran.out,
            ran.err
        )
    };
    let machine = Machine::new();
    for (setting, value) in [
        ("DATABASE__PASSWORD", secret.to_owned()),
        ("MASTER_KEY__PKCS11__PIN", secret.to_owned()),
        ("MASTER_KEY__PASSPHRASE__PASSPHRASE", secret.to_owned()),
        ("DATABASE__URL", format!("postgres://ks:{secret}@db.example/ks")),
        (
            "DATABASE__URL",
            format!("postgres://ks@db.example/ks?password={secret}"),
        ),
        ("DATABASE__URL", format!("postgres://ks:a/{secret}@db.example/ks")),
        ("DATABASE__URL", format!("postgres:ks:{secret}@db.example/ks")),
        ("DATABASE__URL", format!("sqlite://ks:{secret}@host/x?y")),
    ] {
        for args in [&["config", "show", "--origin"][..], &["-vvv", "db", "status"]] {
            let mut command = machine.command(args);
            command
                .env(format!("KEYSTEAD__{setting}"), &value)
                .env("KEYSTEAD__DATABASE__RETRY_SECONDS", "0")
                .env("KEYSTEAD__DATABASE__BUSY_TIMEOUT_SECONDS", "1")
                .env("KEYSTEAD__MASTER_KEY__FILE", machine.at("master.key"));
            // A server is looked for where there is none; what is said of it is what counts.
            if args[0] != "config" && value.contains("db.example") {
                command.env(
                    "KEYSTEAD__DATABASE__URL",
                    value.replace("db.example", "127.0.0.1:1"),
                );
            }
            silent(support::ran(command.output().unwrap()));
        }
    }
    let file = machine.write("k.toml", format!("[database]\npassword = \"{secret}\n"));
    silent(machine.run(["--config", &file, "config", "show"]));
    let mut command = machine.command(["config", "show"]);
    let bytes = [secret.as_bytes(), b"\xff"].concat();
    command.env(
        "KEYSTEAD__DATABASE__PASSWORD",
        std::ffi::OsStr::from_bytes(&bytes),
    );
    let ran = support::ran(command.output().unwrap());
    assert!(ran.err.contains("KEYSTEAD__DATABASE__PASSWORD"), "{}", ran.err);
    silent(ran);
    // What is missing when it is needed does not keep settings from being looked at.
    let mut command = machine.command(["config", "show"]);
    let ran = support::ran(
        command
            .env("KEYSTEAD__DATABASE__PASSWORD_FILE", "/nowhere")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.status, 0, "{}", ran.err);
}
