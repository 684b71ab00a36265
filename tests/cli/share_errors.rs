//! What can be wrong with a share: each is refused clearly, and in its own words.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use keystead_test_servers::{
    Certificates, PASSWORD, S3Server, S3Settings, SambaServer, USER, WebDavServer, WebDavSettings,
    WebDavSoftware,
};
use support::shares::{Protocol, Remote, set};
use support::{Machine, tools};

/// The refusals of one kind of share, by what is wrong.
struct Refusals {
    machine: Machine,
    said: BTreeMap<&'static str, String>,
}

impl Refusals {
    fn new(machine: Machine) -> Self {
        let said = BTreeMap::new();
        Self { machine, said }
    }

    /// Exports to a place, which is refused with this status.
    fn export(&mut self, wrong: &'static str, status: i32, to: &str) -> String {
        let args = ["keyset", "export", "active", "--to", to, "--unprotected"];
        let said = self.machine.refused(status, args);
        self.keep(wrong, said)
    }

    fn read(&mut self, wrong: &'static str, status: i32, from: &str) -> String {
        let said = self.machine.refused(status, ["keyset", "inspect", from]);
        self.keep(wrong, said)
    }

    fn keep(&mut self, wrong: &'static str, said: String) -> String {
        assert!(!said.contains(PASSWORD), "{said}");
        // Nothing but the three lines, with --quiet or without.
        assert_eq!(said.lines().count(), 3, "{said}");
        let earlier = self.said.insert(wrong, said.clone());
        assert!(earlier.is_none(), "{wrong} twice");
        said
    }

    /// No two of them say the same: neither of what happened and why, with the places taken out.
    fn are_told_apart(&self) {
        let words = |said: &str| {
            let words = said.split_whitespace().filter(|word| !word.contains(['/', ':']));
            words.collect::<Vec<_>>().join(" ")
        };
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (wrong, said) in &self.said {
            if let Some(other) = seen.insert(words(said), wrong) {
                panic!("{wrong} and {other} read the same: {said}");
            }
        }
    }
}

fn machine_on(remote: &Remote) -> Machine {
    remote.make_folder("errors");
    let mut machine = Machine::initialised();
    remote.configure(&mut machine, "nas", "errors");
    set(&mut machine, "nas", "retry_seconds", "0");
    machine
}

