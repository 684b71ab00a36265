//! The master key: rotated, killed half-way, moved between providers.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keystead_application::ports::{MasterKeyProvider, Store};
use keystead_domain::{
    Action, Actor, ActorKind, AuditEvent, Keyset, KeysetId, Outcome, PublicKey, RsaPublicNumbers,
    SecretBytes, Timestamp, keyset::Origin,
};
use keystead_key_file::KeyFileMasterKeyProvider;
use keystead_seaorm::{SeaOrmOptions, SeaOrmStore};
use keystead_system::OsRandomness;
use support::servers::{Engine, Server};
use support::{Machine, text};

/// How many keysets and how many kills; `just rotation` runs the long counts.
fn keysets() -> u32 {
    std::env::var("KEYSTEAD_TEST_KEYSETS").map_or(1_000, |n| n.parse().unwrap())
}

fn kills() -> u32 {
    std::env::var("KEYSTEAD_TEST_KILLS").map_or(12, |n| n.parse().unwrap())
}

#[test]
fn a_rotation_that_is_killed_again_and_again_loses_nothing_on_sqlite() {
    let machine = Machine::initialised();
    let database = SeaOrmOptions::for_sqlite_file(&machine.data_dir().join("keystead.db")).unwrap();
    let key = machine.data_dir().join("master.key");
    killed_at_random(&machine, database, key);
}

#[test]
fn a_rotation_that_is_killed_again_and_again_loses_nothing_on_postgres() {
    on_server(Engine::Postgres);
}

#[test]
fn a_rotation_that_is_killed_again_and_again_loses_nothing_on_mariadb() {
    on_server(Engine::MariaDb);
}

fn on_server(engine: Engine) {
    let Some(server) = Server::start(engine) else {
        return;
    };
    let url = server.create_database();
    let machine = Machine::on_database(&url);
    machine.ok(["init", "--bits", "2048"]);
    let key = machine.path("master.key");
    killed_at_random(&machine, SeaOrmOptions::new(url), key);
}

