use keystead_application::use_cases::{MasterKeyState, MasterKeyStatus, RotateMasterKey};

use crate::Failure;
use crate::args::MasterKeyCommand;
use crate::context::Context;
use crate::output::{MasterKeyJson, RotatedJson, field_lines, printable, write_out};
use crate::progress::WorkProgress;

pub(crate) async fn run(context: &Context<'_>, command: MasterKeyCommand) -> Result<(), Failure> {
    match command {
        MasterKeyCommand::Status => status(context).await,
        MasterKeyCommand::Rotate { to } => rotate(context, to.as_deref()).await,
        MasterKeyCommand::Generate => write_out(&context.wiring.new_key_text()?),
    }
}

async fn status(context: &Context<'_>) -> Result<(), Failure> {
    let foundation = context.wiring.open().await?;
    let status = MasterKeyStatus {
        store: foundation.store.as_ref(),
        master_keys: &foundation.master_keys,
    };
    let state = status.run().await?;
    context
        .printer
        .result(&MasterKeyJson::from(&state), || words(&state))?;
    match state.trouble {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}

fn words(state: &MasterKeyState) -> String {
    let check = &state.installation.key_check;
    let count = |count: &keystead_application::ports::KeyCount| {
        format!(
            "{} under {} ({})",
            count.private_keys,
            count.master_key_id,
            printable(&count.provider)
        )
    };
    let counts = |counts: &[keystead_application::ports::KeyCount]| match counts.is_empty() {
        true => "none".to_owned(),
        false => counts.iter().map(count).collect::<Vec<_>>().join(", "),
    };
    let mut fields = vec![
        ("master key", check.master_key_id.to_string()),
        ("provider", printable(&check.provider)),
        (
            "place",
            state
                .place
                .as_deref()
                .map_or_else(|| "(the provider is not set up here)".to_owned(), printable),
        ),
        (
            "opens",
            match &state.trouble {
                None => "yes".to_owned(),
                Some(error) => format!("no: {}", printable(&error.to_string())),
            },
        ),
        ("private keys", counts(&state.census.sealed)),
    ];
    if !state.census.staged.is_empty() {
        let staged = counts(&state.census.staged);
        fields.push((
            "rotation",
            format!("under way or interrupted: {staged} sealed anew"),
        ));
    }
    field_lines(&fields)
}

/// Orders may be several lines.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

async fn rotate(context: &Context<'_>, to: Option<&str>) -> Result<(), Failure> {
    let foundation = context.wiring.open().await?;
    let rotate = RotateMasterKey {
        store: foundation.store.as_ref(),
        master_keys: &foundation.master_keys,
        clock: context.tools().clock.as_ref(),
    };
    let progress = WorkProgress::count(&context.printer, "private keys sealed under the new master key:");
    let rotated = rotate.run(&context.actor(), to, &|done| progress.at(done)).await;
    drop(progress);
    let rotated = rotated?;
    context.printer.result(&RotatedJson::from(&rotated), || {
        let mut fields = vec![
            ("new master key", rotated.to.to_string()),
            (
                "kept by",
                format!("{}, {}", rotated.provider, printable(&rotated.place)),
            ),
            (
                "private keys",
                format!("{} sealed under it", rotated.private_keys),
            ),
            ("old master key", rotated.from.to_string()),
        ];
        if let Some(place) = &rotated.old_kept_at {
            fields.push(("kept at", printable(place)));
        }
        let mut next: Vec<String> = rotated
            .to_do
            .iter()
            .map(|orders| printable_lines(orders))
            .collect();
        next.push(format!("For the new key: {}.", rotated.safekeeping));
        next.push(
            "Keep the old one as long as you keep backups of the database from before; then destroy it."
                .to_owned(),
        );
        next.push("Start programs anew that were running with the old one.".to_owned());
        let next: Vec<String> = (1..)
            .zip(next)
            .map(|(n, order)| format!("  {n}. {}", order.replace('\n', "\n     ")))
            .collect();
        format!(
            "The master key was rotated.\n\n{}\n\nNext:\n{}",
            field_lines(&fields),
            next.join("\n")
        )
    })
}
