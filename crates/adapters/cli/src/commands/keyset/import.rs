use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_application::use_cases::{ExaminedExport, ImportKeysets, ImportRequest};
use keystead_domain::{ExpectedFingerprint, Fingerprint, Hint, SecretBytes};
use keystead_wire::routes::IMPORT;
use keystead_wire::{ImportJson, InspectedKeysetJson, KeysetJson, SecretText};
use zeroize::Zeroizing;

use super::change::confirm;
use super::inspect::{examine, facts};
use crate::Failure;
use crate::args::ImportArgs;
use crate::context::{Context, OpenInstallation, hint};
use crate::input::read_export;
use crate::output::{field_lines, printable, short};
use crate::progress::WorkProgress;
use crate::remote::Remote;
use crate::secrets::{asked_passphrase, given_passphrase, to_send};

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
    let into = match context.remote() {
        Some(remote) => Importer::There(remote, expect_fingerprint),
        None => Importer::Here(Box::new(context.installation().await?)),
    };

    // Whoever can be asked sees the hint first. Without a terminal the import itself examines the file.
    if context.terminal.is_interactive() {
        ask(context, &into, &mut request, yes).await?;
    } else if !yes {
        confirm(context, "import?")?;
    }

    let progress = WorkProgress::begin(&context.printer, "importing");
    let imported = into.import(context, request).await;
    drop(progress);
    let imported = imported?;
    context.printer.result(&imported, || {
        let line = |keyset: &KeysetJson| {
            format!(
                "imported as {}: \"{}\"\nfingerprint: {}  (compare it with your record)",
                printable(&keyset.id),
                printable(&keyset.hint),
                printable(&keyset.fingerprint)
            )
        };
        imported.imported.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    context.printer.remark(
        "\nInactive: it opens its backups at once. To seal new ones to it, activate it: keystead keyset activate KEYSET",
    );
    Ok(())
}

/// The manager that imports.
enum Importer<'a> {
    Here(Box<OpenInstallation>),
    /// With the fingerprints that are expected, as they were given.
    There(&'a Remote, Vec<String>),
}

impl Importer<'_> {
    /// Looks into the file as the import will, on this machine.
    async fn look(&self, context: &Context<'_>, request: &ImportRequest) -> Result<ExaminedExport, Failure> {
        let ImportRequest {
            file,
            source,
            passphrase,
            ..
        } = request;
        let (copy, passphrase) = (SecretBytes::new(file.expose().to_vec()), passphrase.clone());
        match self {
            Self::There(..) => examine(context, copy, passphrase).await,
            Self::Here(installation) => {
                let import = importer(context, installation);
                Ok(import.look(&context.actor(), copy, source, passphrase).await?)
            }
        }
    }

    async fn import(&self, context: &Context<'_>, request: ImportRequest) -> Result<ImportJson, Failure> {
        let (remote, expect_fingerprints) = match self {
            Self::Here(installation) => {
                let import = importer(context, installation);
                return Ok(ImportJson::new(&import.run(&context.actor(), request).await?));
            }
            Self::There(remote, expected) => (remote, expected.clone()),
        };
        let ImportRequest {
            file,
            source,
            passphrase,
            hint,
            hints_for_nameless,
            expected: _,
        } = request;
        // What is no UTF-8 around the blocks of a file is no obstacle; in them, it is noticed.
        let text = Zeroizing::new(String::from_utf8_lossy(file.expose()).into_owned());
        let text_of = |(fingerprint, hint): (Fingerprint, Hint)| (fingerprint.to_string(), hint.to_string());
        let request = keystead_wire::ImportRequest {
            file: SecretText::new(text),
            source: Some(source),
            passphrase: passphrase.as_deref().map(to_send).transpose()?,
            hint: hint.map(|hint| hint.to_string()),
            hints_for_nameless: hints_for_nameless.into_iter().map(text_of).collect(),
            expect_fingerprints,
        };
        remote.post(IMPORT, &request).await
    }
}

/// Shows what is in the file, asks for what is missing, and for a yes when everything has been seen.
async fn ask(
    context: &Context<'_>,
    into: &Importer<'_>,
    request: &mut ImportRequest,
    yes: bool,
) -> Result<(), Failure> {
    let mut examined = into.look(context, request).await?;
    show(context, &examined)?;
    if request.passphrase.is_none() && examined.needs_passphrase() {
        request.passphrase = Some(Arc::new(asked_passphrase(context)?));
        let nothing_new = examined
            .keysets
            .iter()
            .all(|keyset| keyset.public.is_some() && keyset.metadata.is_some());
        examined = into.look(context, request).await?;
        if !nothing_new {
            show(context, &examined)?;
        }
    }
    if request.hint.is_none() {
        for keyset in examined.keysets.iter().filter(|keyset| keyset.metadata.is_none()) {
            let Some(public) = &keyset.public else {
                continue;
            };
            let fingerprint = public.fingerprint();
            let prompt = format!("hint for keyset {}", short(&fingerprint.to_string()));
            let hint = hint(&context.terminal.line(&prompt)?)?;
            request.hints_for_nameless.insert(fingerprint, hint);
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
        let facts = facts(&InspectedKeysetJson::new(keyset, false, None));
        context.printer.important(&format!("{}\n", field_lines(&facts)))?;
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