fn killed_at_random(machine: &Machine, database: SeaOrmOptions, key: std::path::PathBuf) {
    machine.write("plain", b"content");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fill(&database, &key));
    let rotate = || {
        let mut command = machine.command(["master-key", "rotate"]);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    #[allow(clippy::disallowed_methods)] // Measures how long the moments are to be spread.
    let begun = Instant::now();
    assert!(rotate().wait().unwrap().success());
    let usual = begun.elapsed();
    let mut killed = 0;
    for round in 0..kills() {
        let mut child = rotate();
        // The moment is what is being tried here; nothing waits for anything by it.
        let fraction = (f64::from(round) * 0.618_033_988_749_895).fract();
        std::thread::sleep(usual.mul_f64(fraction * 1.05) + Duration::from_millis(1));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // One master key opens everything at every moment.
        let opened = machine.run(["open", "sealed"]);
        assert!(opened.stdout == b"content", "round {round}: {}", opened.err);
    }
    assert!(killed > kills() / 2, "only {killed} were running when killed");
    let rotated = machine.json(["master-key", "rotate"]);
    assert_eq!(rotated["private_keys"], keysets() + 1);
    let status = machine.json(["master-key", "status"]);
    assert_eq!(status["sealed"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(status["staged"].as_array().unwrap().len(), 0, "{status}");
    assert_eq!(status["sealed"][0]["private_keys"], keysets() + 1);
    runtime.block_on(read_all(&database, &key));
    machine.ok(["audit", "verify"]);
    machine.ok(["keyset", "export", "active", "--to", "x.pem", "--unprotected"]);
}

/// A keyset whose key is made up: what matters here is that its private bytes come back.
fn made_up(n: u32) -> (Keyset, SecretBytes) {
    let mut id = [7; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    let mut modulus = vec![0xc5; 256];
    modulus[100..104].copy_from_slice(&n.to_be_bytes());
    let numbers = RsaPublicNumbers {
        modulus,
        exponent: vec![1, 0, 1],
    };
    let public = PublicKey::new(format!("made-up key {n}").into_bytes(), &numbers).unwrap();
    let at = Timestamp::from_micros(1_764_000_000_000_000 + i64::from(n)).unwrap();
    let hint = format!("made up {n}").parse().unwrap();
    let keyset = Keyset::new(
        KeysetId::from_random_bytes(id),
        hint,
        public,
        Origin::Generated,
        at,
    );
    let private = support::content(1_200 + n as usize % 7);
    (keyset, SecretBytes::new(private))
}

async fn master_key(key: &std::path::Path) -> Arc<dyn keystead_application::ports::MasterKey> {
    let provider = KeyFileMasterKeyProvider::new(key, Arc::new(OsRandomness));
    provider.keys().await.unwrap().swap_remove(0)
}

async fn fill(database: &SeaOrmOptions, key: &std::path::Path) {
    let store = SeaOrmStore::connect(database.clone()).await.unwrap();
    let master_key = master_key(key).await;
    let actor = Actor {
        kind: ActorKind::Manager,
        id: "test".into(),
    };
    for chunk in (0..keysets()).collect::<Vec<_>>().chunks(500) {
        let mut unit = store.begin().await.unwrap();
        for n in chunk {
            let (keyset, private) = made_up(*n);
            let sealed = master_key
                .seal(&private, &keyset.sealing_context())
                .await
                .unwrap();
            unit.insert_keyset(&keyset, &sealed).await.unwrap();
        }
        let event = AuditEvent::new(
            made_up(0).0.created_at(),
            actor.clone(),
            Action::KeysetCreate,
            Outcome::Done,
        );
        unit.append_audit(&event).await.unwrap();
        unit.commit().await.unwrap();
    }
    store.close().await.unwrap();
}

async fn read_all(database: &SeaOrmOptions, key: &std::path::Path) {
    let store = SeaOrmStore::connect(database.clone()).await.unwrap();
    let master_key = master_key(key).await;
    let mut snapshot = store.snapshot().await.unwrap();
    for n in 0..keysets() {
        let (keyset, private) = made_up(n);
        let sealed = snapshot.sealed_private_key(keyset.id()).await.unwrap().unwrap();
        let opened = master_key.open(&sealed, &keyset.sealing_context()).await.unwrap();
        assert!(opened.expose() == private.expose(), "keyset {n}");
    }
    drop(snapshot);
    store.close().await.unwrap();
}

#[test]
fn a_rotation_keeps_the_old_key_for_old_backups_of_the_database() {
    let machine = Machine::initialised();
    let before = fs::read(machine.data_dir().join("keystead.db")).unwrap();
    let rotated = machine.json(["master-key", "rotate"]);
    let old = text(&rotated, "old_kept_at").to_owned();
    assert!(fs::exists(&old).unwrap(), "{old}");
    machine.ok(["keyset", "export", "active", "--to", "now.pem", "--unprotected"]);

    // The backup of the database from before opens with it.
    let mut restored = Machine::new();
    fs::create_dir(restored.data_dir()).unwrap();
    fs::write(restored.data_dir().join("keystead.db"), before).unwrap();
    restored.set("KEYSTEAD__MASTER_KEY__FILE", &old);
    restored.ok(["keyset", "export", "active", "--to", "then.pem", "--unprotected"]);
    let public = |machine: &Machine, file: &str| {
        text(
            &machine.json(["keyset", "inspect", file])["keysets"][0],
            "fingerprint",
        )
        .to_owned()
    };
    assert_eq!(public(&machine, "now.pem"), public(&restored, "then.pem"));
}

#[test]
fn the_passphrase_provider_needs_its_passphrase() {
    let mut machine = Machine::new();
    machine.set("KEYSTEAD__MASTER_KEY__PROVIDER", "passphrase");
    let said = machine.refused(4, ["init", "--bits", "2048"]);
    assert!(said.contains("passphrase_file"), "{said}");
    let file = machine.at("passphrase");
    machine.set("KEYSTEAD__MASTER_KEY__PASSPHRASE__PASSPHRASE_FILE", &file);
    machine.ok(["init", "--bits", "2048"]);
    machine.write("plain", b"content");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    assert_eq!(machine.run(["open", "sealed"]).stdout, b"content");
    assert!(!machine.data_dir().join("master.key").exists());

    machine.write("passphrase", "another passphrase\n");
    let said = machine.refused(4, ["open", "-o", "never", "sealed"]);
    assert!(said.contains("passphrase"), "{said}");
    assert!(!said.contains("another passphrase"), "{said}");
    // What needs no master key is still shown.
    assert_eq!(machine.keysets().len(), 1);
}

/// The new key has a passphrase of its own; both files are there until somebody tidies up.
#[test]
fn a_rotation_to_a_new_passphrase_can_be_killed_and_gone_on_with() {
    let mut machine = Machine::new();
    machine.set("KEYSTEAD__MASTER_KEY__PROVIDER", "passphrase");
    let file = machine.at("passphrase");
    machine.set("KEYSTEAD__MASTER_KEY__PASSPHRASE__PASSPHRASE_FILE", &file);
    machine.ok(["init", "--bits", "2048"]);
    machine.write("plain", b"content");
    machine.ok(["seal", "--no-password", "-o", "sealed", "plain"]);
    let new = machine.write("new-passphrase", "an entirely new passphrase\n");
    machine.set("KEYSTEAD__MASTER_KEY__PASSPHRASE__NEW_PASSPHRASE_FILE", &new);
    let next = machine.data_dir().join("master.passphrase.next");
    let mut child = machine
        .command(["master-key", "rotate"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Killed when the new key is there, or done before it could be.
    while !fs::exists(&next).unwrap() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(machine.run(["open", "sealed"]).stdout, b"content");
    machine.ok(["master-key", "rotate"]);
    assert_eq!(machine.run(["open", "sealed"]).stdout, b"content");
    // The new passphrase alone opens it from now on.
    machine.write("passphrase", "an entirely new passphrase\n");
    machine.set("KEYSTEAD__MASTER_KEY__PASSPHRASE__NEW_PASSPHRASE_FILE", "");
    assert_eq!(machine.run(["open", "sealed"]).stdout, b"content");
}

#[test]
fn a_systemd_credential_takes_the_place_of_a_key_file() {
    let mut machine = Machine::initialised();
    let credentials = machine.path("credentials");
    fs::create_dir(&credentials).unwrap();
    machine.set("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap());
    machine.set("KEYSTEAD__MASTER_KEY__PROVIDER", "systemd-credential");

    // A rotation to a credential that is not there says how to make one.
    let said = machine.refused(1, ["master-key", "rotate", "--to", "systemd-credential"]);
    assert!(said.contains("systemd-creds encrypt"), "{said}");
    let generated = machine.ok(["master-key", "generate"]);
    let next = credentials.join("keystead-master-key.next");
    fs::write(&next, generated).unwrap();
    fs::set_permissions(&next, fs::Permissions::from_mode(0o400)).unwrap();
    let rotated = machine.json(["master-key", "rotate", "--to", "systemd-credential"]);
    assert_eq!(rotated["provider"], "systemd-credential");
    assert!(text(&rotated, "to_do").contains("systemd-creds"), "{rotated}");
    fs::rename(next, credentials.join("keystead-master-key")).unwrap();
    fs::remove_file(machine.data_dir().join("master.key")).unwrap();
    machine.ok(["keyset", "export", "active", "--to", "x.pem", "--unprotected"]);
    machine.ok(["master-key", "status"]);
}
