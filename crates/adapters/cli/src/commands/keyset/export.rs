use std::io::{IsTerminal, Write};

use keystead_application::ports::Replace;
use keystead_application::use_cases::{ExportDestination, ExportProtection, ExportReceipt, ExportRequest};
use keystead_domain::{KeysetReference, Passphrase};
use keystead_wire::{DamagedJson, ExportJson, ExportedJson};

use super::export_there;
use super::look::refuse_damaged;
use super::{print_generated, rescue_generated};
use crate::Failure;
use crate::args::ExportArgs;
use crate::context::{Context, OpenInstallation, reference};
use crate::output::{printable, short, tell_what_is_not_promised};
use crate::progress::WorkProgress;
use crate::secrets::export_protection;
use crate::stdio::stdout;

pub(crate) async fn run(context: &Context<'_>, args: ExportArgs) -> Result<(), Failure> {
    let ExportArgs {
        keysets: texts,
        all: _,
        to,
        protection,
        overwrite,
    } = args;
    let keysets = texts
        .iter()
        .map(|text| reference(text))
        .collect::<Result<Vec<_>, _>>()?;
    let replace = match overwrite {
        true => Replace::Allowed,
        false => Replace::Never,
    };
    let to_stdout = to == "-";
    if to_stdout && context.printer.is_json() {
        return Err(Failure::usage(
            "the export and its JSON would both go to standard output",
            "give a file with --to",
        ));
    }
    let place = match context.remote() {
        Some(remote) => {
            Place::There(export_there::Export::prepare(context, remote, &texts, &to, replace).await?)
        }
        None => Place::here(context, keysets, &to, replace).await?,
    };
    let chosen = export_protection(context, &protection)?;
    let generated = chosen.generated.clone();
    print_generated(context, generated.as_deref())?;
    let unprotected = matches!(chosen.protection, ExportProtection::Unprotected);
    let progress = WorkProgress::begin(&context.printer, "exporting");
    let made = place.export(context, chosen.protection).await;
    drop(progress);
    let done = match made {
        Ok(made) => tell(context, made, unprotected, generated.as_deref()),
        Err(failure) => Err(failure),
    };
    if done.is_err() {
        rescue_generated(context, generated.as_deref());
    }
    done
}

/// What came of an export.
pub(super) struct Made {
    pub(super) exported: Vec<ExportedJson>,
    /// The bytes that go to standard output.
    pub(super) content: Option<keystead_domain::SecretBytes>,
    pub(super) damaged: Vec<DamagedJson>,
    /// Whether the manager knows where the files are.
    pub(super) is_recorded: bool,
}

/// Where the private keys are, and where they go. Both were found to be there.
enum Place<'a> {
    Here {
        installation: Box<OpenInstallation>,
        keysets: Vec<KeysetReference>,
        destination: ExportDestination,
    },
    There(export_there::Export<'a>),
}

impl Place<'_> {
    async fn here(
        context: &Context<'_>,
        keysets: Vec<KeysetReference>,
        to: &str,
        replace: Replace,
    ) -> Result<Self, Failure> {
        let installation = context.installation().await?;
        let destination = match to {
            "-" => ExportDestination::Caller,
            to => ExportDestination::Share {
                located: context
                    .exporter(installation.store.as_ref(), installation.master_key.as_ref())
                    .locate(&context.actor(), &context.tools().shares, to)
                    .await?,
                replace,
            },
        };
        Ok(Self::Here {
            installation: Box::new(installation),
            keysets,
            destination,
        })
    }

    async fn export(self, context: &Context<'_>, protection: ExportProtection) -> Result<Made, Failure> {
        let (installation, keysets, destination) = match self {
            Self::There(export) => return export.run(context, protection).await,
            Self::Here {
                installation,
                keysets,
                destination,
            } => (installation, keysets, destination),
        };
        let request = ExportRequest {
            keysets,
            protection,
            destination,
        };
        let exporter = context.exporter(installation.store.as_ref(), installation.master_key.as_ref());
        let ExportReceipt {
            exported,
            content,
            damaged,
        } = exporter.run(&context.actor(), request).await?;
        Ok(Made {
            exported: exported.iter().map(ExportedJson::from).collect(),
            content,
            damaged: damaged.iter().map(DamagedJson::from).collect(),
            is_recorded: true,
        })
    }
}

fn tell(
    context: &Context<'_>,
    made: Made,
    unprotected: bool,
    generated: Option<&Passphrase>,
) -> Result<(), Failure> {
    let Made {
        exported,
        content,
        damaged,
        is_recorded,
    } = made;
    if let Some(content) = content {
        let failed = |error| Failure::stdio("the export could not be printed", &error);
        let mut out = stdout().map_err(failed)?;
        out.write_all(content.expose()).map_err(failed)?;
        context
            .printer
            .remark("not recorded as an export: what became of standard output cannot be verified");
    } else {
        let json = ExportJson {
            exported,
            generated_passphrase: generated.map(keystead_wire::SecretText::from),
        };
        context.printer.result(&json, || {
            let line = |one: &ExportedJson| {
                let place = one.place.as_deref().map_or_else(String::new, printable);
                format!(
                    "exported {} to {place} (read back and compared)",
                    printable(&short(&one.fingerprint))
                )
            };
            json.exported.iter().map(line).collect::<Vec<_>>().join("\n")
        })?;
        // All files of an export go to one share.
        let promised = json.exported.iter().find_map(|one| one.promises);
        tell_what_is_not_promised(context, promised.map(Into::into));
        if !is_recorded {
            context.printer.remark(
                "not recorded as an export at the manager, which cannot verify what is on this machine; --to share:NAME/PATH is verified there",
            );
        }
    }
    if unprotected && std::io::stderr().is_terminal() {
        context
            .printer
            .remark("the file is not protected: whoever reads it can open every backup of this keyset");
    }
    refuse_damaged(&damaged)
}
