use super::*;
use crate::{IdentityKeys, Removal, SshPublicKey};

const DAY: i64 = 24 * 3600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

fn message_key() -> MessageKey {
    format!("age1{}", "q".repeat(58)).parse().unwrap()
}

fn keys(byte: u8) -> IdentityKeys {
    IdentityKeys {
        signing: [byte; 32],
        encryption: message_key(),
    }
}

fn server() -> BackupServer {
    let id = ServerId::from_random_bytes([7; 16]);
    BackupServer::enrolled(id, "db1".parse().unwrap(), keys(1), at(0))
}

fn recovery() -> Recovery {
    let request = RecoveryRequest {
        id: RequestId::from_random_bytes([9; 16]),
        nonce: [3; 32],
        server: server().id,
        server_name: "db1".parse().unwrap(),
        asked_by: "ada@db1".parse().unwrap(),
        reason: None,
        validity: Validity {
            created_at: at(0),
            expires_at: at(DAY),
        },
        response_key: message_key(),
        files: Vec::new(),
    };
    let signed = SignedRequest {
        request,
        identity: keys(1).fingerprint(),
        digest: Sha256Digest::of(b"request"),
    };
    Recovery::received(&signed, at(1))
}

fn officer(name: &str, byte: u8) -> Officer {
    let id = crate::OfficerId::from_random_bytes([byte; 16]);
    let key = SshPublicKey::new("ssh-ed25519", vec![byte]);
    Officer::add(id, name.parse().unwrap(), Vec::new(), key, at(0), &[]).unwrap()
}

fn approval(officer: &Officer) -> Approval {
    Approval {
        officer: officer.id,
        name: officer.name.clone(),
        permission: Permission::default(),
        signature: Vec::new(),
        given_at: at(2),
    }
}

#[test]
fn a_request_is_open_while_it_holds_and_its_server_is_there() {
    let (recovery, usual) = (recovery(), Permission::default());
    let open = |server: &BackupServer, now| recovery.check_open(server, usual, at(now));
    assert_eq!(open(&server(), 5), Ok(()));
    assert!(matches!(
        open(&server(), DAY),
        Err(RecoveryRefused::NotValidNow(NotValidNow::Expired(_, _)))
    ));
    assert!(matches!(
        open(&server(), -DAY),
        Err(RecoveryRefused::NotValidNow(NotValidNow::Clock(_, _)))
    ));
    assert!(matches!(
        open(&server().removed(at(2), None), 5),
        Err(RecoveryRefused::ServerRemoved(_))
    ));
}

#[test]
fn a_retired_identity_needs_an_officers_word() {
    let server = server().re_enrolled(keys(2), at(3)).unwrap();
    let open = |permission| recovery().check_open(&server, permission, at(5));
    assert!(matches!(
        open(Permission::default()),
        Err(RecoveryRefused::RetiredIdentity { .. })
    ));
    let allowed = Permission {
        retired_identity: true,
        ..Permission::default()
    };
    assert_eq!(open(allowed), Ok(()));
}

#[test]
fn nobody_approves_twice_or_an_own_request() {
    let grace = officer("Grace", 1);
    assert_eq!(recovery().check_approver(&grace, Permission::default()), Ok(()));
    assert!(matches!(
        recovery().check_approver(&officer("ADA", 2), Permission::default()),
        Err(RecoveryRefused::OwnRequest { .. })
    ));
    let once = recovery().approved(approval(&grace));
    assert!(matches!(
        once.check_approver(&grace, Permission::default()),
        Err(RecoveryRefused::ApprovedAlready(_))
    ));
    let removal = Removal {
        at: at(1),
        reason: None,
    };
    assert!(matches!(
        recovery().check_approver(&grace.taken_off(removal), Permission::default()),
        Err(RecoveryRefused::NotAnOfficer(_))
    ));
}

#[test]
fn a_request_is_answered_or_denied_once() {
    let grace = officer("Grace", 1);
    let standing = |needed| Standing::of(&[approval(&grace)], std::slice::from_ref(&grace), needed);
    assert!(matches!(
        recovery().answered(standing(2), at(5), at(6), 1),
        Err(RecoveryRefused::TooFewApprovals { given: 1, needed: 2 })
    ));
    let answered = recovery().answered(standing(1), at(5), at(6), 1).unwrap();
    assert!(matches!(
        answered.answered(standing(1), at(7), at(8), 1),
        Err(RecoveryRefused::Answered(_))
    ));
    let denied = |of: &Recovery| of.denied(grace.name.clone(), "no".parse().unwrap(), at(6));
    assert!(matches!(denied(&answered), Err(RecoveryRefused::Answered(_))));
    let denied = denied(&recovery()).unwrap();
    assert!(matches!(
        denied.check_open(&server(), Permission::default(), at(7)),
        Err(RecoveryRefused::Denied(_))
    ));
}
