//! The audit trail on its way to another place: signed checkpoints and exports.

use keystead_application::audit::{StoredCheckpoint, checkpoint_key};
use keystead_application::ports::ShareWriter;
use keystead_application::use_cases::{BackupError, ExportAudit, InstallationError, MakeCheckpoint};
use keystead_domain::{Actor, AuditHead, Sequence};
use keystead_wire::CheckpointJson;
use keystead_wire::routes::{AUDIT_CHECKPOINTS, AUDIT_EXPORT, with_query};
use tokio::io::AsyncReadExt;

use super::audit_verify::read_installation;
use crate::Failure;
use crate::context::{Context, OpenInstallation};
use crate::input::open_output;
use crate::output::{AuditExportJson, printable};
use crate::remote::{Call, Refusal, Remote};

pub(crate) async fn checkpoint(
    context: &Context<'_>,
    out: Option<&str>,
    overwrite: bool,
) -> Result<(), Failure> {
    let opened = match context.remote() {
        Some(_) => None,
        None => Some(context.installation().await?),
    };
    // What cannot be written is refused before the trail grows by a signature that nobody keeps.
    let mut writer = open_output(context, out, overwrite, true).await?.writer;
    let signed = match (context.remote(), &opened) {
        (Some(remote), _) => checkpoint_there(remote).await,
        (None, Some(open)) => checkpoint_here(context, open).await,
        (None, None) => Err(InstallationError::NotInitialised.into()),
    };
    let mut json = match signed {
        Ok(signed) => signed,
        Err(failure) => {
            writer.discard().await;
            return Err(failure);
        }
    };
    let note = json.note.take().unwrap_or_default();
    writer.write(note.as_bytes()).await.map_err(BackupError::from)?;
    let receipt = writer.publish().await.map_err(BackupError::from)?;
    if is_stdout(out) {
        return Ok(());
    }
    json.place = Some(receipt.place.clone());
    context.printer.result(&json, || {
        format!(
            "signed events 1 to {} into {}; keep it on another machine, with the key that verifies it: {}",
            json.events,
            printable(&receipt.place),
            printable(&json.verifier_key)
        )
    })
}

async fn checkpoint_here(context: &Context<'_>, open: &OpenInstallation) -> Result<CheckpointJson, Failure> {
    let (stored, head) = sign(context, open, &context.actor()).await?;
    let key = checkpoint_key(&open.installation).map_or_else(|_| String::new(), |key| key.to_string());
    Ok(CheckpointJson::new(head, None, &key, Some(stored.note)))
}

async fn checkpoint_there(remote: &Remote) -> Result<CheckpointJson, Failure> {
    let json: CheckpointJson = remote.call(Call::post(AUDIT_CHECKPOINTS)).await?.json()?;
    match json.note {
        Some(_) => Ok(json),
        None => Err(Refusal::NotUnderstood("it gives no checkpoint".to_owned()).into()),
    }
}

pub(crate) async fn export(
    context: &Context<'_>,
    out: Option<&str>,
    overwrite: bool,
    after: Option<u64>,
) -> Result<(), Failure> {
    let mut writer = open_output(context, out, overwrite, true).await?.writer;
    let written = match context.remote() {
        Some(remote) => fetch_export(context, remote, writer.as_mut(), after).await,
        None => write_export(context, writer.as_mut(), after).await,
    };
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

/// Writes what the manager gives as it comes in: the trail may be longer than the memory.
async fn fetch_export(
    context: &Context<'_>,
    remote: &Remote,
    writer: &mut dyn ShareWriter,
    after: Option<u64>,
) -> Result<u64, Failure> {
    let after = after.map(|after| after.to_string());
    let call = Call::post(with_query(AUDIT_EXPORT, &[("after", after)])).accepting("application/jsonl");
    let mut body = remote.stream(call).await?.body;
    let mut piece = vec![0; 64 * 1024];
    let mut lines = Lines::default();
    loop {
        let read = body.read(&mut piece).await;
        let length = read.map_err(|error| Failure::stdio("the export did not come to its end", &error))?;
        if length == 0 {
            break;
        }
        lines.take(&piece[..length]);
        writer.write(&piece[..length]).await.map_err(BackupError::from)?;
    }
    if !lines.ends_with_checkpoint {
        context
            .printer
            .important("warning: no checkpoint ends the export; it is not signed")?;
    }
    Ok(lines.events)
}

/// Counts the events of an export while it goes by.
#[derive(Default)]
struct Lines {
    events: u64,
    ends_with_checkpoint: bool,
    /// How the line begins.
    begin: Vec<u8>,
}

impl Lines {
    const EVENT: &[u8] = b"{\"sequence\":";
    const CHECKPOINT: &[u8] = b"{\"checkpoint\":";

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => {
                    self.events += u64::from(self.begin.starts_with(Self::EVENT));
                    self.ends_with_checkpoint = self.begin == Self::CHECKPOINT;
                    self.begin.clear();
                }
                byte if self.begin.len() < Self::CHECKPOINT.len() => self.begin.push(*byte),
                _ => {}
            }
        }
    }
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

fn is_stdout(out: Option<&str>) -> bool {
    out.is_none_or(|out| out == "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_the_bytes_come() {
        let export = b"{\"after\":0,\"chain\":null}\n{\"sequence\":1,\"chain\":null}\n{\"sequence\":2}\n{\"checkpoint\":\"x\"}\n";
        for size in 1..export.len() {
            let mut lines = Lines::default();
            export.chunks(size).for_each(|piece| lines.take(piece));
            assert_eq!((lines.events, lines.ends_with_checkpoint), (2, true), "{size}");
        }
        let mut lines = Lines::default();
        lines.take(b"{\"checkpoint\":\"x\"}\n{\"sequence\":3}\n");
        assert_eq!((lines.events, lines.ends_with_checkpoint), (1, false));
    }
}
