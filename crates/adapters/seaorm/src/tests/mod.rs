//! What a user of the store relies on. SQLite's own shell is the second witness.

mod look_ups;
mod meanings;
mod records;
mod recoveries;
mod released;
mod schema;
mod store;
mod trouble;
mod units_of_work;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use keystead_application::ports::{Schema, Snapshot, Store, UnitOfWork};
use keystead_domain::keyset::{Activation, LastExport, Origin};
use keystead_domain::{
    Action, Actor, ActorKind, AuditEvent, Installation, Keyset, KeysetId, ManagerIdentity, Outcome,
    PublicKey, RsaPublicNumbers, SealedBytes, Timestamp,
};
use tempfile::TempDir;

use crate::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};

/// A folder with a database in it.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("keystead.db")
    }

    pub(crate) fn options(&self) -> SeaOrmOptions {
        SeaOrmOptions::for_sqlite_file(&self.path()).unwrap()
    }

    fn impatient(&self) -> SeaOrmOptions {
        SeaOrmOptions {
            busy_timeout: Duration::from_millis(50),
            ..self.options()
        }
    }

    fn schema(&self) -> SeaOrmSchema {
        SeaOrmSchema::new(self.options()).unwrap()
    }

    pub(crate) async fn migrate(&self) {
        self.schema().migrate().await.unwrap();
    }

    async fn store(&self) -> SeaOrmStore {
        self.migrate().await;
        SeaOrmStore::connect(self.options()).await.unwrap()
    }

    fn try_sqlite3(&self, sql: &str) -> Result<String, String> {
        let output = Command::new("sqlite3")
            .args(["-cmd", "PRAGMA foreign_keys = ON"])
            .arg(self.path())
            .arg(sql)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match output.status.success() {
            true => Ok(text(&output.stdout).trim_end().to_owned()),
            false => Err(text(&output.stderr)),
        }
    }

    pub(crate) fn sqlite3(&self, sql: &str) -> String {
        self.try_sqlite3(sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn event(n: i64) -> AuditEvent {
    let actor = Actor {
        kind: ActorKind::OsUser,
        id: "ada".into(),
    };
    AuditEvent::new(at(n), actor, Action::KeysetEdit, Outcome::Done).with("n", n)
}

fn keyset(n: u8, origin: Origin) -> Keyset {
    let numbers = RsaPublicNumbers::new(&[0x80 | n; 256], &[1, 0, 1]);
    Keyset::new(
        KeysetId::from_random_bytes([n; 16]),
        format!("Büro {n} 🔑 'quoted'").parse().unwrap(),
        PublicKey::new(vec![n; 40], &numbers).unwrap(),
        origin,
        at(1_000 - i64::from(n)),
    )
}

fn generated(n: u8) -> Keyset {
    keyset(n, Origin::Generated)
}

fn sealed(n: u8) -> SealedBytes {
    SealedBytes {
        master_key_id: format!("key-{n}").parse().unwrap(),
        provider: "key-file".into(),
        format_version: u16::MAX,
        ciphertext: vec![n; 2_400],
    }
}

fn installation(n: u8) -> Installation {
    Installation {
        id: keystead_domain::InstallationId::from_random_bytes([n; 16]),
        created_at: at(-5),
        key_check: sealed(n),
        identity: ManagerIdentity {
            public_key: [n; 32],
            sealed_private_key: sealed(n + 1),
            created_at: at(6),
        },
    }
}

fn exported(keyset: &Keyset) -> Keyset {
    keyset.exported(LastExport {
        at: at(77),
        to: "/mnt/safe".into(),
    })
}

/// Keeps keysets, and nothing else.
async fn insert(store: &SeaOrmStore, keysets: &[Keyset]) {
    let mut work = store.begin().await.unwrap();
    for keyset in keysets {
        work.insert_keyset(keyset, &sealed(keyset.id().as_bytes()[0]))
            .await
            .unwrap();
    }
    work.append_audit(&event(1)).await.unwrap();
    work.commit().await.unwrap();
}

/// Activates a keyset as the use case does.
async fn activate(work: &mut dyn UnitOfWork, id: KeysetId, moment: i64) {
    let current = work.active_keyset().await.unwrap();
    let keyset = work.find_keyset(id).await.unwrap().unwrap();
    if let Activation::Activated {
        activated,
        superseded,
    } = keyset.activate(current.as_ref(), at(moment)).unwrap()
    {
        work.point_active(id, current.as_ref().map(Keyset::id))
            .await
            .unwrap();
        work.save_keyset(&activated, keyset.version()).await.unwrap();
        if let (Some(superseded), Some(current)) = (superseded, current) {
            work.save_keyset(&superseded, current.version()).await.unwrap();
        }
    }
    work.append_audit(&event(moment)).await.unwrap();
}

async fn find(store: &SeaOrmStore, keyset: &Keyset) -> Option<Keyset> {
    let mut snapshot: Box<dyn Snapshot> = store.snapshot().await.unwrap();
    snapshot.find_keyset(keyset.id()).await.unwrap()
}
