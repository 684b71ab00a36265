use keystead_application::ports::StoreError;
use keystead_domain::{BackupServer, IdentityKeys, Removal, ServerIdentity, Timestamp};

use super::{Row, by_parent};
use crate::entities::{backup_servers, server_identities};

pub(crate) fn server_to_model(server: &BackupServer) -> backup_servers::Model {
    let BackupServer {
        id,
        version,
        name,
        // A table of their own.
        identities: _,
        enrolled_at,
        removed,
    } = server;
    let (removed_at, removed_reason) = removal_to_columns(removed.as_ref());
    backup_servers::Model {
        id: id.to_string(),
        version: i64::from(version.0),
        name: name.as_str().into(),
        enrolled_at: enrolled_at.as_micros(),
        removed_at,
        removed_reason,
    }
}

pub(crate) fn identities_to_models(server: &BackupServer) -> Vec<server_identities::Model> {
    let server_id = server.id.to_string();
    (1..)
        .zip(&server.identities)
        .map(|(position, identity)| identity_to_model(server_id.clone(), position, identity))
        .collect()
}

fn identity_to_model(
    server_id: String,
    position: i32,
    identity: &ServerIdentity,
) -> server_identities::Model {
    let ServerIdentity {
        keys,
        enrolled_at,
        retired_at,
    } = identity;
    let IdentityKeys { signing, encryption } = keys;
    server_identities::Model {
        server_id,
        position,
        fingerprint: identity.fingerprint().to_string(),
        signing_key: signing.to_vec(),
        encryption_key: encryption.as_str().into(),
        enrolled_at: enrolled_at.as_micros(),
        retired_at: retired_at.map(Timestamp::as_micros),
    }
}

/// Puts servers together with their identities.
pub(crate) fn servers_from_models(
    rows: Vec<backup_servers::Model>,
    identities: Vec<server_identities::Model>,
) -> Result<Vec<BackupServer>, StoreError> {
    let mut of_server = by_parent(identities, |identity| (&identity.server_id, identity.position));
    rows.into_iter()
        .map(|row| {
            let identities = of_server.remove(&row.id).unwrap_or_default();
            server_from_models(row, identities)
        })
        .collect()
}

fn server_from_models(
    row: backup_servers::Model,
    identities: Vec<server_identities::Model>,
) -> Result<BackupServer, StoreError> {
    let backup_servers::Model {
        id,
        version,
        name,
        enrolled_at,
        removed_at,
        removed_reason,
    } = row;
    let row = Row(format!("backup server {id}"));
    row.complete("identities", identities.iter().map(|identity| identity.position))?;
    let identities: Vec<ServerIdentity> = identities
        .into_iter()
        .map(identity_from_model)
        .collect::<Result<_, _>>()?;
    let current = identities
        .iter()
        .filter(|identity| !identity.is_retired())
        .count();
    if current != 1 {
        let why = format!("{current} of them are not retired, and one has to be");
        return Err(row.corrupt("identities", why));
    }
    Ok(BackupServer {
        id: row.parsed("id", &id)?,
        version: row.version(version)?,
        name: row.parsed("name", &name)?,
        identities,
        enrolled_at: row.time("enrolled_at", enrolled_at)?,
        removed: removal_from_columns(&row, removed_at, removed_reason)?,
    })
}

fn identity_from_model(row: server_identities::Model) -> Result<ServerIdentity, StoreError> {
    let server_identities::Model {
        server_id,
        position,
        fingerprint,
        signing_key,
        encryption_key,
        enrolled_at,
        retired_at,
    } = row;
    let row = Row(format!("identity {position} of backup server {server_id}"));
    let signing = signing_key
        .try_into()
        .map_err(|_| row.corrupt("signing_key", "it has not 32 bytes"))?;
    let identity = ServerIdentity {
        keys: IdentityKeys {
            signing,
            encryption: row.parsed("encryption_key", &encryption_key)?,
        },
        enrolled_at: row.time("enrolled_at", enrolled_at)?,
        retired_at: row.optional_time("retired_at", retired_at)?,
    };
    // Identities are found by this column.
    match fingerprint == identity.fingerprint().to_string() {
        true => Ok(identity),
        false => Err(row.corrupt("fingerprint", "it is not that of the signing key")),
    }
}

pub(super) fn removal_to_columns(removal: Option<&Removal>) -> (Option<i64>, Option<String>) {
    match removal {
        None => (None, None),
        Some(Removal { at, reason }) => (
            Some(at.as_micros()),
            reason.as_ref().map(|reason| reason.as_str().into()),
        ),
    }
}

pub(super) fn removal_from_columns(
    row: &Row,
    at: Option<i64>,
    reason: Option<String>,
) -> Result<Option<Removal>, StoreError> {
    let reason = row.optional("removed_reason", reason.as_deref())?;
    match (row.optional_time("removed_at", at)?, reason) {
        (None, None) => Ok(None),
        (Some(at), reason) => Ok(Some(Removal { at, reason })),
        (None, Some(_)) => Err(row.corrupt("removed_at", "a reason goes with a time")),
    }
}
