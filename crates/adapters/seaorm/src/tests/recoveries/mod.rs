//! What belongs to recoveries, as far as not every store can be asked for it: what the tables hold and refuse, and what is
//! said of rows that somebody changed.

mod damage;
mod documents;
mod forbidden;

use keystead_domain::keyset::Version;
use keystead_domain::{
    Approval, BackupServer, IdentityKeys, MessageKey, Officer, OfficerId, Origins, Permission, Recovery,
    RecoveryPolicy, RecoveryState, Removal, RequestId, ServerId, Sha256Digest, SshPublicKey, Validity,
};

use super::*;

fn message_key() -> MessageKey {
    format!("age1{}", "q".repeat(58)).parse().unwrap()
}

fn identity(n: u32) -> IdentityKeys {
    let mut signing = [7; 32];
    signing[..4].copy_from_slice(&n.to_be_bytes());
    IdentityKeys {
        signing,
        encryption: message_key(),
    }
}

fn random_bytes(n: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    // No order of the ids is that of the numbers.
    bytes[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes
}

/// A server with two identities, one of them retired.
fn server(n: u32) -> BackupServer {
    let name = format!("db{n} 'quoted' 🗄").parse().unwrap();
    let id = ServerId::from_random_bytes(random_bytes(n));
    BackupServer::enrolled(id, name, identity(2 * n), at(5))
        .re_enrolled(identity(2 * n + 1), at(i64::from(n) + 6))
        .unwrap()
}

fn officer(n: u32) -> Officer {
    Officer {
        id: OfficerId::from_random_bytes(random_bytes(n + 0x4000_0000)),
        version: Version(1),
        name: format!("Ada {n}").parse().unwrap(),
        also: vec!["root".parse().unwrap(), "Ада, \"die Erste\"; --".parse().unwrap()],
        key: SshPublicKey::new("sk-ecdsa-sha2-nistp256@openssh.com", vec![0, 1, 255]),
        added_at: at(i64::from(n)),
        removed: None,
    }
}

fn approval(n: u32) -> Approval {
    Approval {
        officer: officer(n).id,
        name: officer(n).name,
        permission: Permission {
            origins: Origins::OwnOrUnnamed,
            retired_identity: n.is_multiple_of(2),
        },
        signature: vec![0; n as usize],
        given_at: at(-3),
    }
}

/// A request of server 1 with two approvals.
fn recovery(n: u32) -> Recovery {
    Recovery {
        id: RequestId::from_random_bytes(random_bytes(n + 0x8000_0000)),
        version: Version(1),
        server: server(1).id,
        identity: identity(2).fingerprint(),
        digest: Sha256Digest::of(&n.to_be_bytes()),
        asked_by: "ada@db1".parse().unwrap(),
        reason: Some("the tape of May".parse().unwrap()),
        validity: Validity {
            created_at: at(1),
            expires_at: at(9_000_000),
        },
        response_key: message_key(),
        files: 5_000,
        received_at: at(i64::from(n / 3)),
        approvals: vec![approval(1), approval(2)],
        state: RecoveryState::Waiting,
    }
}

fn denied() -> RecoveryState {
    RecoveryState::Denied {
        at: at(8),
        by: "Grace".parse().unwrap(),
        reason: "nobody knows why".parse().unwrap(),
    }
}

fn answered() -> RecoveryState {
    RecoveryState::Answered {
        at: at(8),
        until: at(9),
        opened: 4_999,
    }
}

/// Keeps server 1, and a request of it.
async fn keep_request(store: &SeaOrmStore, recovery: &Recovery) {
    let mut work = store.begin().await.unwrap();
    work.insert_server(&server(1)).await.unwrap();
    work.insert_recovery(recovery).await.unwrap();
    work.append_audit(&event(1)).await.unwrap();
    work.commit().await.unwrap();
}

#[tokio::test]
async fn long_lists_come_whole_and_in_order() {
    const MANY: u32 = 1_203;
    let place = Place::new();
    let store = place.store().await;
    let mut servers: Vec<BackupServer> = (1..=MANY).map(server).collect();
    let mut requests: Vec<Recovery> = (1..=MANY).map(recovery).collect();
    let mut work = store.begin().await.unwrap();
    for server in &servers {
        work.insert_server(server).await.unwrap();
    }
    for request in &requests {
        work.insert_recovery(request).await.unwrap();
    }
    work.append_audit(&event(1)).await.unwrap();
    work.commit().await.unwrap();

    servers.sort_by_key(|server| server.id);
    requests.sort_by_key(|request| std::cmp::Reverse((request.received_at, request.id)));
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.list_servers(None, u32::MAX).await.unwrap(), servers);
    assert_eq!(snapshot.list_recoveries(None, u32::MAX).await.unwrap(), requests);
}

#[tokio::test]
async fn a_change_is_kept_in_columns_that_people_can_read() {
    let place = Place::new();
    let store = place.store().await;
    keep_request(&store, &recovery(1)).await;
    let denied = Recovery {
        version: Version(2),
        state: denied(),
        ..recovery(1)
    };
    let removal = Removal {
        at: at(70),
        reason: Some("sold".parse().unwrap()),
    };
    let removed = server(1).removed(removal.at, removal.reason.clone());
    let mut work = store.begin().await.unwrap();
    work.save_recovery(&denied, Version(1)).await.unwrap();
    work.save_server(&removed, server(1).version).await.unwrap();
    work.insert_officer(&officer(1)).await.unwrap();
    work.save_officer(&officer(1).taken_off(removal), Version(1))
        .await
        .unwrap();
    for requests_per_day in [3, 4] {
        let lifetime = Duration::from_secs(7_200);
        let policy = RecoveryPolicy::new(2, lifetime, requests_per_day).unwrap();
        work.set_recovery_policy(&policy).await.unwrap();
    }
    work.append_audit(&event(2)).await.unwrap();
    work.commit().await.unwrap();
    for (sql, expected) in [
        (
            "SELECT state, denied_by, denied_reason, version FROM recoveries",
            "denied|Grace|nobody knows why|2",
        ),
        ("SELECT removed_at, removed_reason FROM backup_servers", "70|sold"),
        (
            "SELECT position, retired_at FROM server_identities ORDER BY position",
            "1|7\n2|",
        ),
        ("SELECT key_kind, hex(key_wire), removed_at FROM officers", {
            "sk-ecdsa-sha2-nistp256@openssh.com|0001FF|70"
        }),
        ("SELECT * FROM recovery_policy", "1|2|7200|4"),
        (
            "SELECT position, origins, retired_identity, length(signature) FROM recovery_approvals ORDER BY position",
            "1|own-or-unnamed|0|1\n2|own-or-unnamed|1|2",
        ),
    ] {
        assert_eq!(place.sqlite3(sql), expected, "{sql}");
    }
}
