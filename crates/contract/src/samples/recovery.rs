//! Samples of what belongs to recoveries.

use keystead_domain::keyset::Version;
use keystead_domain::{
    Approval, BackupServer, IdentityKeys, MessageKey, Officer, OfficerId, Permission, Recovery,
    RecoveryState, RequestId, ServerId, Sha256Digest, SshPublicKey, Validity,
};

use super::{at, bytes, random_looking};
use crate::Violation;

/// The id of sample server `n`.
#[must_use]
pub fn server_id(n: u32) -> ServerId {
    ServerId::from_random_bytes(random_looking(n ^ 0x5e47))
}

/// The id of sample request `n`.
#[must_use]
pub fn request_id(n: u32) -> RequestId {
    RequestId::from_random_bytes(random_looking(n ^ 0x4e90))
}

/// What looks like an age recipient; another one for each `n`.
///
/// # Errors
/// Never; it has the form of one.
pub fn message_key(n: u32) -> Result<MessageKey, Violation> {
    let digits: String = bytes(n, 29).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("age1{digits}").parse()?)
}

/// The public half of an identity; another one for each `n`.
///
/// # Errors
/// Never; the values are accepted ones.
pub fn identity_keys(n: u32) -> Result<IdentityKeys, Violation> {
    let mut signing = [0xff; 32];
    signing[..16].copy_from_slice(&random_looking(n));
    Ok(IdentityKeys {
        signing,
        encryption: message_key(n)?,
    })
}

/// A backup server with one identity, enrolled `n` seconds after the epoch of the samples.
///
/// # Errors
/// Never for a reasonable `n`.
pub fn server(n: u32) -> Result<BackupServer, Violation> {
    Ok(BackupServer::enrolled(
        server_id(n),
        format!("sample server {n}").parse()?,
        identity_keys(n)?,
        at(i64::from(n))?,
    ))
}

/// An officer, added `n` seconds after the epoch of the samples.
///
/// # Errors
/// Never for a reasonable `n`.
pub fn officer(n: u32) -> Result<Officer, Violation> {
    Ok(Officer::add(
        OfficerId::from_random_bytes(random_looking(n ^ 0x0ff1)),
        format!("sample officer {n}").parse()?,
        Vec::new(),
        SshPublicKey::new("ssh-ed25519", bytes(n, 51)),
        at(i64::from(n))?,
        &[],
    )?)
}

/// A request of a server that waits for approvals, received `n` seconds after the epoch of the samples.
///
/// # Errors
/// When the server has no current identity.
pub fn recovery(n: u32, server: &BackupServer) -> Result<Recovery, Violation> {
    let identity = server
        .current_identity()
        .ok_or_else(|| Violation::new("the sample server has no identity"))?;
    Ok(Recovery {
        id: request_id(n),
        version: Version(1),
        server: server.id,
        identity: identity.fingerprint(),
        digest: Sha256Digest::of(&n.to_be_bytes()),
        asked_by: format!("ada@server{n}").parse()?,
        reason: None,
        validity: Validity {
            created_at: at(i64::from(n) - 60)?,
            expires_at: at(i64::from(n) + 7 * 86_400)?,
        },
        response_key: message_key(n ^ 0x4e59)?,
        files: n,
        received_at: at(i64::from(n))?,
        approvals: Vec::new(),
        state: RecoveryState::Waiting,
    })
}

/// An officer's approval; another signature for each `n`.
///
/// # Errors
/// Never for a reasonable `n`.
pub fn approval(n: u32, officer: &Officer, permission: Permission) -> Result<Approval, Violation> {
    Ok(Approval {
        officer: officer.id,
        name: officer.name.clone(),
        permission,
        signature: bytes(n, 83),
        given_at: at(i64::from(n))?,
    })
}
