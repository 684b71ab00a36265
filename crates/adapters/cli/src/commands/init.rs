use keystead_application::ports::Replace;
use keystead_application::use_cases::{
    ExportDestination, ExportReceipt, ExportRequest, Initialise, Initialised, KeysetError, check_destination,
};
use keystead_domain::KeysetReference;
use keystead_wire::ExportedJson;

use crate::Failure;
use crate::args::InitArgs;
use crate::commands::keyset::{print_generated, rescue_generated};
use crate::context::{Context, hint};
use crate::output::{InitJson, field_lines, printable};
use crate::progress::WorkProgress;
use crate::secrets::export_protection;

pub(crate) async fn run(context: &Context<'_>, args: InitArgs) -> Result<(), Failure> {
    let InitArgs {
        hint: asked_hint,
        bits,
        export_to,
        protection,
    } = args;
    let tools = context.tools();
    let bits = context.bits(bits)?;
    let hint = match asked_hint {
        Some(text) => hint(&text)?,
        None => hint(&format!(
            "First keyset, made by init on {}",
            &tools.clock.now().to_string()[..10]
        ))?,
    };
    // All that can be refused is refused before anything is made.
    let export = match &export_to {
        Some(location) => {
            if location == "-" {
                return Err(Failure::usage(
                    "init says on standard output what it made",
                    "leave --export-to away, and then: keystead keyset export active --to -",
                ));
            }
            let chosen = export_protection(context, &protection)?;
            chosen.protection.check()?;
            let located = tools.shares.locate(location).await.map_err(KeysetError::from)?;
            check_destination(&located, Replace::Never).await?;
            Some((located, chosen))
        }
        None => None,
    };

    let foundation = context.wiring.prepare().await?;
    let progress = WorkProgress::begin(&context.printer, "making the installation and its first keyset");
    let initialise = Initialise {
        store: foundation.store.as_ref(),
        master_keys: &foundation.master_keys,
        rsa: tools.rsa.as_ref(),
        signing: tools.signing.as_ref(),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    let made = initialise.run(&context.actor(), hint, bits).await;
    drop(progress);
    let Initialised {
        installation,
        keyset,
        master_key,
    } = made?;

    let (receipt, generated) = match export {
        Some((located, chosen)) => {
            print_generated(context, chosen.generated.as_deref())?;
            let request = ExportRequest {
                keysets: vec![KeysetReference::Id(keyset.id())],
                protection: chosen.protection,
                destination: ExportDestination::Share {
                    located,
                    replace: Replace::Never,
                },
            };
            let exporter = context.exporter(foundation.store.as_ref(), master_key.as_ref());
            let exported = exporter.run(&context.actor(), request).await.map_err(|error| {
                rescue_generated(context, chosen.generated.as_deref());
                let failure = Failure::from(error);
                let what = "the installation was made, but its keyset was not exported".to_owned();
                let fix = format!("{}; then: keystead keyset export active --to DEST", failure.fix);
                Failure { what, fix, ..failure }
            })?;
            (exported, chosen.generated)
        }
        None => (
            ExportReceipt {
                exported: Vec::new(),
                content: None,
                damaged: Vec::new(),
            },
            None,
        ),
    };

    let place = receipt
        .exported
        .first()
        .and_then(|exported| exported.place.clone());
    let keyset = receipt
        .exported
        .first()
        .map_or(&keyset, |exported| &exported.keyset);
    let json = InitJson::new(
        &installation,
        &foundation.place,
        &foundation.master_keys.preferred().place(),
        keyset,
        receipt.exported.iter().map(ExportedJson::from).collect(),
        generated.as_deref(),
    );
    let printed = context.printer.result(&json, || {
        let mut fields = vec![
            ("database", printable(&foundation.place)),
            (
                "master key",
                printable(&foundation.master_keys.preferred().place()),
            ),
            (
                "keyset",
                format!(
                    "{} (Active, {} bits)",
                    keyset.fingerprint().short(),
                    keyset.public_key().bits()
                ),
            ),
            ("hint", printable(keyset.hint().as_str())),
            ("fingerprint", keyset.fingerprint().to_string()),
        ];
        if let Some(place) = &place {
            fields.push((
                "exported to",
                format!("{} (read back and compared)", printable(place)),
            ));
        }
        format!(
            "Keystead is ready.\n\n{}\n\n{}",
            field_lines(&fields),
            next_steps(place.is_some(), foundation.master_keys.preferred().safekeeping())
        )
    });
    if printed.is_err() {
        rescue_generated(context, generated.as_deref());
    }
    printed?;
    Ok(())
}

fn next_steps(exported: bool, safekeeping: &str) -> String {
    let first = match exported {
        true => {
            "Take the exported file and its passphrase to two safe places, away from this machine and from each\n     other; \
                 note the fingerprint beside them."
        }
        false => {
            "Export the keyset to a safe place, now:  keystead keyset export active --to DEST\n     \
                  Without an export, losing this machine loses every backup whose password is lost."
        }
    };
    format!(
        "Next:\n  1. {first}\n  2. For the master key, {safekeeping}.\n     \
         Whoever has it and the database has the private keys.\n  3. Seal a backup:                      keystead seal -o backup.age backup.tar\n     \
         Or give machines the recipient line:  keystead keyset recipient"
    )
}
