use keystead_application::Status;
use keystead_application::ports::DamagedKeyset;
use keystead_application::use_cases::BrowseKeysets;
use keystead_domain::Keyset;
use serde::Serialize;
use keystead_wire::{KeysetJson, KeysetListJson};

use crate::Failure;
use crate::args::{ListArgs, RecipientArgs, ShowArgs};
use crate::context::{Context, reference};
use crate::output::{field_lines, moment, printable, state_words, table};

pub(crate) async fn list(context: &Context<'_>, args: ListArgs) -> Result<(), Failure> {
    let store = context.reading().await?;
    let browse = BrowseKeysets {
        store: store.as_ref(),
    };
    let (keysets, damaged) = match args.limit {
        Some(limit) => {
            let page = browse.list(None, limit).await?;
            (page.keysets, page.damaged)
        }
        None => browse.list_all().await?,
    };
    let json = KeysetListJson::new(&keysets, &damaged, None);
    context.printer.result(&json, || match keysets.is_empty() {
        true => "there is no keyset; make one with: keystead keyset create --hint TEXT".to_owned(),
        false => table(
            &["ID", "FINGERPRINT", "BITS", "STATE", "LAST EXPORT", "HINT"],
            keysets.iter().map(row).collect(),
        ),
    })?;
    refuse_damaged(&damaged)
}

/// A failure when there are damaged rows, after everything else was done.
pub(super) fn refuse_damaged(damaged: &[DamagedKeyset]) -> Result<(), Failure> {
    match damaged.first() {
        None => Ok(()),
        Some(DamagedKeyset { id, what }) => Err(Failure::new(
            Status::Refused,
            format!("{} of the keysets in the database cannot be read", damaged.len()),
            format!("keyset {id}: {what}"),
            "export the others now, and restore the database from a backup, or import the exports into a new installation",
        )),
    }
}

pub(crate) async fn show(context: &Context<'_>, args: ShowArgs) -> Result<(), Failure> {
    let store = context.reading().await?;
    let browse = BrowseKeysets {
        store: store.as_ref(),
    };
    let keyset = browse.show(&reference(&args.keyset)?).await?;
    context
        .printer
        .result(&KeysetJson::from(&keyset), || describe(&keyset))
}

pub(crate) async fn recipient(context: &Context<'_>, args: RecipientArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct RecipientJson {
        fingerprint: String,
        recipient: String,
    }
    let store = context.reading().await?;
    let browse = BrowseKeysets {
        store: store.as_ref(),
    };
    let rsa = context.tools().rsa.as_ref();
    let (keyset, recipient) = browse.recipient(rsa, &reference(&args.keyset)?).await?;
    let json = RecipientJson {
        fingerprint: keyset.fingerprint().to_string(),
        recipient: recipient.to_string(),
    };
    context.printer.result(&json, || recipient.to_string())
}

/// A keyset with everything that is known of it.
pub(crate) fn describe(keyset: &Keyset) -> String {
    let origin = match keyset.origin() {
        keystead_domain::keyset::Origin::Generated => "generated here".to_owned(),
        keystead_domain::keyset::Origin::Imported { exported_as: None } => "imported".to_owned(),
        keystead_domain::keyset::Origin::Imported {
            exported_as: Some(id),
        } => {
            format!("imported (its id where it was exported: {id})")
        }
    };
    let export = match keyset.last_export() {
        Some(export) => format!("{} to {}", moment(export.at), printable(&export.to)),
        None => "never: if this installation is lost, so is this keyset".to_owned(),
    };
    field_lines(&[
        ("id", keyset.id().to_string()),
        ("hint", printable(keyset.hint().as_str())),
        ("fingerprint", keyset.fingerprint().to_string()),
        ("bits", keyset.public_key().bits().to_string()),
        ("origin", origin),
        ("state", state_words(keyset)),
        ("created", moment(keyset.created_at())),
        ("last export", export),
    ])
}

fn row(keyset: &Keyset) -> Vec<String> {
    vec![
        keyset.id().to_string(),
        keyset.fingerprint().short(),
        keyset.public_key().bits().to_string(),
        state_words(keyset),
        keyset
            .last_export()
            .map_or_else(|| "never".to_owned(), |export| moment(export.at)),
        printable(keyset.hint().as_str()),
    ]
}
