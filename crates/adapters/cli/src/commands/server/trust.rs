//! On the backup server: the manager that is trusted.

use keystead_application::Status;
use keystead_application::exchange::Confirmation;
use keystead_application::use_cases::{Progressed, ServerError, TrustManager, TrustedManager};
use keystead_domain::{ExpectedFingerprint, Fingerprint};

use super::enroll::belongs_to_server;
use super::own::own_state;
use crate::Failure;
use crate::commands::recovery::applier;
use crate::context::Context;
use crate::output::{ConfirmedJson, field_lines, printable};
use crate::texts::{SAME_DIGITS, compare_aloud, expected};

/// On the backup server: the manager that wrote a confirmation is trusted.
pub(super) async fn run(context: &Context<'_>, text: &str, fingerprint: Option<&str>) -> Result<(), Failure> {
    let expected = fingerprint.map(expected).transpose()?;
    let confirmation = truster(context).examine(text)?;
    let trusted = ask(context, &confirmation, expected.as_ref()).await?;
    tell(context, &confirmation, &trusted)
}

/// Trusts a manager when people compared its fingerprint.
pub(super) async fn ask(
    context: &Context<'_>,
    confirmation: &Confirmation,
    expected: Option<&ExpectedFingerprint>,
) -> Result<TrustedManager, Failure> {
    let manager = confirmation.manager_fingerprint();
    // What cannot be read of this machine is no obstacle: it may be the reason to enrol anew.
    if let Ok(own) = own_state(context).await {
        check_is_for(context, confirmation, own.identity).await?;
        if let Some(before) = own.manager.filter(|before| before.fingerprint() != manager) {
            replace_aloud(context, &before, &manager).await?;
        }
    }
    compare_aloud(context, "the manager", &manager, expected, SAME_DIGITS)?;
    Ok(truster(context).run(confirmation, expected).await?)
}

pub(super) fn tell(
    context: &Context<'_>,
    confirmation: &Confirmation,
    trusted: &TrustedManager,
) -> Result<(), Failure> {
    context.printer.result(&ConfirmedJson::new(trusted), || {
        field_lines(&[
            ("server", printable(trusted.name.as_str())),
            ("id", trusted.server.to_string()),
            ("trusts manager", trusted.fingerprint().in_groups()),
        ])
    })?;
    context.printer.remark(match confirmation.recipient {
        Some(_) => "next: keystead seal seals to the manager's keyset from now on; a lost password is asked for with: keystead recovery request FILE…",
        None => "next: give the recipient line of a keyset once: keystead seal --recipient LINE|FILE",
    });
    Ok(())
}

pub(super) fn truster<'a>(context: &'a Context<'_>) -> TrustManager<'a> {
    let tools = context.tools();
    TrustManager {
        folder: tools.server_folder.as_ref(),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
    }
}

/// Nobody compares fingerprints in vain.
async fn check_is_for(
    context: &Context<'_>,
    confirmation: &Confirmation,
    own: Option<Fingerprint>,
) -> Result<(), Failure> {
    let confirmed = confirmation.identity;
    match own {
        Some(own) if own == confirmed => Ok(()),
        _ if !context.no_installation_yet().await => Err(belongs_to_server(confirmation)),
        Some(own) => Err(ServerError::OtherIdentity { confirmed, own }.into()),
        None => Err(ServerError::NoIdentity.into()),
    }
}

/// Says that another manager is trusted until now. At a terminal a person says yes to the change; elsewhere the fingerprint
/// that was given does.
async fn replace_aloud(
    context: &Context<'_>,
    before: &TrustedManager,
    manager: &Fingerprint,
) -> Result<(), Failure> {
    let waiting = match applier(context).list().await {
        Ok(list) => match list
            .iter()
            .filter(|r| r.progressed == Progressed::Waiting)
            .count()
        {
            0 => "no request waits for its response".to_owned(),
            1 => "1 request waits for its response, which is refused then".to_owned(),
            many => format!("{many} requests wait for its response, which is refused then"),
        },
        Err(error) => format!(
            "which requests wait for it cannot be told: {}",
            Failure::from(error).why
        ),
    };
    let lines = field_lines(&[
        ("trusted until now", before.fingerprint().in_groups()),
        ("requests", printable(&waiting)),
        ("new manager", manager.in_groups()),
    ]);
    context.printer.important(&format!(
        "this machine trusts another manager until now:\n{lines}"
    ))?;
    if context.terminal.is_interactive()
        && !context.terminal.confirms("trust the new manager in its place?")?
    {
        return Err(Failure::new(
            Status::Refused,
            "the manager is not trusted",
            "another one is trusted until now, and nobody said yes to the change",
            "find out which manager is the right one; what was trusted before is trusted as it was",
        ));
    }
    Ok(())
}
