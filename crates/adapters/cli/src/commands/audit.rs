use keystead_application::Status;
use keystead_application::use_cases::{InstallationError, ListAudit};
use keystead_domain::Sequence;
use keystead_wire::{AuditEventJson, AuditJson, DamagedEventJson};

use crate::Failure;
use crate::context::Context;
use crate::output::{moment, printable, table};
use crate::remote;

pub(crate) async fn list(context: &Context<'_>, after: Option<u64>, limit: u32) -> Result<(), Failure> {
    let page = match context.remote() {
        Some(remote) => remote::audit(remote, after, limit).await?,
        None => list_here(context, after, limit).await?,
    };
    context.printer.result(&page, || {
        table(
            &["SEQ", "TIME", "ACTOR", "ACTION", "OUTCOME", "DETAILS"],
            page.events.iter().map(row).collect(),
        )
    })?;
    if let Some(next) = page.next_after {
        context
            .printer
            .remark(&format!("there are more: keystead audit list --after {next}"));
    }
    match page.damaged.first() {
        None => Ok(()),
        Some(first) => Err(Failure::new(
            Status::Refused,
            "not all events can be shown",
            format!("event {} is damaged: {}", first.sequence, first.what),
            "find out what was changed, with: keystead audit verify",
        )),
    }
}

async fn list_here(context: &Context<'_>, after: Option<u64>, limit: u32) -> Result<AuditJson, Failure> {
    let store = context.reading().await?;
    let list = ListAudit {
        store: store.as_ref(),
    };
    let page = list
        .run(after.map(Sequence), limit)
        .await
        .map_err(InstallationError::from)?;
    Ok(AuditJson {
        events: page.records.iter().map(AuditEventJson::from).collect(),
        damaged: page.damaged.iter().map(DamagedEventJson::from).collect(),
        next_after: page.next.map(|sequence| sequence.0),
    })
}

fn row(event: &AuditEventJson) -> Vec<String> {
    let subject = event.subject.iter().map(|subject| ("subject", subject.as_str()));
    let details = event
        .details
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let details: Vec<String> = subject
        .chain(details)
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    vec![
        event.sequence.to_string(),
        moment(&event.at),
        format!("{}:{}", event.actor.kind, event.actor.id),
        event.action.clone(),
        event.outcome.clone(),
        details.join(" "),
    ]
}

/// Lists of thousands of digests are for programs: JSON has all of them.
fn shortened(value: &str) -> String {
    const SHOWN: usize = 200;
    match value.char_indices().nth(SHOWN) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
    }
}

/// A value with blanks or quotes in it is quoted, so that it cannot pass for another detail.
fn quoted(value: &str) -> String {
    let text = printable(&shortened(value));
    match text.contains([' ', '"', '=']) {
        true => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        false => text,
    }
}
