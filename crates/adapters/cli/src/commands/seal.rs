use std::io::Read;
use std::sync::Arc;

use keystead_application::ports::EncodedPublicKey;
use keystead_application::use_cases::{
    BackupError, SealBackup, SealPassword, SealRecipients, SealRequest, ServerState,
};
use keystead_domain::{Hint, Recipient};

use crate::Failure;
use crate::args::SealArgs;
use crate::commands::keyset::fetch_recipient;
use crate::context::{Context, hint};
use crate::input::{open_input, open_output, refuse_terminal};
use crate::output::{SealedJson, compared_words, printable, tell_what_is_not_promised};
use crate::progress::WorkProgress;
use crate::remote::remembered_manager;
use crate::secrets::new_password;

pub(crate) async fn run(context: &Context<'_>, args: SealArgs) -> Result<(), Failure> {
    let SealArgs {
        input,
        out,
        overwrite,
        password_file,
        password_hint,
        no_password,
        recipient,
        no_read_back,
        no_remember,
    } = args;
    refuse_terminal(out.as_deref(), "the sealed file")?;
    let given = read_recipients(context, &recipient)?;
    let tools = context.tools();
    let seal = SealBackup {
        rsa: tools.rsa.as_ref(),
        format: Arc::clone(&tools.format),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    // A backup server needs no installation: it seals to what it was given, now or before.
    let own = ServerState {
        folder: tools.server_folder.as_ref(),
    };
    let is_backup_server = context.wiring.store_is_embedded() && context.no_installation_yet().await;
    let recipients = match (given.is_empty(), context.remote()) {
        (true, Some(remote)) => vec![fetch_recipient(remote, "active").await?],
        (true, None) if is_backup_server => own_recipients(context, &own).await?,
        _ => given,
    };
    let remembered = recipients.clone();
    let to = match recipients.is_empty() {
        true => {
            let installation = context.installation().await?;
            seal.recipients(
                &context.actor(),
                SealRecipients::Active(installation.store.as_ref()),
            )
            .await?
        }
        false => {
            seal.recipients(&context.actor(), SealRecipients::Given(recipients))
                .await?
        }
    };
    // Where the manager says what is sealed to, a recipient that was given is for this one time.
    if is_backup_server && !recipient.is_empty() && !no_remember && own.manager_address().await?.is_none() {
        remember(context, &own, &remembered).await?;
    }
    let password = match no_password {
        true => None,
        false => {
            let hint: Option<Hint> = password_hint.as_deref().map(hint).transpose()?;
            Some(SealPassword {
                password: new_password(context, password_file.as_deref())?,
                hint,
            })
        }
    };

    let mut reader = open_input(context, input.as_deref()).await?;
    let output = open_output(context, out.as_deref(), overwrite, !no_read_back).await?;
    let (mut writer, is_compared) = (output.writer, output.is_compared);
    let progress = WorkProgress::transfer(&context.printer, "sealing", reader.length);
    let request = SealRequest {
        to,
        password,
        server: own.server_id().await?,
    };
    let sealed = seal
        .run(request, &mut *reader.bytes, &mut *writer, &|bytes| {
            progress.at(bytes)
        })
        .await;
    let sealed = match sealed {
        Ok(sealed) => sealed,
        Err(error) => {
            writer.discard().await;
            return Err(error.into());
        }
    };
    // The end of it may still be on its way, and then it is read back.
    let published = writer.publish().await;
    drop(progress);
    let receipt = published.map_err(BackupError::from)?;
    if out.as_deref().is_none_or(|out| out == "-") {
        return Ok(());
    }
    context
        .printer
        .result(&SealedJson::new(&sealed, &receipt, is_compared), || {
            let mut opens: Vec<String> = sealed
                .fingerprints
                .iter()
                .map(|f| format!("keyset {}", f.short()))
                .collect();
            opens.extend(sealed.has_password.then(|| "its password".to_owned()));
            format!(
                "sealed {} bytes into {}{}; opens with {}",
                sealed.content_bytes,
                printable(&receipt.place),
                compared_words(is_compared),
                opens.join(" or ")
            )
        })?;
    tell_what_is_not_promised(context, Some(receipt.promised));
    Ok(())
}

/// What a backup server seals to: the Active keyset of its manager, when it knows where that is, else what was given to it
/// before. A manager that cannot be reached keeps nobody from making a backup.
async fn own_recipients(context: &Context<'_>, own: &ServerState<'_>) -> Result<Vec<Recipient>, Failure> {
    let kept = own.recipients().await?;
    let active = match remembered_manager(context).await {
        Ok(None) => return Ok(kept),
        Ok(Some(manager)) => fetch_recipient(&manager, "active").await,
        Err(failure) => Err(failure),
    };
    match active {
        Ok(active) => {
            let active = vec![active];
            if own.remember(&active).await? && !kept.is_empty() {
                context.printer.remark(
                    "the manager has another Active keyset now; this machine seals to that from now on",
                );
            }
            Ok(active)
        }
        Err(failure) if kept.is_empty() => Err(failure),
        Err(failure) => {
            let why = printable(&failure.why);
            context.printer.important(&format!(
                "warning: the manager could not be asked for its Active keyset: {why}; this is sealed to the one that is remembered"
            ))?;
            Ok(kept)
        }
    }
}

/// From now on this machine seals to them when nobody says otherwise.
async fn remember(
    context: &Context<'_>,
    own: &ServerState<'_>,
    recipients: &[Recipient],
) -> Result<(), Failure> {
    if own.remember(recipients).await? {
        context.printer.remark(
            "remembered: this machine seals to this recipient from now on, also without --recipient (--no-remember does not remember)",
        );
    }
    Ok(())
}

fn read_recipients(context: &Context<'_>, given: &[String]) -> Result<Vec<Recipient>, Failure> {
    let mut recipients = Vec::new();
    for text in given {
        if text.trim_start().starts_with("ssh-") {
            recipients.push(parse_line(text)?);
        } else {
            recipients.extend(from_file(context, text)?);
        }
    }
    Ok(recipients)
}

/// Reads a file of recipient lines (blank lines and # comments are skipped), or public keys in PEM.
fn from_file(context: &Context<'_>, path: &str) -> Result<Vec<Recipient>, Failure> {
    const MAX_FILE: u64 = 1024 * 1024;
    let unreadable = |why: String| Failure::usage(format!("{path}: {why}"), RECIPIENT_FIX);
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    file.take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_FILE {
        return Err(unreadable(
            "the file is longer than any list of recipients".to_owned(),
        ));
    }
    let mut recipients = Vec::new();
    if text.contains("-----BEGIN ") {
        let blocks = context.tools().codec.public_keys(text.as_bytes());
        for block in blocks.map_err(|error| unreadable(error.to_string()))? {
            recipients
                .push(from_public_key(context, &block.0).map_err(|error| unreadable(error.to_string()))?);
        }
    } else {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            recipients.push(parse_line(line)?);
        }
    }
    match recipients.is_empty() {
        true => Err(unreadable("there is no recipient in it".to_owned())),
        false => Ok(recipients),
    }
}

fn from_public_key(
    context: &Context<'_>,
    key: &EncodedPublicKey,
) -> Result<Recipient, keystead_application::ports::RsaError> {
    let rsa = &context.tools().rsa;
    Ok(Recipient::new(rsa.numbers(&rsa.read_public(key)?)?))
}

fn parse_line(line: &str) -> Result<Recipient, Failure> {
    line.parse().map_err(|error| Failure::usage(error, RECIPIENT_FIX))
}

const RECIPIENT_FIX: &str =
    "give the line that \"keystead keyset recipient\" prints, or a file with such lines or PUBLIC KEY blocks";
