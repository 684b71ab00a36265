//! Databases that released versions made, as `sqlite3 .dump` wrote them, with the master key beside them: each is
//! migrated, and everything in it is there, fits together and opens.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::Arc;

use keystead_application::audit::TrailChecker;
use keystead_application::ports::{MasterKey, MasterKeyProvider, RecoveryDocument};
use keystead_domain::{AuditHead, NoteKey, RecoveryState, Register, Sequence, SignedNote, register_digest};
use keystead_key_file::KeyFileMasterKeyProvider;
use keystead_system::OsRandomness;

use super::*;

/// A version of the schema that was released, and what its database holds.
struct Released {
    dump: &'static str,
    master_key: &'static str,
    hints: &'static [&'static str],
    active: &'static str,
    events: u64,
    /// Whether it has servers, officers and requests.
    recoveries: bool,
}

const RELEASED: [Released; 3] = [
    Released {
        dump: include_str!("../../tests/fixtures/schema-1.sql"),
        master_key: include_str!("../../tests/fixtures/schema-1.master.key"),
        hints: &["Büro 2026 🔑", "second, renamed 'quoted'", "imported"],
        active: "second, renamed 'quoted'",
        events: 15,
        recoveries: false,
    },
    Released {
        dump: include_str!("../../../../../tests/fixtures/databases/schema-2.sqlite.sql"),
        master_key: include_str!("../../../../../tests/fixtures/databases/schema-2.sqlite.master.key"),
        hints: &["Büro 2026 🔑", "second 'quoted'"],
        active: "second 'quoted'",
        events: 12,
        recoveries: false,
    },
    Released {
        dump: include_str!("../../../../../tests/fixtures/databases/schema-3.sqlite.sql"),
        master_key: include_str!("../../../../../tests/fixtures/databases/schema-3.sqlite.master.key"),
        hints: &["Büro 2026 🔑", "second 'quoted'"],
        active: "second 'quoted'",
        events: 30,
        recoveries: true,
    },
];

#[tokio::test]
async fn databases_of_released_versions_are_migrated_whole() {
    for released in RELEASED {
        let place = Place::new();
        place.load(released.dump);
        let refused = SeaOrmStore::connect(place.options()).await.err().unwrap();
        assert_eq!(
            refused.kind,
            keystead_application::ports::StoreErrorKind::NotMigrated
        );
        let store = place.store().await;
        let mut snapshot = store.snapshot().await.unwrap();

        let installation = snapshot.installation().await.unwrap().unwrap();
        let master_key = master_key(&place, released.master_key).await;
        let context = Installation::key_check_context(installation.id);
        let check = master_key.open(&installation.key_check, &context).await.unwrap();
        assert!(check.expose() == Installation::KEY_CHECK_TEXT);

        let page = snapshot.list_keysets(None, 100).await.unwrap();
        let hints: Vec<&str> = page.keysets.iter().map(|keyset| keyset.hint().as_str()).collect();
        assert_eq!(hints, released.hints);
        assert!(page.damaged.is_empty() && page.next.is_none());
        let active = snapshot.active_keyset().await.unwrap().unwrap();
        assert_eq!(active.hint().as_str(), released.active);
        for keyset in &page.keysets {
            let sealed = snapshot.sealed_private_key(keyset.id()).await.unwrap().unwrap();
            let opened = master_key.open(&sealed, &keyset.sealing_context()).await.unwrap();
            assert_eq!(
                openssl_fingerprint(opened.expose()),
                keyset.fingerprint().to_string()
            );
        }
        drop(snapshot);
        verify(&store, released.events).await;
        if released.recoveries {
            recoveries_are_there(&store, &installation).await;
        }

        // And it goes on.
        let mut work = store.begin().await.unwrap();
        activate(work.as_mut(), page.keysets[0].id(), 5).await;
        work.commit().await.unwrap();
        verify(&store, released.events + 1).await;
        assert_eq!(
            place.sqlite3("PRAGMA integrity_check; PRAGMA foreign_key_check"),
            "ok"
        );
    }
}

/// A schema that was just made and one that was migrated are the same.
#[tokio::test]
async fn a_migrated_schema_is_like_a_new_one() {
    const SCHEMA: &str = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let new = Place::new();
    new.migrate().await;
    for released in RELEASED {
        let place = Place::new();
        place.load(released.dump);
        place.migrate().await;
        assert_eq!(place.sqlite3(SCHEMA), new.sqlite3(SCHEMA));
    }
}

