use std::sync::Arc;

use keystead_application::Status;
use keystead_application::ports::SealedHeader;
use keystead_application::use_cases::{
    BackupError, ExamineExport, KeptKey, OpenBackup, Opened, UnlockedBackup, needed,
};
use keystead_domain::{RequestId, SecretBytes, Sha256Digest};

use crate::Failure;
use crate::args::OpenArgs;
use crate::commands::recovery::{applier, lasting};
use crate::commands::server::is_backup_server_only;
use crate::context::Context;
use crate::input::{open_input, open_output, read_export};
use crate::output::{OpenedJson, compared_words, printable, tell_what_is_not_promised};
use crate::progress::WorkProgress;
use crate::secrets::{asked_passphrase, given_passphrase, given_password};

pub(crate) async fn run(context: &Context<'_>, args: OpenArgs) -> Result<(), Failure> {
    if args.identity.as_deref() == Some("-") && matches!(args.input.as_deref(), None | Some("-")) {
        return Err(Failure::usage(
            "both the backup and the exported keyset come from standard input",
            "give one of them as a file",
        ));
    }
    // What is in the way is found out before a private key is used.
    let output = open_output(context, args.out.as_deref(), args.overwrite, !args.no_read_back).await?;
    let (mut writer, is_compared) = (output.writer, output.is_compared);
    let open = OpenBackup {
        format: Arc::clone(&context.tools().format),
    };
    let input = open_input(context, args.input.as_deref()).await?;
    let source = open.read_header(input.bytes).await?;
    let header = Sha256Digest::of(&source.header_bytes);
    let recovered = recovered(context, &args, header).await?;
    let unlocked = match &recovered {
        Some((request, key)) => open.unlock_with_recovered(&source.header, key.key.again(), *request)?,
        None => unlock(context, &open, &source.header, &args).await?,
    };

    let progress = WorkProgress::transfer(&context.printer, "opening", input.length);
    let written = open
        .write_content(source, &unlocked, &mut *writer, &|bytes| progress.at(bytes))
        .await;
    if let Err(error) = written {
        writer.discard().await;
        return Err(error.into());
    }
    let published = writer.publish().await;
    drop(progress);
    let receipt = published.map_err(BackupError::from)?;
    let with = match &unlocked.with {
        Opened::Keyset(fingerprint) => format!("keyset {}", fingerprint.short()),
        Opened::Password => "the password".to_owned(),
        Opened::Recovered(request) => format!("the key from recovery request {request}"),
    };
    if args.out.as_deref().is_none_or(|out| out == "-") {
        context.printer.remark(&format!("opened with {with}"));
        return Ok(());
    }
    if let (Some((request, key)), Some(out)) = (&recovered, args.out.as_deref()) {
        let apply = applier(context);
        apply.mark_opened(*request, key.file, &lasting(out)).await?;
        if apply.finish_if_all_open(*request).await? {
            context
                .printer
                .remark("that was the last file of its recovery request; the keys are destroyed");
        }
    }
    context
        .printer
        .result(&OpenedJson::new(&unlocked.with, &receipt, is_compared), || {
            format!(
                "opened {} bytes into {}{} with {with}",
                receipt.bytes,
                printable(&receipt.place),
                compared_words(is_compared)
            )
        })?;
    tell_what_is_not_promised(context, Some(receipt.promised));
    Ok(())
}

/// A key that a manager gave for this very file, when there is one and the arguments name nothing else.
async fn recovered(
    context: &Context<'_>,
    args: &OpenArgs,
    header: Sha256Digest,
) -> Result<Option<(RequestId, KeptKey)>, Failure> {
    if args.identity.is_some() || args.password_file.is_some() {
        return Ok(None);
    }
    // Trouble with recovered keys does not keep a keyset or the password from opening the file.
    match applier(context).key_for(header).await {
        Ok(found) => Ok(found),
        Err(error) => {
            let why = Failure::from(error).why;
            let remark = format!("no recovered key was looked for: {}", printable(&why));
            context.printer.remark(&remark);
            Ok(None)
        }
    }
}

