//! Whether the audit trail is as it was written.

use keystead_application::Status;
use keystead_application::audit::{WitnessRefused, signed_heads};
use keystead_application::ports::Store;
use keystead_application::use_cases::{
    InstallationError, UnlockInstallation, Unlocked, VerifyAudit, Witness,
};
use keystead_domain::Installation;
use keystead_wire::AuditVerificationJson;
use keystead_wire::routes::AUDIT_VERIFICATION;
use tokio::io::AsyncReadExt;

use crate::Failure;
use crate::context::Context;
use crate::input::open_input;
use crate::output::{field_lines, printable};
use crate::progress::WorkProgress;

/// Longer than any export of an audit trail that anybody keeps in one file: some millions of events.
const MAX_WITNESS: u64 = 1 << 30;

pub(crate) async fn verify(context: &Context<'_>, against: &[String]) -> Result<(), Failure> {
    let verified = match context.remote() {
        Some(remote) => {
            let _progress = WorkProgress::begin(&context.printer, "verifying the audit trail");
            remote.get(AUDIT_VERIFICATION).await?
        }
        None => verify_here(context, against).await?,
    };
    context.printer.result(&verified, || words(&verified))?;
    if against.is_empty() && verified.sound {
        context.printer.remark(
            "a trail that was cut off and made anew is shown only by what is kept elsewhere: keystead audit verify --against FILE",
        );
    }
    match verified.sound {
        true => Ok(()),
        false => Err(Failure::new(
            Status::Refused,
            "the audit trail is not as it was written",
            match verified.findings.first() {
                Some(first) => first.text.clone(),
                None => "the identity that signs checkpoints was exchanged".to_owned(),
            },
            "keep a copy of the database as it is, and find out who could write to it",
        )),
    }
}

async fn verify_here(context: &Context<'_>, against: &[String]) -> Result<AuditVerificationJson, Failure> {
    let foundation = context.wiring.open().await?;
    let verify = VerifyAudit {
        store: foundation.store.as_ref(),
        signing: context.tools().signing.as_ref(),
    };
    let unlock = UnlockInstallation {
        store: foundation.store.as_ref(),
        master_keys: &foundation.master_keys,
    };
    let (installation, identity_is_genuine) = match unlock.run().await {
        Ok(Unlocked {
            installation,
            master_key,
        }) => {
            let genuine = verify
                .identity_is_genuine(&installation, master_key.as_ref())
                .await?;
            (installation, Some(genuine))
        }
        Err(error @ (InstallationError::Store(_) | InstallationError::NotInitialised)) => {
            return Err(error.into());
        }
        // The right master key does not open what it sealed: what is there now was put there by somebody else.
        Err(InstallationError::KeyCheckFailed(_)) => {
            (read_installation(foundation.store.as_ref()).await?, Some(false))
        }
        Err(error) => {
            context.printer.important(&format!(
                "warning: {error}; whether the identity that signs checkpoints is genuine cannot be told"
            ))?;
            (read_installation(foundation.store.as_ref()).await?, None)
        }
    };
    let mut witnesses = Vec::with_capacity(against.len());
    for location in against {
        witnesses.push(witness(context, location, &installation).await?);
    }
    let progress = WorkProgress::begin(&context.printer, "verifying the audit trail");
    let verified = verify.run(witnesses).await;
    drop(progress);
    let verified = verified?;
    let sound = verified.findings.is_empty() && identity_is_genuine != Some(false);
    Ok(AuditVerificationJson::new(&verified, sound, identity_is_genuine))
}

fn words(verified: &AuditVerificationJson) -> String {
    let findings = &verified.findings;
    let identity = match verified.identity_genuine {
        Some(true) => "genuine",
        Some(false) => "EXCHANGED: the master key does not open its private key",
        None => "not checked, for want of the master key",
    };
    let state = match (findings.is_empty(), verified.more_findings) {
        (true, _) => "nothing was changed, removed, inserted, moved or cut off".to_owned(),
        (false, false) => format!("{} findings", findings.len()),
        (false, true) => format!("more than {} findings", findings.len()),
    };
    let signed = match verified.signed_up_to {
        Some(up_to) => format!("event {up_to}"),
        None => "none of it".to_owned(),
    };
    let fields = [
        ("events", verified.events.to_string()),
        (
            "chain",
            verified
                .chain
                .clone()
                .unwrap_or_else(|| "(none that can be read)".to_owned()),
        ),
        ("signed up to", signed),
        ("identity", identity.to_owned()),
        ("result", state),
    ];
    let mut text = field_lines(&fields);
    for finding in findings {
        text.push_str("\n  - ");
        text.push_str(&printable(&finding.text));
    }
    text
}

async fn witness(
    context: &Context<'_>,
    location: &str,
    installation: &Installation,
) -> Result<Witness, Failure> {
    let mut text = String::new();
    let input = open_input(context, Some(location)).await?;
    input
        .bytes
        .take(MAX_WITNESS + 1)
        .read_to_string(&mut text)
        .await
        .map_err(|error| Failure::stdio("what to compare with could not be read", &error))?;
    if text.len() as u64 > MAX_WITNESS {
        return Err(Failure::usage(
            format!("{} is longer than {MAX_WITNESS} bytes", printable(location)),
            "give an export of a part of the trail: keystead audit export --after SEQUENCE",
        ));
    }
    let heads = signed_heads(&text, installation, context.tools().signing.as_ref());
    match heads {
        Ok(heads) => Ok(Witness {
            name: printable(location),
            heads,
        }),
        Err(refused) => Err(Failure::new(
            Status::Refused,
            format!("{} is nothing to compare with", printable(location)),
            refused.to_string(),
            match refused {
                WitnessRefused::Damaged(_) => "give an older one, from before the trail was damaged",
                WitnessRefused::Changed(_) => {
                    "use another copy of it; this one was changed after it was made"
                }
                _ => {
                    "give a file that keystead audit checkpoint or keystead audit export made of this installation"
                }
            },
        )),
    }
}

pub(super) async fn read_installation(store: &dyn Store) -> Result<Installation, InstallationError> {
    let mut snapshot = store.snapshot().await?;
    snapshot
        .installation()
        .await?
        .ok_or(InstallationError::NotInitialised)
}
