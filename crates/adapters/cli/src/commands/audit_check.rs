use keystead_application::Status;
use keystead_application::audit::{
    AuditFinding, AuditVerification, StoredCheckpoint, WitnessRefused, checkpoint_key, signed_heads,
};
use keystead_application::ports::ShareWriter;
use keystead_application::use_cases::{
    BackupError, ExportAudit, InstallationError, MakeCheckpoint, UnlockInstallation, Unlocked, VerifyAudit,
    Witness,
};
use keystead_domain::{Actor, AuditHead, Installation, Sequence};
use tokio::io::AsyncReadExt;
use keystead_wire::{AuditVerificationJson, CheckpointJson};

use crate::Failure;
use crate::context::{Context, OpenInstallation};
use crate::input::{open_input, open_output};
use crate::output::{AuditExportJson, field_lines, printable};
use crate::progress::WorkProgress;

/// Longer than any export of an audit trail that anybody keeps in one file: some millions of events.
const MAX_WITNESS: u64 = 1 << 30;

pub(crate) async fn verify(context: &Context<'_>, against: &[String]) -> Result<(), Failure> {
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
    context.printer.result(
        &AuditVerificationJson::new(&verified, sound, identity_is_genuine),
        || words(&verified, identity_is_genuine),
    )?;
    if against.is_empty() && sound {
        context.printer.remark(
            "a trail that was cut off and made anew is shown only by what is kept elsewhere: keystead audit verify --against FILE",
        );
    }
    match sound {
        true => Ok(()),
        false => Err(Failure::new(
            Status::Refused,
            "the audit trail is not as it was written",
            match verified.findings.first() {
                Some(first) => first.to_string(),
                None => "the identity that signs checkpoints was exchanged".to_owned(),
            },
            "keep a copy of the database as it is, and find out who could write to it",
        )),
    }
}

fn words(verified: &AuditVerification, identity_is_genuine: Option<bool>) -> String {
    let findings: Vec<String> = verified
        .findings
        .iter()
        .map(AuditFinding::to_string)
        .map(|finding| printable(&finding))
        .collect();
    let identity = match identity_is_genuine {
        Some(true) => "genuine",
        Some(false) => "EXCHANGED: the master key does not open its private key",
        None => "not checked, for want of the master key",
    };
    let state = match (findings.is_empty(), verified.more) {
        (true, _) => "nothing was changed, removed, inserted, moved or cut off".to_owned(),
        (false, false) => format!("{} findings", findings.len()),
        (false, true) => format!("more than {} findings", findings.len()),
    };
    let signed = match verified.signed_up_to {
        Some(Sequence(up_to)) => format!("event {up_to}"),
        None => "none of it".to_owned(),
    };
    let fields = [
        ("events", verified.events.to_string()),
        (
            "chain",
            verified
                .chain
                .map_or_else(|| "(none that can be read)".to_owned(), |chain| chain.to_string()),
        ),
        ("signed up to", signed),
        ("identity", identity.to_owned()),
        ("result", state),
    ];
    let mut text = field_lines(&fields);
    for finding in findings {
        text.push_str("\n  - ");
        text.push_str(&finding);
    }
    text
}

pub(crate) async fn checkpoint(
    context: &Context<'_>,
    out: Option<&str>,
    overwrite: bool,
) -> Result<(), Failure> {
    let open = context.installation().await?;
    // What cannot be written is refused before the trail grows by a signature that nobody keeps.
    let mut writer = open_output(context, out, overwrite, true).await?.writer;
    let signed = sign(context, &open, &context.actor()).await;
    let (stored, head) = match signed {
        Ok(signed) => signed,
        Err(error) => {
            writer.discard().await;
            return Err(error.into());
        }
    };
    writer
        .write(stored.note.as_bytes())
        .await
        .map_err(BackupError::from)?;
    let receipt = writer.publish().await.map_err(BackupError::from)?;
    if is_stdout(out) {
        return Ok(());
    }
    let key = checkpoint_key(&open.installation).map_or_else(|_| String::new(), |key| key.to_string());
    let json = CheckpointJson::new(head, Some(receipt.place.clone()), &key, None);
    context.printer.result(&json, || {
        format!(
            "signed events 1 to {} into {}; keep it on another machine, with the key that verifies it: {key}",
            head.sequence.0,
            printable(&receipt.place)
        )
    })
}

pub(crate) async fn export(
    context: &Context<'_>,
    out: Option<&str>,
    overwrite: bool,
    after: Option<u64>,
) -> Result<(), Failure> {
    let mut writer = open_output(context, out, overwrite, true).await?.writer;
    let written = write_export(context, writer.as_mut(), after).await;
    let events = match written {
        Ok(events) => events,
        Err(error) => {
            writer.discard().await;
            return Err(error);
        }
    };
    let receipt = writer.publish().await.map_err(BackupError::from)?;
    if is_stdout(out) {
        return Ok(());
    }
    let json = AuditExportJson {
        events,
        place: receipt.place.clone(),
    };
    context.printer.result(&json, || {
        format!("wrote {events} events to {}", printable(&receipt.place))
    })
}

async fn write_export(
    context: &Context<'_>,
    writer: &mut dyn ShareWriter,
    after: Option<u64>,
) -> Result<u64, Failure> {
    // Without the master key the trail can still be taken away, unsigned: that is better than not at all.
    let unsigned = |why: &str| {
        context
            .printer
            .important(&format!("warning: {why}; the export is not signed"))
    };
    let (store, signed) = match context.installation().await {
        Ok(open) => match sign(context, &open, &context.actor()).await {
            Ok((stored, head)) => (open.store, Some((stored.note, head))),
            // Nor does a full or read-only disk keep it from being taken away.
            Err(error) => {
                unsigned(&error.to_string())?;
                (open.store, None)
            }
        },
        Err(failure) => {
            let store = context.wiring.open().await?.store;
            read_installation(store.as_ref()).await?;
            unsigned(&failure.why)?;
            (store, None)
        }
    };
    let export = ExportAudit {
        store: store.as_ref(),
    };
    let mut lines = export.run(Sequence(after.unwrap_or(0)), signed);
    while let Some(text) = lines.next().await? {
        writer.write(text.as_bytes()).await.map_err(BackupError::from)?;
    }
    Ok(lines.events())
}

async fn sign(
    context: &Context<'_>,
    open: &OpenInstallation,
    actor: &Actor,
) -> Result<(StoredCheckpoint, AuditHead), InstallationError> {
    let make = MakeCheckpoint {
        store: open.store.as_ref(),
        master_key: open.master_key.as_ref(),
        signing: context.tools().signing.as_ref(),
        clock: context.tools().clock.as_ref(),
    };
    make.run(actor, &open.installation).await
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

async fn read_installation(
    store: &dyn keystead_application::ports::Store,
) -> Result<Installation, InstallationError> {
    let mut snapshot = store.snapshot().await?;
    snapshot
        .installation()
        .await?
        .ok_or(InstallationError::NotInitialised)
}

fn is_stdout(out: Option<&str>) -> bool {
    out.is_none_or(|out| out == "-")
}
