use keystead_application::Status;
use keystead_application::audit::AuditRecord;
use keystead_application::use_cases::{InstallationError, ListAudit};
use keystead_domain::Sequence;
use serde::Serialize;
use keystead_wire::{AuditEventJson, DamagedEventJson};

use crate::Failure;
use crate::context::Context;
use crate::output::{moment, printable, table};

#[derive(Serialize)]
struct AuditListJson {
    events: Vec<AuditEventJson>,
    /// Rows that hold no event.
    damaged: Vec<DamagedEventJson>,
    /// The sequence number to give to `--after` for the rest.
    next_after: Option<u64>,
}

pub(crate) async fn list(context: &Context<'_>, after: Option<u64>, limit: u32) -> Result<(), Failure> {
    let store = context.reading().await?;
    let list = ListAudit {
        store: store.as_ref(),
    };
    let page = list
        .run(after.map(Sequence), limit)
        .await
        .map_err(InstallationError::from)?;
    let json = AuditListJson {
        events: page.records.iter().map(AuditEventJson::from).collect(),
        damaged: page.damaged.iter().map(DamagedEventJson::from).collect(),
        next_after: page.next.map(|sequence| sequence.0),
    };
    context.printer.result(&json, || {
        table(
            &["SEQ", "TIME", "ACTOR", "ACTION", "OUTCOME", "DETAILS"],
            page.records.iter().map(row).collect(),
        )
    })?;
    if let Some(next) = json.next_after {
        context
            .printer
            .remark(&format!("there are more: keystead audit list --after {next}"));
    }
    match page.damaged.first() {
        None => Ok(()),
        Some(first) => Err(Failure::new(
            Status::Refused,
            "not all events can be shown",
            format!("event {} is damaged: {}", first.sequence.0, first.what),
            "find out what was changed, with: keystead audit verify",
        )),
    }
}

fn row(record: &AuditRecord) -> Vec<String> {
    let event = &record.event;
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
        record.sequence.0.to_string(),
        moment(event.at),
        printable(&event.actor.to_string()),
        event.action.as_str().to_owned(),
        event.outcome.as_str().to_owned(),
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