/// With what the arguments name; else with a keyset that is here; else with the password.
async fn unlock(
    context: &Context<'_>,
    open: &OpenBackup,
    header: &SealedHeader,
    args: &OpenArgs,
) -> Result<UnlockedBackup, Failure> {
    if let Some(identity) = &args.identity {
        let export = read_export(context, identity).await?;
        return with_identity(context, open, header, export, args).await;
    }
    if args.password_file.is_some()
        && let Some(password) = given_password(args.password_file.as_deref())?
    {
        return Ok(open.unlock_with_password(header, password).await?);
    }
    // The password may open what a keyset does not; why the keyset did not is told if it does not either.
    let trouble = match context.installation().await {
        Ok(installation) => {
            let access = context.key_access(&installation);
            match open.unlock_with_keysets(header, &access, &context.actor()).await {
                Ok(Some(unlocked)) => return Ok(unlocked),
                Ok(None) => None,
                Err(error @ BackupError::Format(_)) => return Err(error.into()),
                Err(error) => Some(Failure::from(error)),
            }
        }
        Err(failure) => Some(failure),
    };
    if let Some(failure) = &trouble {
        context.printer.remark(&format!(
            "no keyset was tried to the end: {}",
            printable(&failure.why)
        ));
    }
    if let Some(password) = with_password(context, header)? {
        return match open.unlock_with_password(header, password).await {
            Err(error @ BackupError::WrongPassword) => Err(asking_the_manager(context, error.into()).await),
            other => Ok(other?),
        };
    }
    let no_key = BackupError::NoKeyHere {
        needed: needed(header),
        password: !header.passwords.is_empty(),
    };
    match trouble {
        Some(trouble) if trouble.status != Status::NotUnlocked && !context.no_installation_yet().await => {
            Err(trouble)
        }
        Some(_) | None => Err(asking_the_manager(context, no_key.into()).await),
    }
}

/// On a backup server a lost password is what the manager is for.
async fn asking_the_manager(context: &Context<'_>, failure: Failure) -> Failure {
    let is_enrolled = is_backup_server_only(context).await.unwrap_or(false);
    match is_enrolled {
        true => Failure {
            fix: "ask the manager for the key: keystead recovery request FILE -o request.txt; or give the password with --password-file FILE".to_owned(),
            ..failure
        },
        false => failure,
    }
}

fn with_password(
    context: &Context<'_>,
    header: &SealedHeader,
) -> Result<Option<keystead_domain::Passphrase>, Failure> {
    let Some(slot) = header.passwords.first() else {
        return Ok(None);
    };
    if let Some(password) = given_password(None)? {
        return Ok(Some(password));
    }
    if !context.terminal.is_interactive() {
        return Ok(None);
    }
    let hint = slot.hint.as_ref().map_or_else(String::new, |hint| {
        format!(" (hint: \"{}\")", printable(hint.as_str()))
    });
    context
        .terminal
        .secret(&format!("no keyset for this backup is here; its password{hint}"))
        .map(Some)
}

async fn with_identity(
    context: &Context<'_>,
    open: &OpenBackup,
    header: &SealedHeader,
    export: SecretBytes,
    args: &OpenArgs,
) -> Result<UnlockedBackup, Failure> {
    let tools = context.tools();
    let mut passphrase = given_passphrase(args.passphrase_file.as_deref())?;
    if passphrase.is_none() {
        let copy = SecretBytes::new(export.expose().to_vec());
        let examine = ExamineExport {
            codec: Arc::clone(&tools.codec),
            rsa: tools.rsa.as_ref(),
        };
        if examine.run(copy, None).await?.needs_passphrase() {
            passphrase = Some(asked_passphrase(context)?);
        }
    }
    let passphrase = passphrase.map(Arc::new);
    let codec = Arc::clone(&tools.codec);
    let unlocked = open
        .unlock_with_identity(header, export, passphrase, codec, tools.rsa.as_ref())
        .await;
    unlocked.map_err(|error| match error {
        BackupError::OtherIdentity { .. } => Failure {
            status: Status::NotUnlocked,
            ..Failure::from(error)
        },
        other => other.into(),
    })
}
