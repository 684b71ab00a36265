use std::io::{IsTerminal, Write};

use keystead_application::ports::Replace;
use keystead_application::use_cases::{
    ExportDestination, ExportProtection, ExportReceipt, ExportRequest, Exported,
};
use keystead_domain::Passphrase;
use keystead_wire::{ExportJson};

use super::look::refuse_damaged;
use super::{print_generated, rescue_generated};
use crate::Failure;
use crate::args::ExportArgs;
use crate::context::{Context, OpenInstallation, reference};
use crate::output::{printable, tell_what_is_not_promised};
use crate::progress::WorkProgress;
use crate::secrets::export_protection;
use crate::stdio::stdout;

pub(crate) async fn run(context: &Context<'_>, args: ExportArgs) -> Result<(), Failure> {
    let ExportArgs {
        keysets,
        all: _,
        to,
        protection,
        overwrite,
    } = args;
    let keysets = keysets
        .iter()
        .map(|text| reference(text))
        .collect::<Result<Vec<_>, _>>()?;
    let to_stdout = to == "-";
    if to_stdout && context.printer.is_json() {
        return Err(Failure::usage(
            "the export and its JSON would both go to standard output",
            "give a file with --to",
        ));
    }
    let installation = context.installation().await?;
    let destination = match to_stdout {
        true => ExportDestination::Caller,
        false => ExportDestination::Share {
            located: context
                .exporter(installation.store.as_ref(), installation.master_key.as_ref())
                .locate(&context.actor(), &context.tools().shares, &to)
                .await?,
            replace: if overwrite {
                Replace::Allowed
            } else {
                Replace::Never
            },
        },
    };
    let chosen = export_protection(context, &protection)?;
    let generated = chosen.generated.clone();
    print_generated(context, generated.as_deref())?;
    let request = ExportRequest {
        keysets,
        protection: chosen.protection,
        destination,
    };
    let done = export(context, &installation, request, generated.as_deref()).await;
    if done.is_err() {
        rescue_generated(context, generated.as_deref());
    }
    done
}

async fn export(
    context: &Context<'_>,
    installation: &OpenInstallation,
    request: ExportRequest,
    generated: Option<&Passphrase>,
) -> Result<(), Failure> {
    let unprotected = matches!(request.protection, ExportProtection::Unprotected);
    let progress = WorkProgress::begin(&context.printer, "exporting");
    let exporter = context.exporter(installation.store.as_ref(), installation.master_key.as_ref());
    let receipt = exporter.run(&context.actor(), request).await;
    drop(progress);
    let ExportReceipt {
        exported,
        content,
        damaged,
    } = receipt?;

    if let Some(content) = content {
        let failed = |error| Failure::stdio("the export could not be printed", &error);
        let mut out = stdout().map_err(failed)?;
        out.write_all(content.expose()).map_err(failed)?;
        context
            .printer
            .remark("not recorded as an export: what became of standard output cannot be verified");
    } else {
        context
            .printer
            .result(&ExportJson::new(&exported, generated), || {
                let line = |one: &Exported| {
                    let place = one.place.as_deref().map_or_else(String::new, printable);
                    format!(
                        "exported {} to {place} (read back and compared)",
                        one.keyset.fingerprint().short()
                    )
                };
                exported.iter().map(line).collect::<Vec<_>>().join("\n")
            })?;
        // All files of an export go to one share.
        tell_what_is_not_promised(context, exported.iter().find_map(|one| one.promised));
    }
    if unprotected && std::io::stderr().is_terminal() {
        context
            .printer
            .remark("the file is not protected: whoever reads it can open every backup of this keyset");
    }
    refuse_damaged(&damaged)
}
