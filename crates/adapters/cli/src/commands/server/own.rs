//! This machine as a backup server.

use keystead_application::use_cases::{OwnState, ServerState};
use keystead_domain::Fingerprint;

use crate::Failure;
use crate::context::Context;
use crate::output::{OwnStateJson, field_lines, moment, printable};

pub(super) async fn show(context: &Context<'_>) -> Result<(), Failure> {
    let state = own_state(context).await?;
    let manager_here = manager_here(context).await;
    context
        .printer
        .result(&OwnStateJson::new(&state, manager_here.as_ref()), || {
            words(&state, manager_here.as_ref())
        })
}

pub(crate) async fn own_state(context: &Context<'_>) -> Result<OwnState, Failure> {
    let state = ServerState {
        folder: context.tools().server_folder.as_ref(),
    };
    Ok(state.show().await?)
}

/// Whether this machine has an identity as a backup server, and no installation.
pub(crate) async fn is_backup_server_only(context: &Context<'_>) -> Result<bool, Failure> {
    let state = own_state(context).await?;
    Ok(state.identity.is_some() && context.no_installation_yet().await)
}

/// The fingerprint of the manager that is on this machine, for who has to read it aloud.
async fn manager_here(context: &Context<'_>) -> Option<Fingerprint> {
    if context.no_installation_yet().await {
        return None;
    }
    match context.looking().await {
        Ok((_, installation)) => Some(Fingerprint::of_ed25519(&installation.identity.public_key)),
        Err(failure) => {
            context.printer.remark(&format!(
                "warning: the installation on this machine cannot be looked at: {}",
                printable(&failure.why)
            ));
            None
        }
    }
}

/// Fingerprints are in groups: people read them aloud and compare them.
pub(super) fn words(state: &OwnState, manager_here: Option<&Fingerprint>) -> String {
    let OwnState {
        identity,
        manager,
        recipients,
    } = state;
    let none = || "none".to_owned();
    let mut fields = vec![(
        "identity",
        identity.map_or_else(none, |fingerprint| fingerprint.in_groups()),
    )];
    match manager {
        Some(manager) => fields.extend([
            ("name", printable(manager.name.as_str())),
            ("id", manager.server.to_string()),
            ("trusts manager", manager.fingerprint().in_groups()),
            ("since", moment(manager.trusted_at)),
        ]),
        None => fields.push(("trusts manager", none())),
    }
    fields.extend(recipients.iter().map(|line| ("seals to", line.to_string())));
    fields.extend(manager_here.map(|fingerprint| ("this manager", fingerprint.in_groups())));
    field_lines(&fields)
}
