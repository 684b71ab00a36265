use std::sync::Arc;

use keystead_application::use_cases::{ExamineExport, ExaminedExport, ExaminedKeyset};
use keystead_application::{Explain, Status};
use keystead_domain::{KeysetId, Protection, SecretBytes};
use keystead_wire::routes::{KEYSETS, below};
use keystead_wire::{InspectJson, InspectedKeysetJson, KeysetJson};

use crate::Failure;
use crate::args::InspectArgs;
use crate::context::Context;
use crate::input::read_export;
use crate::output::{field_lines, moment, printable};
use crate::remote::{Call, Remote};
use crate::secrets::given_passphrase;

pub(crate) async fn run(context: &Context<'_>, args: InspectArgs) -> Result<(), Failure> {
    let file = read_export(context, &args.source).await?;
    let passphrase = given_passphrase(args.passphrase_file.as_deref())?.map(Arc::new);
    // The file is looked into on this machine, also where the manager is elsewhere: its private keys need not travel for it.
    let examined = examine(context, file, passphrase).await?;
    let looked = match context.remote() {
        Some(remote) => look_up_there(remote, &examined).await?,
        None => look_up_here(context, &examined).await?,
    };
    let (keysets, unknown): (Vec<_>, Vec<_>) = looked.into_iter().unzip();
    let json = InspectJson { keysets };
    context.printer.result(&json, || {
        json.keysets
            .iter()
            .zip(&unknown)
            .map(|(keyset, unknown)| describe(keyset, unknown.as_deref()))
            .collect::<Vec<_>>()
            .join("\n\n")
    })
}

/// A keyset of the file; and why it is not known whether it is at the manager, when it is not.
type Looked = (InspectedKeysetJson, Option<String>);

pub(super) async fn examine(
    context: &Context<'_>,
    file: SecretBytes,
    passphrase: Option<Arc<keystead_domain::Passphrase>>,
) -> Result<ExaminedExport, Failure> {
    let tools = context.tools();
    let examine = ExamineExport {
        codec: Arc::clone(&tools.codec),
        rsa: tools.rsa.as_ref(),
    };
    Ok(examine.run(file, passphrase).await?)
}

fn looked(keyset: &ExaminedKeyset, here: Result<Option<KeysetId>, String>) -> Looked {
    match here {
        Ok(here) => (InspectedKeysetJson::new(keyset, true, here), None),
        Err(why) => (InspectedKeysetJson::new(keyset, false, None), Some(why)),
    }
}

fn without_fingerprint() -> String {
    "the fingerprint is known only with the passphrase".to_owned()
}

async fn look_up_here(context: &Context<'_>, examined: &ExaminedExport) -> Result<Vec<Looked>, Failure> {
    // An export can be looked at on a machine that has no installation.
    let store = context.reading().await;
    let mut all = Vec::with_capacity(examined.keysets.len());
    for keyset in &examined.keysets {
        let here = match (&store, &keyset.public) {
            (Err(failure), _) => Err(failure.why.clone()),
            (Ok(_), None) => Err(without_fingerprint()),
            (Ok(store), Some(_)) => Ok(keyset.already_here(store.as_ref()).await?),
        };
        all.push(looked(keyset, here));
    }
    Ok(all)
}

async fn look_up_there(remote: &Remote, examined: &ExaminedExport) -> Result<Vec<Looked>, Failure> {
    let mut all = Vec::with_capacity(examined.keysets.len());
    for keyset in &examined.keysets {
        let here = match &keyset.public {
            None => Err(without_fingerprint()),
            Some(public) => {
                let fingerprint = public.fingerprint().to_string();
                match remote.call(Call::get(below(KEYSETS, &fingerprint))).await {
                    Ok(answer) => Ok(answer.json::<KeysetJson>()?.id.parse().ok()),
                    Err(refusal) if refusal.status() == Status::NotFound => Ok(None),
                    Err(refusal) => Err(refusal.why()),
                }
            }
        };
        all.push(looked(keyset, here));
    }
    Ok(all)
}

fn describe(keyset: &InspectedKeysetJson, unknown: Option<&str>) -> String {
    let here = match (&keyset.already_here, unknown) {
        (_, Some(why)) => format!("not known: {why}"),
        (Some(id), None) => format!("yes, with the id {id}"),
        (None, None) => "no".to_owned(),
    };
    let mut fields = facts(keyset);
    fields.push(("already here", here));
    field_lines(&fields)
}

/// What a person needs to decide about a keyset of a file.
pub(super) fn facts(keyset: &InspectedKeysetJson) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    match (&keyset.hint, &keyset.created_at, &keyset.exported_at) {
        (Some(hint), Some(created_at), Some(exported_at)) => {
            fields.push(("hint", printable(hint)));
            fields.push(("created", moment(created_at)));
            let exported_as = keyset.exported_as.as_deref().unwrap_or_default();
            fields.push(("exported", format!("{}, as {exported_as}", moment(exported_at))));
        }
        _ => fields.push(("hint", "the file holds none".to_owned())),
    }
    match (&keyset.fingerprint, keyset.bits) {
        (Some(fingerprint), Some(bits)) => {
            let of = match keyset.private_key_checked {
                true => "",
                false => ", of the PUBLIC KEY block",
            };
            fields.push((
                "fingerprint",
                format!("{fingerprint}  ({of}compare it with your record)"),
            ));
            fields.push(("bits", bits.to_string()));
        }
        _ => fields.push(("fingerprint", "known only with the passphrase".to_owned())),
    }
    fields.push(("protection", Protection::from(&keyset.protection).to_string()));
    let checked = match keyset.private_key_checked {
        true => "checked: it is whole, and belongs to the public key",
        false => "not checked: that needs the passphrase",
    };
    fields.push(("private key", checked.to_owned()));
    fields
}