/// Two servers, one of them with two identities and one removed; three officers, one of them taken off; a policy; and a
/// request in each state.
async fn recoveries_are_there(store: &SeaOrmStore, installation: &Installation) {
    let mut snapshot = store.snapshot().await.unwrap();
    let servers = snapshot.list_servers(None, 9).await.unwrap();
    let mut seen: Vec<_> = servers
        .iter()
        .map(|server| {
            (
                server.name.as_str(),
                server.identities.len(),
                server.removed.is_some(),
            )
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("db1 🗄", 2, false), ("db2", 1, true)]);
    let officers = snapshot.officers().await.unwrap();
    let seen: Vec<_> = officers
        .iter()
        .map(|officer| (officer.name.as_str(), officer.removed.is_some()))
        .collect();
    assert_eq!(seen, [("ada", false), ("grace", false), ("linus", true)]);
    let policy = snapshot.recovery_policy().await.unwrap().unwrap();
    assert_eq!((policy.approvals(), policy.requests_per_day()), (2, 9));

    let requests = snapshot.list_recoveries(None, 9).await.unwrap();
    let mut seen = Vec::new();
    for request in &requests {
        let mut kept = Vec::new();
        for which in RecoveryDocument::ALL {
            let document = snapshot.recovery_document(request.id, which).await.unwrap();
            kept.push(document.is_some_and(|bytes| bytes.len() > 1_000));
        }
        let state = match request.state {
            RecoveryState::Waiting => "waiting",
            RecoveryState::Denied { .. } => "denied",
            RecoveryState::Answered { .. } => "answered",
        };
        seen.push((state, request.approvals.len(), kept));
    }
    let expected = [
        ("waiting", 1, vec![true, false]),
        ("denied", 0, vec![true, false]),
        ("answered", 2, vec![true, true]),
    ];
    assert_eq!(seen, expected);

    // What the manager signed is what is there.
    let note = snapshot.recovery_register().await.unwrap().unwrap();
    let note: SignedNote = note.parse().unwrap();
    let register: Register = note.text().parse().unwrap();
    let digest = register_digest(&servers, &officers, Some(&policy));
    assert_eq!(
        (register.installation, register.digest),
        (installation.id, digest)
    );
    let name = format!("keystead-register/{}", installation.id);
    let key = NoteKey::new(name, installation.identity.public_key).unwrap();
    let signature = note.signature_of(&key).unwrap();
    assert!(openssl_verifies(key.public_key(), note.text(), &signature));
    assert!(!openssl_verifies(
        key.public_key(),
        &note.text().replace("change", "chance"),
        &signature
    ));
}

/// Whether OpenSSL takes this for an Ed25519 signature of the text.
fn openssl_verifies(public_key: &[u8; 32], text: &str, signature: &[u8; 64]) -> bool {
    // What precedes the 32 bytes in a SubjectPublicKeyInfo (RFC 8410, section 4).
    const HEADER: [u8; 12] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let folder = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let output = Command::new("openssl")
        .args([
            "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey",
        ])
        .arg(file("key", &[&HEADER[..], public_key].concat()))
        .arg("-in")
        .arg(file("text", text.as_bytes()))
        .arg("-sigfile")
        .arg(file("signature", signature))
        .output()
        .unwrap();
    output.status.success()
}

async fn verify(store: &SeaOrmStore, events: u64) {
    let mut snapshot = store.snapshot().await.unwrap();
    let head: AuditHead = snapshot.audit_head().await.unwrap();
    assert_eq!(head.sequence, Sequence(events));
    let mut checker = TrailChecker::new();
    for checkpoint in snapshot.checkpoints(None, 1000).await.unwrap() {
        checker.stored_checkpoint(checkpoint.sequence);
    }
    for row in snapshot.audit_rows(None, 1000).await.unwrap() {
        checker.look_at(&row);
    }
    let verified = checker.finish(Some(head));
    assert_eq!(
        (verified.events, verified.findings.as_slice()),
        (events, [].as_slice())
    );
}

async fn master_key(place: &Place, text: &str) -> Arc<dyn MasterKey> {
    let path = place.folder.path().join("master.key");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let provider = KeyFileMasterKeyProvider::new(path, Arc::new(OsRandomness));
    provider.keys().await.unwrap().remove(0)
}

/// What OpenSSL takes a private key for.
fn openssl_fingerprint(private_key: &[u8]) -> String {
    let pipe = |program: &str, args: &[&str], input: &[u8]| {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().stdout
    };
    let public = pipe(
        "openssl",
        &["pkey", "-inform", "DER", "-pubout", "-outform", "DER"],
        private_key,
    );
    let digest = String::from_utf8(pipe("sha256sum", &[], &public)).unwrap();
    digest[..64].to_owned()
}

impl Place {
    fn load(&self, dump: &str) {
        let mut child = Command::new("sqlite3")
            .arg("-bail")
            .arg(self.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(dump.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
}
