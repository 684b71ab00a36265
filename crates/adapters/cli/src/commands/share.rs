use keystead_application::ports::ConfiguredShare;
use keystead_application::use_cases::{ShareTest, TestShare, TestedStep};
use keystead_wire::{ShareTestJson, SharesJson};

use crate::Failure;
use crate::context::Context;
use crate::output::{printable, table};
use crate::progress::WorkProgress;

pub(crate) fn list(context: &Context<'_>) -> Result<(), Failure> {
    let shares = context.tools().shares.configured();
    context.printer.result(&SharesJson::from(shares), || {
        if shares.is_empty() {
            return "no share is configured; config/default.toml shows how, in its section shares".to_owned();
        }
        let row = |share: &ConfiguredShare| {
            vec![
                share.name.clone(),
                printable(&share.address.to_string()),
                share
                    .username
                    .as_deref()
                    .map_or_else(|| "-".to_owned(), printable),
                if share.read_only {
                    "read-only"
                } else {
                    "read and write"
                }
                .to_owned(),
            ]
        };
        table(
            &["NAME", "URL", "USER", "ACCESS"],
            shares.iter().map(row).collect(),
        )
    })
}

pub(crate) async fn test(context: &Context<'_>, share: &str) -> Result<(), Failure> {
    let tools = context.tools();
    let test = TestShare {
        shares: &tools.shares,
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
        temporaries: &tools.temporaries,
    };
    let location = location(context, share);
    let progress = WorkProgress::begin(&context.printer, "trying out the share");
    let tested = test.run(&location).await;
    drop(progress);
    let tested =
        tested.map_err(|error| Failure::from(keystead_application::use_cases::BackupError::from(error)))?;
    context
        .printer
        .result(&ShareTestJson::from(&tested), || words(&tested))?;
    match tested.into_failure() {
        None => Ok(()),
        Some(failure) => Err(failure.into()),
    }
}

/// `nas` and `nas/folder` are on the share of that name; a path says that it is one.
fn location(context: &Context<'_>, text: &str) -> String {
    let name = text.split('/').next().unwrap_or_default();
    let is_configured = context
        .tools()
        .shares
        .configured()
        .iter()
        .any(|share| share.name == name);
    let is_place = text.contains(':') || text.starts_with(['/', '.']);
    match (is_configured || !is_place, text.contains('/')) {
        (true, true) => format!("share:{text}"),
        (true, false) => format!("share:{text}/"),
        (false, _) => text.to_owned(),
    }
}

fn words(test: &ShareTest) -> String {
    let row = |step: &TestedStep| {
        vec![
            step.step.to_string(),
            if step.result.is_ok() { "done" } else { "failed" }.to_owned(),
            format!("{:.1} ms", step.took.as_secs_f64() * 1000.0),
        ]
    };
    let mut text = table(&["STEP", "RESULT", "TIME"], test.steps.iter().map(row).collect());
    let is_sound = test.steps.iter().all(|step| step.result.is_ok());
    if is_sound {
        text.push_str(&format!("\n\n{}: ", printable(&test.place)));
    }
    if is_sound && test.promised.is_none() {
        text.push_str("can be looked at; it is configured as read-only, and nothing was written");
    }
    if let Some(promised) = test.promised.filter(|_| is_sound) {
        let missing: Vec<&str> = promised.missing().collect();
        text.push_str(&match missing.is_empty() {
            true => "promises everything that an export can ask for".to_owned(),
            false => format!("works, but does not promise\n  {}", missing.join("\n  ")),
        });
    }
    text
}
