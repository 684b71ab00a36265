//! This machine as a backup server that reaches its manager.

use std::sync::Arc;

use keystead_application::Status;
use keystead_application::use_cases::{ManagerAddress, ServerState};

use super::transport::{ServerAddress, ServerCertificate};
use super::{Credential, Remote};
use crate::Failure;
use crate::context::Context;

/// The manager whose address was remembered when this machine was enrolled; `None` when none was.
pub(crate) async fn remembered_manager(context: &Context<'_>) -> Result<Option<Remote>, Failure> {
    let tools = context.tools();
    let state = ServerState {
        folder: tools.server_folder.as_ref(),
    };
    let Some(ManagerAddress { url, certificate }) = state.manager_address().await? else {
        return Ok(None);
    };
    let address = ServerAddress {
        url,
        certificate: certificate.map(|text| match text.contains("-----BEGIN") {
            true => ServerCertificate::Pem(text),
            false => ServerCertificate::Fingerprint(text),
        }),
    };
    let transport = context.wiring.transport(&address)?;
    Ok(Some(Remote::new(
        transport,
        Credential::BackupServer(Arc::clone(tools)),
    )))
}

/// How an address is remembered.
pub(crate) fn remembered_address(address: &ServerAddress) -> ManagerAddress {
    ManagerAddress {
        url: address.url.clone(),
        certificate: address.certificate.as_ref().map(|certificate| match certificate {
            ServerCertificate::Fingerprint(text) | ServerCertificate::Pem(text) => text.clone(),
        }),
    }
}

/// The manager that a backup server sends to: the one of `--server`, or the one that was remembered.
pub(crate) async fn own_manager(context: &Context<'_>) -> Result<Remote, Failure> {
    if let Some(address) = context.address() {
        let transport = context.wiring.transport(address)?;
        let credential = Credential::BackupServer(Arc::clone(context.tools()));
        return Ok(Remote::new(transport, credential));
    }
    match remembered_manager(context).await? {
        Some(remote) => Ok(remote),
        None => Err(Failure::new(
            Status::Refused,
            "the manager was not asked",
            "this machine does not know where its manager is",
            "give --server URL; or enrol this machine with: keystead server enroll --manager URL",
        )),
    }
}
