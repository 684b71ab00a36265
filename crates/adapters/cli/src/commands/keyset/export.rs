use std::io::{IsTerminal, Write};

use keystead_application::ports::Replace;
use keystead_application::use_cases::{
    ExportDestination, ExportProtection, ExportReceipt, ExportRequest, KeysetError,
};

use super::print_generated;
use crate::Failure;
use crate::args::ExportArgs;
use crate::context::{Context, reference};
use crate::output::{ExportJson, printable};
use crate::progress::WorkProgress;
use crate::secrets::export_protection;

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
                .tools()
                .shares
                .locate(&to)
                .await
                .map_err(KeysetError::from)?,
            replace: if overwrite {
                Replace::Allowed
            } else {
                Replace::Never
            },
        },
    };
    let chosen = export_protection(context, &protection)?;
    let unprotected = matches!(chosen.protection, ExportProtection::Unprotected);
    let request = ExportRequest {
        keysets,
        protection: chosen.protection,
        destination,
    };

    let progress = WorkProgress::begin(&context.printer, "exporting", None);
    let exporter = context.exporter(installation.store.as_ref(), installation.master_key.as_ref());
    let receipt = exporter.run(&context.actor(), request).await;
    drop(progress);
    let ExportReceipt { exported, content } = receipt?;

    if let Some(content) = content {
        let mut out = std::io::stdout().lock();
        out.write_all(content.expose())
            .and_then(|()| out.flush())
            .map_err(|error| Failure::stdio("the export could not be printed", &error))?;
        context
            .printer
            .remark("not recorded as an export: what became of standard output cannot be verified");
    } else {
        context
            .printer
            .result(&ExportJson::new(&exported, chosen.generated.as_deref()), || {
                let line = |one: &keystead_application::use_cases::Exported| {
                    let place = one.place.as_deref().map_or_else(String::new, printable);
                    format!(
                        "exported {} to {place} (read back and compared)",
                        one.keyset.fingerprint().short()
                    )
                };
                exported.iter().map(line).collect::<Vec<_>>().join("\n")
            })?;
    }
    print_generated(context, chosen.generated.as_deref());
    if unprotected && std::io::stderr().is_terminal() {
        context
            .printer
            .remark("the file is not protected: whoever reads it can open every backup of this keyset");
    }
    Ok(())
}
