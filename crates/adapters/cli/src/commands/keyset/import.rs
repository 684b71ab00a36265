use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_application::use_cases::{ExaminedExport, ExaminedKeyset, ImportKeysets, ImportRequest};
use keystead_domain::{ExpectedFingerprint, Hint, Keyset, Passphrase, SecretBytes};
use keystead_wire::{ImportJson, KeysetJson};

use super::change::confirm;
use super::inspect::facts;
use crate::Failure;
use crate::args::ImportArgs;
use crate::context::{Context, OpenInstallation, hint};
use crate::input::read_export;
use crate::output::{field_lines, printable};
use crate::progress::WorkProgress;
use crate::secrets::{asked_passphrase, given_passphrase};

pub(crate) async fn run(context: &Context<'_>, args: ImportArgs) -> Result<(), Failure> {
    let ImportArgs {
        source,
        passphrase_file,
        hint: given_hint,
        expect_fingerprint,
        yes,
    } = args;
    let expected = expect_fingerprint
        .iter()
        .map(|text| expected(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut request = ImportRequest {
        file: read_export(context, &source).await?,
        source: if source == "-" {
            "standard input".to_owned()
        } else {
            source
        },
        passphrase: given_passphrase(passphrase_file.as_deref())?.map(Arc::new),
        hint: given_hint.as_deref().map(hint).transpose()?,
        hints_for_nameless: BTreeMap::new(),
        expected,
    };
    let installation = context.installation().await?;
    let import = importer(context, &installation);

    // Whoever can be asked sees the hint first. Without a terminal the import itself examines the file.
    if context.terminal.is_interactive() {
        ask(context, &import, &mut request, yes).await?;
    } else if !yes {
        confirm(context, "import?")?;
    }

    let progress = WorkProgress::begin(&context.printer, "importing");
    let imported = import.run(&context.actor(), request).await;
    drop(progress);
    let imported = imported?;
    let json = ImportJson {
        imported: imported.iter().map(KeysetJson::from).collect(),
    };
    context.printer.result(&json, || {
        let line = |keyset: &Keyset| {
            format!(
                "imported as {}: \"{}\"\nfingerprint: {}  (compare it with your record)",
                keyset.id(),
                printable(keyset.hint().as_str()),
                keyset.fingerprint()
            )
        };
        imported.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    context.printer.remark(
        "\nInactive: it opens its backups at once. To seal new ones to it, activate it: keystead keyset activate KEYSET",
    );
    Ok(())
}

/// Shows what is in the file, asks for what is missing, and for a yes when everything has been seen.
async fn ask(
    context: &Context<'_>,
    import: &ImportKeysets<'_>,
    request: &mut ImportRequest,
    yes: bool,
) -> Result<(), Failure> {
    let mut examined = look(context, import, request).await?;
    show(context, &examined)?;
    if request.passphrase.is_none() && examined.needs_passphrase() {
        request.passphrase = Some(Arc::new(asked_passphrase(context)?));
        let nothing_new = examined
            .keysets
            .iter()
            .all(|keyset| keyset.public.is_some() && keyset.metadata.is_some());
        examined = look(context, import, request).await?;
        if !nothing_new {
            show(context, &examined)?;
        }
    }
    if request.hint.is_none() {
        for keyset in examined.keysets.iter().filter(|keyset| keyset.metadata.is_none()) {
            request.hints_for_nameless.extend(ask_hint(context, keyset)?);
        }
    }
    if yes {
        return Ok(());
    }
    confirm(
        context,
        &match examined.keysets.len() {
            1 => "import this keyset?".to_owned(),
            many => format!("import these {many} keysets?"),
        },
    )
}

fn ask_hint(
    context: &Context<'_>,
    keyset: &ExaminedKeyset,
) -> Result<Option<(keystead_domain::Fingerprint, Hint)>, Failure> {
    let Some(public) = &keyset.public else {
        return Ok(None);
    };
    let fingerprint = public.fingerprint();
    let text = context
        .terminal
        .line(&format!("hint for keyset {}", fingerprint.short()))?;
    Ok(Some((fingerprint, hint(&text)?)))
}

async fn look(
    context: &Context<'_>,
    import: &ImportKeysets<'_>,
    request: &ImportRequest,
) -> Result<ExaminedExport, Failure> {
    let ImportRequest {
        file,
        source,
        passphrase,
        ..
    } = request;
    let copy = SecretBytes::new(file.expose().to_vec());
    let passphrase: Option<Arc<Passphrase>> = passphrase.clone();
    Ok(import.look(&context.actor(), copy, source, passphrase).await?)
}

fn importer<'a>(context: &'a Context<'_>, installation: &'a OpenInstallation) -> ImportKeysets<'a> {
    let tools = context.tools();
    ImportKeysets {
        store: installation.store.as_ref(),
        master_key: installation.master_key.as_ref(),
        rsa: tools.rsa.as_ref(),
        codec: Arc::clone(&tools.codec),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    }
}

fn show(context: &Context<'_>, examined: &ExaminedExport) -> Result<(), Failure> {
    for keyset in &examined.keysets {
        context
            .printer
            .important(&format!("{}\n", field_lines(&facts(keyset))))?;
    }
    Ok(())
}

fn expected(text: &str) -> Result<ExpectedFingerprint, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(
            error,
            "give the fingerprint from your record, all 64 digits or at least the first 16",
        )
    })
}
