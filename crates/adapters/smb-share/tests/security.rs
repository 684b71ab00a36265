//! What a session is, as the server sees it: `smbstatus` tells.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use keystead_application::ports::{Replace, ShareError, ShareErrorKind};
use keystead_test_servers::{SambaServer, have};
use support::{access, at, connect, put, share};

/// The line that `smbstatus` has on a share: encryption and signing are its last words.
fn session(server: &SambaServer, share: &str) -> String {
    let status = server.status();
    let line = status.lines().find(|line| line.starts_with(&format!("{share} ")));
    line.unwrap_or_else(|| panic!("{status}")).trim_end().to_owned()
}

/// Writes to a share of a server, and says how it was connected.
async fn used(server: &SambaServer, name: &str) -> Result<String, ShareError> {
    let share = share(server, name).await;
    put(&*share, "k.pem", b"x", Replace::Allowed).await?;
    Ok(session(server, name))
}

fn start(settings: &[&str]) -> Option<SambaServer> {
    if !have(&["smbstatus"]) {
        return None;
    }
    SambaServer::start_with(settings).filter(SambaServer::can_tell_status)
}

async fn with_encryption_required(server: &SambaServer) -> Result<(), ShareError> {
    let mut access = access(&server.url(SambaServer::SAFE));
    access
        .settings
        .insert("encryption".to_owned(), "required".to_owned());
    connect(&access).await?.stat(&at("k.pem")).await.map(|_| ())
}

#[tokio::test]
async fn a_session_is_signed_and_encrypted_when_the_server_offers_it() {
    let Some(server) = start(&[]) else { return };
    for name in [SambaServer::SAFE, SambaServer::ENCRYPTED] {
        let session = used(&server, name).await.unwrap();
        assert!(session.ends_with("AES-128-GCM  AES-128-GMAC"), "{session}");
    }
    with_encryption_required(&server).await.unwrap();
}

#[tokio::test]
async fn a_server_that_demands_encryption_gets_it() {
    let Some(server) = start(&["smb encrypt = required"]) else {
        return;
    };
    assert!(
        used(&server, SambaServer::SAFE)
            .await
            .unwrap()
            .contains("AES-128-GCM")
    );
}

#[tokio::test]
async fn an_older_smb_3_is_encrypted_too() {
    let Some(server) = start(&["server max protocol = SMB3_00"]) else {
        return;
    };
    let session = used(&server, SambaServer::SAFE).await.unwrap();
    assert!(session.ends_with("AES-128-CCM  AES-128-CMAC"), "{session}");
    with_encryption_required(&server).await.unwrap();
}

#[tokio::test]
async fn without_encryption_a_session_is_signed_and_refused_where_more_is_demanded() {
    for setting in [
        "server max protocol = SMB2_10",
        "smb encrypt = off",
        "server smb3 encryption algorithms = AES-256-GCM",
    ] {
        let Some(server) = start(&[setting]) else { return };
        let session = used(&server, SambaServer::SAFE).await.unwrap();
        let mut words = session.split_whitespace().rev();
        assert!(
            matches!(words.next(), Some("HMAC-SHA256" | "AES-128-GMAC")),
            "{session}"
        );
        assert_eq!(words.next(), Some("-"), "{session}");
        let refused = with_encryption_required(&server).await.unwrap_err();
        assert_eq!(refused.kind, ShareErrorKind::Unsupported, "{refused}");
        let refused = used(&server, SambaServer::ENCRYPTED).await.unwrap_err();
        assert_eq!(refused.kind, ShareErrorKind::Denied, "{refused}");
        assert!(refused.message.contains("encrypt"), "{refused}");
    }
    let both = ["server max protocol = SMB2_10", "smb encrypt = required"];
    let Some(server) = start(&both) else { return };
    let refused = used(&server, SambaServer::SAFE).await.unwrap_err();
    assert_eq!(refused.kind, ShareErrorKind::Unsupported, "{refused}");
}

#[tokio::test]
async fn a_guest_session_is_not_taken_for_the_user() {
    let Some(server) = start(&["map to guest = bad user", "guest account = nobody"]) else {
        return;
    };
    let mut access = access(&server.url(SambaServer::SAFE));
    access.username = Some("nobody-here".to_owned());
    let share = connect(&access).await.unwrap();
    let refused = share.stat(&at("k.pem")).await.unwrap_err();
    assert_eq!(refused.kind, ShareErrorKind::NotSignedIn);
    access.username = Some("guest".to_owned());
    let share = connect(&access).await.unwrap();
    assert_eq!(
        share.stat(&at("k.pem")).await.unwrap_err().kind,
        ShareErrorKind::NotSignedIn
    );
}

/// Somebody on the way strikes the newer versions of SMB from what the client can.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_weakened_on_the_way_is_refused() {
    let Some(server) = start(&[]) else { return };
    let port = weakening_proxy(server.port());
    let share = connect(&access(&format!("smb://127.0.0.1:{port}/safe")))
        .await
        .unwrap();
    let refused = share.stat(&at("k.pem")).await.unwrap_err();
    assert_eq!(refused.kind, ShareErrorKind::Untrusted, "{refused}");
}

fn weakening_proxy(target: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(("127.0.0.1", target)).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            thread::spawn(move || {
                let mut length = [0; 4];
                client.read_exact(&mut length).unwrap();
                let mut first = vec![0; u32::from_be_bytes(length) as usize];
                client.read_exact(&mut first).unwrap();
                // After 64 bytes of header: the number of dialects, and at the end of 36 bytes these.
                let dialects = usize::from(first[64 + 2]);
                for dialect in first[64 + 36..][..2 * dialects].chunks_mut(2) {
                    dialect.copy_from_slice(&[0x10, 0x02]);
                }
                server.write_all(&[&length[..], &first].concat()).unwrap();
                let _ = std::io::copy(&mut client, &mut server);
                let _ = server.shutdown(Shutdown::Both);
            });
        }
    });
    port
}