/// What every kind of share refuses alike.
fn common(refusals: &mut Refusals, remote: &Remote) {
    let to = "share:nas/k.pem";
    refusals
        .machine
        .ok(["keyset", "export", "active", "--to", to, "--unprotected"]);
    refusals.export("name taken", 1, to);
    let long = format!("share:nas/{}.pem", "n".repeat(300));
    // Only S3 has names of more than 255 bytes.
    match remote {
        Remote::S3(_) => {
            refusals
                .machine
                .ok(["keyset", "export", "active", "--to", &long, "--unprotected"]);
            let longer = format!("share:nas/{}.pem", "n".repeat(1100));
            refusals.export("name too long", 1, &longer);
        }
        _ => {
            refusals.export("name too long", 1, &long);
        }
    }
    refusals.export("path with dots", 1, "share:nas/../k.pem");
    refusals.read("no such file", 3, "share:nas/none.pem");
    if !matches!(remote, Remote::S3(_)) {
        refusals.export("no such folder", 1, "share:nas/none/k.pem");
    }
    for said in refusals.said.values() {
        assert!(said.contains("share nas"), "it names the share: {said}");
    }
    refusals.export("no such share", 3, "share:nase/k.pem");
    let files = remote.files("errors");
    let expected = if matches!(remote, Remote::S3(_)) { 2 } else { 1 };
    assert_eq!(files.len(), expected, "{files:?}");
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn gone(refusals: &mut Refusals, remote: &Remote) {
    remote.configure_at(&mut refusals.machine, "away", "errors", free_port());
    set(&mut refusals.machine, "away", "retry_seconds", "0");
    let said = refusals.export("server gone", 1, "share:away/k.pem");
    assert!(said.contains("share away"), "{said}");
}

/// A folder that the user of the server may not write to.
fn locked(folder: &Path) {
    fs::create_dir(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
}

/// A link on the share to a folder that is not on it.
fn link_out(root: &Path) -> PathBuf {
    let outside = tempfile::tempdir_in(root.parent().unwrap()).unwrap().keep();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(outside.join("k.pem"), "outside").unwrap();
    fs::set_permissions(outside.join("k.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    symlink(&outside, root.join("errors/link")).unwrap();
    outside
}

#[test]
fn on_smb() {
    let Some(remote) = Remote::start(Protocol::Smb) else {
        return;
    };
    let mut refusals = Refusals::new(machine_on(&remote));
    common(&mut refusals, &remote);
    gone(&mut refusals, &remote);
    let Remote::Smb(server) = &remote else {
        unreachable!()
    };
    // The server hides links that lead out of the share, so a folder behind one is not there; a name that one has is taken.
    let outside = link_out(&server.root(SambaServer::SAFE));
    let behind = [
        "keyset",
        "export",
        "active",
        "--to",
        "share:nas/link/x.pem",
        "--unprotected",
    ];
    let said = refusals.machine.refused(1, behind);
    assert!(said.contains("leads out of the share"), "{said}");
    refusals.export("link out", 1, "share:nas/link");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
    for (wrong, share, status, is_there) in [
        ("no permission", SambaServer::LOCKED, 1, server.can_lock()),
        ("full", SambaServer::FULL, 1, server.can_be_full()),
        ("not on the server", "nowhere", 3, true),
    ] {
        if !is_there {
            continue;
        }
        let machine = &mut refusals.machine;
        set(machine, "other", "url", &server.url(share));
        set(machine, "other", "username", USER);
        set(machine, "other", "password", PASSWORD);
        if share == SambaServer::FULL {
            fs::write(server.root(share).join("filler"), vec![1; 1 << 20]).unwrap_err();
        }
        refusals.export(wrong, status, "share:other/k.pem");
    }
    set(&mut refusals.machine, "nas", "password", "wrong");
    refusals.export("wrong password", 4, "share:nas/x.pem");
    refusals.are_told_apart();
}

#[test]
fn on_sftp() {
    let Some(mut remote) = Remote::start(Protocol::Sftp) else {
        return;
    };
    let mut refusals = Refusals::new(machine_on(&remote));
    common(&mut refusals, &remote);
    gone(&mut refusals, &remote);
    let Remote::Sftp(server) = &mut remote else {
        unreachable!()
    };
    link_out(&server.root());
    refusals.export("link out", 1, "share:nas/link/k.pem");
    locked(&server.root().join("errors/locked"));
    refusals.export("no permission", 1, "share:nas/locked/k.pem");
    if let Some(small) = server.small() {
        let seen = server.seen_from_outside(&small);
        let _ = fs::write(seen.join("filler"), vec![1; 8 << 20]);
        set(&mut refusals.machine, "nas", "url", &server.url_of(&small));
        set(&mut refusals.machine, "nas", "folder", "");
        refusals.export("full", 1, "share:nas/x.pem");
        set(&mut refusals.machine, "nas", "url", &server.url());
        set(&mut refusals.machine, "nas", "folder", "errors");
    }

    // Known by name: first not at all, then by another key.
    set(&mut refusals.machine, "nas", "host_key", "");
    let empty = refusals.machine.write("known_hosts", "");
    set(&mut refusals.machine, "nas", "known_hosts", &empty);
    let said = refusals.export("host not known", 1, "share:nas/x.pem");
    assert!(
        said.contains(&server.fingerprint("ed25519")),
        "it says which key: {said}"
    );
    let known = server.known_hosts();
    set(
        &mut refusals.machine,
        "nas",
        "known_hosts",
        known.to_str().unwrap(),
    );
    refusals.machine.ok(["keyset", "inspect", "share:nas/k.pem"]);
    // The file is made anew by the server; what is known is what was known.
    let remembered = refusals.machine.write("remembered", fs::read(&known).unwrap());
    set(&mut refusals.machine, "nas", "known_hosts", &remembered);
    server.change_host_keys(&["ed25519"]);
    refusals.export("host key changed", 1, "share:nas/x.pem");

    let key = other_key(&refusals.machine);
    set(
        &mut refusals.machine,
        "nas",
        "host_key",
        &server.fingerprint("ed25519"),
    );
    set(&mut refusals.machine, "nas", "key_file", key.to_str().unwrap());
    refusals.export("wrong key", 4, "share:nas/x.pem");
    refusals.are_told_apart();
}

/// A key that nobody lets in.
fn other_key(machine: &Machine) -> PathBuf {
    let key = machine.path("other_key");
    tools::run(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-f", key.to_str().unwrap()],
    );
    key
}

#[test]
fn on_s3() {
    let Some(remote) = Remote::start(Protocol::S3) else {
        return;
    };
    let mut refusals = Refusals::new(machine_on(&remote));
    common(&mut refusals, &remote);
    gone(&mut refusals, &remote);
    set(&mut refusals.machine, "nas", "url", "s3://nowhere");
    refusals.export("no such bucket", 3, "share:nas/x.pem");
    set(&mut refusals.machine, "nas", "url", &remote.url());
    set(
        &mut refusals.machine,
        "nas",
        "username",
        S3Server::READERS_ACCESS_KEY_ID,
    );
    refusals.export("no permission", 1, "share:nas/x.pem");
    set(&mut refusals.machine, "nas", "username", S3Server::ACCESS_KEY_ID);
    set(&mut refusals.machine, "nas", "password", "wrong");
    refusals.export("wrong password", 4, "share:nas/x.pem");
    set(&mut refusals.machine, "nas", "password", S3Server::SECRET);

    let Some(certificates) = Certificates::new("127.0.0.1") else {
        return;
    };
    let Some(server) = S3Server::start(S3Settings {
        certificates: Some(&certificates),
    }) else {
        return;
    };
    set(&mut refusals.machine, "nas", "endpoint", &server.endpoint());
    let said = refusals.export("certificate of nobody", 1, "share:nas/x.pem");
    assert!(said.contains("certificate"), "{said}");
    let authority = certificates.authority();
    set(
        &mut refusals.machine,
        "nas",
        "ca_file",
        authority.to_str().unwrap(),
    );
    refusals.machine.ok([
        "keyset",
        "export",
        "active",
        "--to",
        "share:nas/x.pem",
        "--unprotected",
    ]);
    refusals.are_told_apart();
}

#[test]
fn on_webdav() {
    let Some(remote) = Remote::start(Protocol::WebDav) else {
        return;
    };
    let mut refusals = Refusals::new(machine_on(&remote));
    common(&mut refusals, &remote);
    gone(&mut refusals, &remote);
    let Remote::WebDav(server) = &remote else {
        unreachable!()
    };
    // The protocol knows no links, and this server shows none.
    let outside = link_out(&server.root());
    let to = "share:nas/link/x.pem";
    refusals
        .machine
        .refused(1, ["keyset", "export", "active", "--to", to, "--unprotected"]);
    assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
    // The other server answers both with the same code; this one says what it is.
    let other = WebDavSettings {
        software: WebDavSoftware::WsgiDav,
        ..WebDavSettings::default()
    };
    let read_only = WebDavSettings {
        read_only: true,
        ..other
    };
    let full = WebDavSettings {
        room: Some(64 << 10),
        ..other
    };
    for (wrong, settings) in [("no permission", read_only), ("full", full)] {
        let Some(other) = WebDavServer::start(settings) else {
            continue;
        };
        let _ = fs::write(other.root().join("filler"), vec![1; 1 << 20]);
        set(&mut refusals.machine, "nas", "url", &other.url());
        set(&mut refusals.machine, "nas", "folder", "");
        refusals.export(wrong, 1, "share:nas/x.pem");
    }
    set(&mut refusals.machine, "nas", "folder", "errors");
    set(&mut refusals.machine, "nas", "url", &server.url());
    set(&mut refusals.machine, "nas", "password", "wrong");
    refusals.export("wrong password", 4, "share:nas/x.pem");
    set(&mut refusals.machine, "nas", "password", PASSWORD);

    let Some(certificates) = Certificates::new("127.0.0.1") else {
        return;
    };
    let with_tls = WebDavSettings {
        certificates: Some(&certificates),
        ..WebDavSettings::default()
    };
    let Some(server) = WebDavServer::start(with_tls) else {
        return;
    };
    set(&mut refusals.machine, "nas", "url", &server.url());
    set(&mut refusals.machine, "nas", "folder", "");
    let said = refusals.export("certificate of nobody", 1, "share:nas/x.pem");
    assert!(said.contains("certificate"), "{said}");
    let authority = certificates.authority();
    set(
        &mut refusals.machine,
        "nas",
        "ca_file",
        authority.to_str().unwrap(),
    );
    // Its name is not the one that was asked for.
    let other_name = server.url().replace("127.0.0.1", "127.0.0.2");
    set(&mut refusals.machine, "nas", "url", &other_name);
    refusals.export("certificate of another host", 1, "share:nas/x.pem");
    set(&mut refusals.machine, "nas", "url", &server.url());
    refusals.machine.ok([
        "keyset",
        "export",
        "active",
        "--to",
        "share:nas/x.pem",
        "--unprotected",
    ]);
    refusals.are_told_apart();
}
