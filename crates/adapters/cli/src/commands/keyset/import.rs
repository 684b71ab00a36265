use std::sync::Arc;

use keystead_application::use_cases::{ExaminedExport, ImportKeysets, ImportRequest, KeysetError};
use keystead_domain::{FingerprintPrefix, Hint, Keyset, Passphrase, SecretBytes};

use super::change::confirm;
use super::inspect::{examine, facts};
use crate::Failure;
use crate::args::ImportArgs;
use crate::context::{Context, OpenInstallation, hint};
use crate::input::read_export;
use crate::output::{ImportJson, KeysetJson, field_lines, printable};
use crate::progress::WorkProgress;
use crate::secrets::{asked_passphrase, given_passphrase};

/// Fewer digits of a fingerprint could be met by a keyset that somebody made for the purpose.
const MIN_EXPECTED_DIGITS: usize = 16;

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
    let mut hint: Option<Hint> = given_hint.as_deref().map(hint).transpose()?;
    let file = read_export(context, &source).await?;
    let mut passphrase = given_passphrase(passphrase_file.as_deref())?.map(Arc::new);
    let installation = context.installation().await?;

    // Whoever can be asked sees the hint first. Without a terminal the import itself examines the file.
    if context.terminal.is_interactive() {
        let examined = examine(context, copy(&file), passphrase.clone()).await?;
        show(context, &examined);
        if passphrase.is_none() && examined.needs_passphrase() {
            passphrase = Some(Arc::new(asked_passphrase(context)?));
        }
        if hint.is_none() && examined.keysets.iter().any(|keyset| keyset.metadata.is_none()) {
            hint = Some(crate::context::hint(
                &context.terminal.line("hint for the keyset")?,
            )?);
        }
        if !yes {
            let many = examined.keysets.len();
            confirm(
                context,
                &if many == 1 {
                    "import this keyset?".to_owned()
                } else {
                    format!("import these {many} keysets?")
                },
            )?;
        }
    } else if !yes {
        confirm(context, "import?")?;
    }

    let progress = WorkProgress::begin(&context.printer, "importing", None);
    let imported = import(context, &installation, file, &source, passphrase, hint, expected).await;
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

async fn import(
    context: &Context<'_>,
    installation: &OpenInstallation,
    file: SecretBytes,
    source: &str,
    passphrase: Option<Arc<Passphrase>>,
    hint: Option<Hint>,
    expected: Vec<FingerprintPrefix>,
) -> Result<Vec<Keyset>, KeysetError> {
    let tools = context.tools();
    let import = ImportKeysets {
        store: installation.store.as_ref(),
        master_key: installation.master_key.as_ref(),
        rsa: tools.rsa.as_ref(),
        codec: Arc::clone(&tools.codec),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    let source = if source == "-" { "standard input" } else { source };
    let request = ImportRequest {
        file,
        source: source.to_owned(),
        passphrase,
        hint,
        expected,
    };
    import.run(&context.actor(), request).await
}

fn show(context: &Context<'_>, examined: &ExaminedExport) {
    for keyset in &examined.keysets {
        context
            .printer
            .important(&format!("{}\n", field_lines(&facts(keyset))));
    }
}

fn copy(file: &SecretBytes) -> SecretBytes {
    SecretBytes::new(file.expose().to_vec())
}

fn expected(text: &str) -> Result<FingerprintPrefix, Failure> {
    let fix = "give the fingerprint from your record, all 64 digits or at least the first 16";
    let prefix: FingerprintPrefix = text.parse().map_err(|error| Failure::usage(error, fix))?;
    if prefix.as_str().len() < MIN_EXPECTED_DIGITS {
        return Err(Failure::usage(
            "the expected fingerprint is too short to prove anything",
            fix,
        ));
    }
    Ok(prefix)
}
