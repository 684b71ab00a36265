//! Who is let in, by what, and what is said to who is not.

use std::path::{Path, PathBuf};
use std::process::Command;

use keystead_application::ports::{ShareAccess, ShareErrorKind, ShareProvider};
use keystead_test_servers::{PASSWORD, RcloneSftpServer, SshServer, have};
use tempfile::TempDir;

use crate::support::{access, access_to, access_to_rclone, provider, refused, secret};

/// Runs a test as a process of its own, in which the home folder, the environment and the agent are other ones.
fn again_with(test: &str, environment: &[(&str, &Path)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .envs(environment.iter().copied());
    if !environment.iter().any(|(name, _)| *name == "SSH_AUTH_SOCK") {
        command.env_remove("SSH_AUTH_SOCK");
    }
    let output = command.env(AGAIN, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

const AGAIN: &str = "KEYSTEAD_TEST_AGAIN";

fn is_again() -> bool {
    std::env::var_os(AGAIN).is_some()
}

fn path_of(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(name).unwrap())
}

fn keygen(arguments: &[&str], path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-C", "test"])
        .args(arguments)
        .arg("-f")
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

fn public(path: &Path) -> PathBuf {
    path.with_extension("pub")
}

fn with_key(server: &SshServer, key: &Path) -> ShareAccess {
    let mut access = access_to(server, &server.root());
    access
        .settings
        .insert("key_file".to_owned(), key.to_str().unwrap().to_owned());
    access
}

#[tokio::test]
async fn keys_of_every_supported_kind_and_form_let_in() {
    let Some(server) = SshServer::start() else { return };
    let folder = TempDir::new().unwrap();
    for (name, arguments) in [
        ("ed25519", ["-t", "ed25519", "-N", "", "-a", "1", "-b", "256"]),
        ("ecdsa-256", ["-t", "ecdsa", "-b", "256", "-N", "", "-a", "1"]),
        ("ecdsa-384", ["-t", "ecdsa", "-b", "384", "-N", "", "-a", "1"]),
        ("ecdsa-521", ["-t", "ecdsa", "-b", "521", "-N", "", "-a", "1"]),
        (
            "sealed",
            ["-t", "ed25519", "-N", "open sesame", "-a", "1", "-b", "256"],
        ),
        ("pkcs8", ["-t", "ecdsa", "-b", "256", "-N", "", "-m", "PKCS8"]),
        (
            "pkcs8-sealed",
            ["-t", "ecdsa", "-b", "256", "-N", "open sesame", "-m", "PKCS8"],
        ),
    ] {
        let key = folder.path().join(name);
        keygen(&arguments, &key);
        server.let_in(&public(&key));
        let mut access = with_key(&server, &key);
        if name.contains("sealed") {
            access.password = Some(secret("open sesame"));
        }
        let connected = provider().connect(&access).await;
        assert!(connected.is_ok(), "{name}: {:?}", connected.err());
    }
}

#[tokio::test]
async fn a_wrong_key_a_wrong_passphrase_and_a_wrong_password_are_told_apart() {
    let Some(server) = SshServer::start() else { return };
    let folder = TempDir::new().unwrap();
    let stranger = folder.path().join("stranger");
    keygen(&["-t", "ed25519", "-N", ""], &stranger);
    let error = refused(&with_key(&server, &stranger)).await;
    assert_eq!(
        (error.kind, error.operation),
        (ShareErrorKind::NotSignedIn, "sign in")
    );
    for said in [
        server.user(),
        "ssh-ed25519 key",
        stranger.to_str().unwrap(),
        "publickey",
    ] {
        assert!(error.message.contains(said), "{said}: {error}");
    }

    let sealed = folder.path().join("sealed");
    keygen(&["-t", "ed25519", "-N", "open sesame"], &sealed);
    server.let_in(&public(&sealed));
    let error = refused(&with_key(&server, &sealed)).await;
    assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
    assert!(error.message.contains("is encrypted"), "{error}");
    let mut wrong = with_key(&server, &sealed);
    wrong.password = Some(secret("close sesame"));
    let error = refused(&wrong).await;
    assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
    assert!(error.message.contains("does not open the key file"), "{error}");
    assert!(!error.to_string().contains("close"), "{error}");

    let error = refused(&with_key(&server, &folder.path().join("missing"))).await;
    assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
    assert!(error.message.contains("cannot be read"), "{error}");
    let error = refused(&with_key(&server, &public(&stranger))).await;
    assert!(error.message.contains("is no private key"), "{error}");
}

#[tokio::test]
async fn an_rsa_key_file_is_refused_with_a_way_out() {
    let Some(server) = SshServer::start() else { return };
    let folder = TempDir::new().unwrap();
    for (name, form) in [("openssh", "RFC4716"), ("pem", "PEM"), ("pkcs8", "PKCS8")] {
        let key = folder.path().join(name);
        match name {
            "openssh" => keygen(&["-t", "rsa", "-b", "2048", "-N", ""], &key),
            _ => keygen(&["-t", "rsa", "-b", "2048", "-N", "", "-m", form], &key),
        }
        server.let_in(&public(&key));
        let error = refused(&with_key(&server, &key)).await;
        assert_eq!(error.kind, ShareErrorKind::NotSignedIn, "{name}");
        assert!(error.message.contains("of a kind"), "{name}: {error}");
        let advice = error.advice.unwrap();
        assert!(advice.contains("ssh-keygen -t ed25519"), "{name}: {advice}");
        assert!(advice.contains("ssh-agent"), "{name}: {advice}");
    }
}

#[tokio::test]
async fn the_passphrase_of_a_key_is_never_sent_as_a_password() {
    let Some(server) = SshServer::start() else { return };
    if !server.takes_password() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let stranger = folder.path().join("stranger");
    keygen(&["-t", "ed25519", "-N", PASSWORD], &stranger);
    // The server would take it as the user's password.
    let mut access = with_key(&server, &stranger);
    access.password = Some(secret(PASSWORD));
    let error = refused(&access).await;
    assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
}

#[test]
fn a_password_lets_in_and_a_wrong_one_does_not() {
    let test = "signing_in::a_password_lets_in_and_a_wrong_one_does_not";
    if !is_again() {
        let home = TempDir::new().unwrap();
        return again_with(test, &[("HOME", home.path())]);
    }
    keystead_contract::block_on(async {
        let Some(server) = SshServer::start() else { return };
        let fingerprint = server.fingerprint("ed25519");
        let mut access = access(&server.url(), &[("host_key", &fingerprint)]);
        let error = refused(&access).await;
        assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
        assert!(error.message.contains("nothing to sign in with"), "{error}");
        access.password = Some(secret("wrong"));
        let error = refused(&access).await;
        assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
        assert!(error.message.contains("tried: the password"), "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
        if server.takes_password() {
            access.password = Some(secret(PASSWORD));
            provider().connect(&access).await.unwrap();
        }
        let Some(server) = RcloneSftpServer::start() else {
            return;
        };
        provider()
            .connect(&access_to_rclone(&server, PASSWORD))
            .await
            .unwrap();
        let error = refused(&access_to_rclone(&server, "wrong")).await;
        assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
    });
}

#[test]
fn keys_of_the_home_folder_let_in_unless_they_are_encrypted() {
    let test = "signing_in::keys_of_the_home_folder_let_in_unless_they_are_encrypted";
    if !is_again() {
        if !have(&["ssh-keygen"]) {
            return;
        }
        let home = TempDir::new().unwrap();
        std::fs::create_dir(home.path().join(".ssh")).unwrap();
        keygen(
            &["-t", "ed25519", "-N", "secret"],
            &home.path().join(".ssh/id_ed25519"),
        );
        keygen(&["-t", "ecdsa", "-N", ""], &home.path().join(".ssh/id_ecdsa"));
        return again_with(test, &[("HOME", home.path())]);
    }
    keystead_contract::block_on(async {
        let Some(server) = SshServer::start() else { return };
        let home = path_of("HOME");
        let access = access(&server.url(), &[]);
        std::fs::copy(server.known_hosts(), home.join(".ssh/known_hosts")).unwrap();
        let error = refused(&access).await;
        assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
        for said in ["id_ed25519, which is encrypted", "id_ecdsa"] {
            assert!(error.message.contains(said), "{said}: {error}");
        }
        server.let_in(&home.join(".ssh/id_ecdsa.pub"));
        provider().connect(&access).await.unwrap();
    });
}

#[test]
fn keys_of_an_agent_let_in_rsa_too() {
    let test = "signing_in::keys_of_an_agent_let_in_rsa_too";
    if !is_again() {
        if !have(&["ssh-agent", "ssh-add", "ssh-keygen"]) {
            return;
        }
        let home = TempDir::new().unwrap();
        let socket = home.path().join("agent");
        let mut agent = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let key = home.path().join("rsa");
        keygen(&["-t", "rsa", "-b", "2048", "-N", ""], &key);
        // It is ready when it takes the key.
        let add = || {
            let mut add = Command::new("ssh-add");
            add.args(["-q"])
                .arg(&key)
                .env("SSH_AUTH_SOCK", &socket)
                .stderr(std::process::Stdio::null());
            add.status().unwrap().success()
        };
        while !add() {
            assert!(agent.try_wait().unwrap().is_none(), "the agent ended");
            std::thread::yield_now();
        }
        let again = std::panic::catch_unwind(|| {
            again_with(test, &[("HOME", home.path()), ("SSH_AUTH_SOCK", &socket)]);
        });
        agent.kill().unwrap();
        agent.wait().unwrap();
        return again.unwrap();
    }
    keystead_contract::block_on(async {
        let Some(server) = SshServer::start() else { return };
        let access = access(&server.url(), &[("host_key", &server.fingerprint("ed25519"))]);
        let error = refused(&access).await;
        assert_eq!(error.kind, ShareErrorKind::NotSignedIn);
        assert!(error.message.contains("the agent's ssh-rsa key test"), "{error}");
        server.let_in(&path_of("HOME").join("rsa.pub"));
        provider().connect(&access).await.unwrap();
    });
}

#[tokio::test]
async fn a_key_that_may_only_run_a_command_gets_no_files() {
    let Some(server) = SshServer::start() else { return };
    let folder = TempDir::new().unwrap();
    let commands = [
        ("quiet", "true"),
        ("talking", "echo This account is for something else."),
    ];
    for (name, command) in commands {
        let key = folder.path().join(name);
        keygen(&["-t", "ed25519", "-N", ""], &key);
        let line = std::fs::read_to_string(public(&key)).unwrap();
        let restricted = folder.path().join("restricted");
        std::fs::write(&restricted, format!("command=\"{command}\" {line}")).unwrap();
        server.let_in(&restricted);
        let error = refused(&with_key(&server, &key)).await;
        assert_eq!(
            (error.kind, error.operation),
            (ShareErrorKind::Unsupported, "begin to use SFTP"),
            "{error}"
        );
    }
}
