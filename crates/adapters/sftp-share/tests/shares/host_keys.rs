//! A server proves who it is, or nothing is said to it.

use std::fs;
use std::path::Path;
use std::process::Command;

use keystead_application::ports::{ShareAccess, ShareError, ShareErrorKind, SharePath, ShareProvider};
use keystead_test_servers::SshServer;
use tempfile::NamedTempFile;

use crate::support::{access, provider, refused};

fn with(server: &SshServer, setting: &str, value: &str) -> ShareAccess {
    let key = server.client_key();
    access(
        &server.url(),
        &[("key_file", key.to_str().unwrap()), (setting, value)],
    )
}

fn with_known_hosts(server: &SshServer, text: &str) -> (NamedTempFile, ShareAccess) {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let access = with(server, "known_hosts", file.path().to_str().unwrap());
    (file, access)
}

async fn untrusted(access: &ShareAccess) -> ShareError {
    let error = refused(access).await;
    assert_eq!(
        (error.kind, error.operation),
        (ShareErrorKind::Untrusted, "check the host key"),
        "{error}"
    );
    error
}

/// The lines of `ssh-keyscan` for keys of a kind.
fn lines(server: &SshServer, kind: &str) -> String {
    let all = fs::read_to_string(server.known_hosts()).unwrap();
    let lines = all
        .lines()
        .filter(|line| line.contains(kind) && !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn an_unknown_host_is_refused_and_its_fingerprint_is_shown() {
    let Some(server) = SshServer::start() else { return };
    let (_file, access) = with_known_hosts(&server, "# nothing\n");
    let error = untrusted(&access).await;
    let fingerprint = server.fingerprint("ed25519");
    assert!(error.message.contains("is not known"), "{error}");
    assert!(
        error.message.contains(&format!("ssh-ed25519 key {fingerprint}")),
        "{error}"
    );
    let advice = error.advice.unwrap();
    for said in [
        &format!("host_key = \"{fingerprint}\""),
        "ssh-keygen -lf",
        "ssh-keyscan",
    ] {
        assert!(advice.contains(said), "{said}: {advice}");
    }
    // What it says to do works.
    provider()
        .connect(&with(&server, "host_key", &fingerprint))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_changed_host_key_is_refused_and_the_line_is_named() {
    let Some(mut server) = SshServer::start() else {
        return;
    };
    let known = server.known_hosts();
    let access = with(&server, "known_hosts", known.to_str().unwrap());
    let old = server.fingerprint("ed25519");
    provider().connect(&access).await.unwrap();
    server.change_host_keys(&["ed25519", "ecdsa"]);
    let error = untrusted(&access).await;
    let text = fs::read_to_string(&known).unwrap();
    let line = 1 + text
        .lines()
        .position(|line| line.contains("ssh-ed25519"))
        .unwrap();
    for said in [
        "has changed",
        &old,
        &server.fingerprint("ed25519"),
        &format!("{}, line {line}", known.display()),
    ] {
        assert!(error.message.contains(said), "{said}: {error}");
    }
    assert!(!error.message.contains("is not known"), "{error}");
    // Whoever is told so looks twice.
    assert!(error.advice.unwrap().starts_with("somebody may be in between"));

    let error = untrusted(&with(&server, "host_key", &old)).await;
    assert!(
        error.message.contains("is not the pinned one") && error.message.contains(&old),
        "{error}"
    );
}

#[tokio::test]
async fn a_share_that_is_connected_refuses_a_server_that_comes_back_as_another_one() {
    let Some(mut server) = SshServer::start() else {
        return;
    };
    let known = server.known_hosts();
    let access = with(&server, "known_hosts", known.to_str().unwrap());
    let share = provider().connect(&access).await.unwrap();
    server.change_host_keys(&["ed25519"]);
    let top = SharePath::new("/");
    let mut error = share.stat(&top).await.unwrap_err();
    if error.kind == ShareErrorKind::Unavailable {
        // The old connection was not known to be dead.
        error = share.stat(&top).await.unwrap_err();
    }
    assert_eq!(error.kind, ShareErrorKind::Untrusted, "{error}");
}

#[tokio::test]
async fn any_of_the_servers_keys_may_be_the_known_or_pinned_one() {
    let Some(server) = SshServer::start() else { return };
    for kind in ["ssh-ed25519", "ecdsa-sha2-nistp256"] {
        let (_file, access) = with_known_hosts(&server, &lines(&server, kind));
        let connected = provider().connect(&access).await;
        assert!(connected.is_ok(), "{kind}: {:?}", connected.err());
    }
    for kind in ["ed25519", "ecdsa"] {
        let pinned = format!(
            "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, {}",
            server.fingerprint(kind)
        );
        let connected = provider().connect(&with(&server, "host_key", &pinned)).await;
        assert!(connected.is_ok(), "{kind}: {:?}", connected.err());
    }
}

#[tokio::test]
async fn a_line_for_the_port_overrules_one_for_the_standard_port_as_with_ssh() {
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    let Some(server) = SshServer::start() else { return };
    let port = server.port();
    let key = |kind: &str| {
        let line = lines(&server, kind);
        line.split_once(' ').unwrap().1.trim().to_owned()
    };
    let (shown, ecdsa) = (key("ssh-ed25519"), key("ecdsa-sha2-nistp256"));
    for (text, is_trusted) in [
        (format!("127.0.0.1 {shown}\n"), true),
        (format!("127.0.0.1 {OTHER}\n"), false),
        (format!("[127.0.0.1]:{port} {OTHER}\n127.0.0.1 {shown}\n"), false),
        (format!("127.0.0.1 {shown}\n[127.0.0.1]:{port} {OTHER}\n"), false),
        (format!("[127.0.0.1]:{port} {shown}\n127.0.0.1 {OTHER}\n"), true),
        // It is asked for the key that is known for the port, although another one comes first.
        (format!("[127.0.0.1]:{port} {ecdsa}\n127.0.0.1 {shown}\n"), true),
        (
            format!("[127.0.0.1]:{} {OTHER}\n127.0.0.1 {shown}\n", port + 1),
            true,
        ),
    ] {
        let (file, access) = with_known_hosts(&server, &text);
        let theirs = server.sftp_trusting(file.path(), "ls\n");
        assert_eq!(theirs.is_ok(), is_trusted, "{text}: {theirs:?}");
        match is_trusted {
            true => drop(provider().connect(&access).await.unwrap()),
            false => drop(untrusted(&access).await),
        }
    }
}

#[tokio::test]
async fn host_names_that_ssh_keygen_hashed_are_found() {
    let Some(server) = SshServer::start() else { return };
    let (file, access) = with_known_hosts(&server, &lines(&server, "ssh-ed25519"));
    let hashed = Command::new("ssh-keygen")
        .args(["-q", "-H", "-f"])
        .arg(file.path())
        .output()
        .unwrap();
    assert!(hashed.status.success(), "{hashed:?}");
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with("|1|") && !text.contains("127.0.0.1"), "{text}");
    provider().connect(&access).await.unwrap();
    // The hash is of the name with the port.
    fs::write(file.path(), text.replace("|1|", "|1|AAAA")).unwrap();
    untrusted(&access).await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_even_when_it_is_known_too() {
    let Some(server) = SshServer::start() else { return };
    let line = lines(&server, "ssh-ed25519");
    let (_file, access) = with_known_hosts(
        &server,
        &format!("{line}@revoked * {}", line.split_once(' ').unwrap().1),
    );
    let error = untrusted(&access).await;
    assert!(
        error.message.contains("revoked") && error.message.contains("line 2"),
        "{error}"
    );
}

#[tokio::test]
async fn an_authority_or_a_line_that_is_not_understood_makes_no_key_trusted() {
    let Some(server) = SshServer::start() else { return };
    let line = lines(&server, "ssh-ed25519");
    let key = line.split_once(' ').unwrap().1;
    for line in [
        format!("@cert-authority * {key}"),
        format!("@surely * {key}"),
        format!("*,!127.0.0.1,![127.0.0.1]:* {key}"),
        format!("|2|AAAA|AAAA {key}"),
    ] {
        let (_file, access) = with_known_hosts(&server, &line);
        let error = untrusted(&access).await;
        assert!(error.message.contains("is not known"), "{line}: {error}");
    }
}

#[tokio::test]
async fn a_server_with_an_rsa_key_alone_and_a_known_rsa_key_are_refused_clearly() {
    let Some(mut server) = SshServer::start() else {
        return;
    };
    server.change_host_keys(&["rsa", "ed25519"]);
    let rsa = lines(&server, "ssh-rsa");
    let (_file, access) = with_known_hosts(&server, &rsa);
    let error = untrusted(&access).await;
    assert!(
        error.message.contains("of another kind") && error.message.contains("cannot check"),
        "{error}"
    );
    assert!(error.message.contains(&server.fingerprint("ed25519")), "{error}");

    server.change_host_keys(&["rsa"]);
    let (_file, access) = with_known_hosts(&server, &lines(&server, "ssh-rsa"));
    let error = untrusted(&access).await;
    assert!(
        error
            .message
            .contains("no host key of a kind that this program can check"),
        "{error}"
    );
    assert!(error.message.contains("rsa-sha2-512"), "{error}");
    let error = untrusted(&with(&server, "host_key", &server.fingerprint("rsa"))).await;
    assert!(error.message.contains("this program can check"), "{error}");
}

#[tokio::test]
async fn settings_that_are_wrong_are_named() {
    let Some(server) = SshServer::start() else { return };
    for (setting, value, said) in [
        ("host_key", "MD5:00:11", "host_key is no fingerprint"),
        ("host_key", ",", "host_key is no fingerprint"),
        ("hostkey", "x", "no setting \"hostkey\""),
    ] {
        let error = refused(&with(&server, setting, value)).await;
        assert_eq!(error.kind, ShareErrorKind::BadLocation, "{error}");
        assert!(error.message.contains(said), "{error}");
    }
    let missing = Path::new("/nonexistent/known_hosts");
    let error = refused(&with(&server, "known_hosts", missing.to_str().unwrap())).await;
    assert_eq!(error.kind, ShareErrorKind::Untrusted, "{error}");
    assert!(error.message.contains("/nonexistent/known_hosts"), "{error}");
}
