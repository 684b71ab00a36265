use std::time::Duration;

use keystead_application::Status;
use keystead_application::use_cases::{BackupError, BrowseKeysets};
use keystead_domain::Recipient;
use keystead_wire::routes::{KEYSETS, below, with_query};
use keystead_wire::{DamagedJson, KeysetJson, KeysetListJson, KeysetOriginJson, RecipientJson};

use crate::Failure;
use crate::args::{ListArgs, RecipientArgs, ShowArgs};
use crate::context::{Context, reference};
use crate::output::{field_lines, moment, printable, short, state_words, table};
use crate::remote::{self, Call, Remote};

/// Nobody waits long for a public key: backups wait for it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn list(context: &Context<'_>, args: ListArgs) -> Result<(), Failure> {
    let list = match context.remote() {
        Some(remote) => remote::keysets(remote, args.limit).await?,
        None => list_here(context, args.limit).await?,
    };
    context.printer.result(&list, || match list.keysets.is_empty() {
        true => "there is no keyset; make one with: keystead keyset create --hint TEXT".to_owned(),
        false => table(
            &["ID", "FINGERPRINT", "BITS", "STATE", "LAST EXPORT", "HINT"],
            list.keysets.iter().map(row).collect(),
        ),
    })?;
    refuse_damaged(&list.damaged)
}

async fn list_here(context: &Context<'_>, limit: Option<u32>) -> Result<KeysetListJson, Failure> {
    let store = context.reading().await?;
    let browse = BrowseKeysets {
        store: store.as_ref(),
    };
    let (keysets, damaged) = match limit {
        Some(limit) => {
            let page = browse.list(None, limit).await?;
            (page.keysets, page.damaged)
        }
        None => browse.list_all().await?,
    };
    Ok(KeysetListJson::new(&keysets, &damaged, None))
}

/// A failure when there are damaged rows, after everything else was done.
pub(super) fn refuse_damaged(damaged: &[DamagedJson]) -> Result<(), Failure> {
    match damaged.first() {
        None => Ok(()),
        Some(DamagedJson { id, what }) => Err(Failure::new(
            Status::Refused,
            format!("{} of the keysets in the database cannot be read", damaged.len()),
            format!("keyset {id}: {what}"),
            "export the others now, and restore the database from a backup, or import the exports into a new installation",
        )),
    }
}

pub(crate) async fn show(context: &Context<'_>, args: ShowArgs) -> Result<(), Failure> {
    let keyset = shown(context, &args.keyset).await?;
    context.printer.result(&keyset, || describe(&keyset))
}

async fn shown(context: &Context<'_>, text: &str) -> Result<KeysetJson, Failure> {
    let reference = reference(text)?;
    if let Some(remote) = context.remote() {
        return remote.get(below(KEYSETS, text)).await;
    }
    let store = context.reading().await?;
    let browse = BrowseKeysets {
        store: store.as_ref(),
    };
    Ok(KeysetJson::from(&browse.show(&reference).await?))
}

pub(crate) async fn recipient(context: &Context<'_>, args: RecipientArgs) -> Result<(), Failure> {
    let json = match context.remote() {
        Some(remote) => {
            reference(&args.keyset)?;
            let recipient = fetch_recipient(remote, &args.keyset).await?;
            let key = context.tools().rsa.public_from_numbers(recipient.numbers());
            RecipientJson {
                fingerprint: key.map_err(BackupError::Recipient)?.fingerprint().to_string(),
                recipient: recipient.to_string(),
            }
        }
        None => {
            let store = context.reading().await?;
            let browse = BrowseKeysets {
                store: store.as_ref(),
            };
            let rsa = context.tools().rsa.as_ref();
            let (keyset, recipient) = browse.recipient(rsa, &reference(&args.keyset)?).await?;
            RecipientJson::new(&keyset, &recipient)
        }
    };
    context.printer.result(&json, || json.recipient.clone())
}

/// What is sealed to, for the keyset that somebody names.
pub(crate) async fn fetch_recipient(remote: &Remote, keyset: &str) -> Result<Recipient, Failure> {
    let path = format!("{}/public-key", below(KEYSETS, keyset));
    let path = with_query(&path, &[("format", Some("openssh".to_owned()))]);
    let answer = remote
        .call(Call::get(path).accepting("text/plain").patience(PATIENCE))
        .await?;
    let line = answer.text()?.trim();
    line.parse().map_err(|error| {
        Failure::new(
            Status::Refused,
            "the manager was not understood",
            format!("what it gives as a public key is none: {error}"),
            "check the URL of --server, and whether the manager and this program are of the same version",
        )
    })
}

/// A keyset with everything that is known of it.
pub(crate) fn describe(keyset: &KeysetJson) -> String {
    let origin = match (keyset.origin, &keyset.exported_as) {
        (KeysetOriginJson::Generated, _) => "generated here".to_owned(),
        (KeysetOriginJson::Imported, None) => "imported".to_owned(),
        (KeysetOriginJson::Imported, Some(id)) => {
            format!("imported (its id where it was exported: {id})")
        }
    };
    let export = match (&keyset.last_exported_at, &keyset.last_export_to) {
        (Some(at), Some(to)) => format!("{} to {}", moment(at), printable(to)),
        _ => "never: if this installation is lost, so is this keyset".to_owned(),
    };
    field_lines(&[
        ("id", keyset.id.clone()),
        ("hint", keyset.hint.clone()),
        ("fingerprint", keyset.fingerprint.clone()),
        ("bits", keyset.bits.to_string()),
        ("origin", origin),
        ("state", state_words(keyset)),
        ("created", moment(&keyset.created_at)),
        ("last export", export),
    ])
}

fn row(keyset: &KeysetJson) -> Vec<String> {
    vec![
        keyset.id.clone(),
        short(&keyset.fingerprint),
        keyset.bits.to_string(),
        state_words(keyset),
        keyset
            .last_exported_at
            .as_ref()
            .map_or_else(|| "never".to_owned(), moment),
        keyset.hint.clone(),
    ]
}
