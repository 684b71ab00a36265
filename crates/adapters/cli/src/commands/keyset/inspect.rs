use std::sync::Arc;

use keystead_application::use_cases::{ExamineExport, ExaminedExport, ExaminedKeyset};
use keystead_domain::{KeysetId, SecretBytes};
use keystead_wire::{InspectJson, InspectedKeysetJson};

use crate::Failure;
use crate::args::InspectArgs;
use crate::context::Context;
use crate::input::read_export;
use crate::output::{field_lines, moment, printable};
use crate::secrets::given_passphrase;

pub(crate) async fn run(context: &Context<'_>, args: InspectArgs) -> Result<(), Failure> {
    let file = read_export(context, &args.source).await?;
    let passphrase = given_passphrase(args.passphrase_file.as_deref())?.map(Arc::new);
    let examined = examine(context, file, passphrase).await?;
    let looked = look_up(context, &examined).await?;
    let json = InspectJson {
        keysets: looked
            .iter()
            .map(|(keyset, here)| InspectedKeysetJson::new(keyset, here.is_known(), here.id()))
            .collect(),
    };
    context.printer.result(&json, || {
        looked
            .iter()
            .map(|(keyset, here)| describe(keyset, here))
            .collect::<Vec<_>>()
            .join("\n\n")
    })
}

/// Whether a keyset of the file is here.
pub(super) enum Here {
    Yes(KeysetId),
    No,
    /// There is no installation to look in, or the file does not tell the fingerprint.
    Unknown(String),
}

impl Here {
    fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    fn id(&self) -> Option<KeysetId> {
        match self {
            Self::Yes(id) => Some(*id),
            Self::No | Self::Unknown(_) => None,
        }
    }
}

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

async fn look_up<'a>(
    context: &Context<'_>,
    examined: &'a ExaminedExport,
) -> Result<Vec<(&'a ExaminedKeyset, Here)>, Failure> {
    // An export can be looked at on a machine that has no installation.
    let store = context.reading().await;
    let mut looked = Vec::with_capacity(examined.keysets.len());
    for keyset in &examined.keysets {
        let here = match (&store, &keyset.public) {
            (Err(failure), _) => Here::Unknown(failure.why.clone()),
            (Ok(_), None) => Here::Unknown("the fingerprint is known only with the passphrase".to_owned()),
            (Ok(store), Some(_)) => match keyset.already_here(store.as_ref()).await? {
                Some(id) => Here::Yes(id),
                None => Here::No,
            },
        };
        looked.push((keyset, here));
    }
    Ok(looked)
}

fn describe(keyset: &ExaminedKeyset, here: &Here) -> String {
    let here = match here {
        Here::Yes(id) => format!("yes, with the id {id}"),
        Here::No => "no".to_owned(),
        Here::Unknown(why) => format!("not known: {why}"),
    };
    let mut fields = facts(keyset);
    fields.push(("already here", here));
    field_lines(&fields)
}

/// What a person needs to decide about a keyset of a file.
pub(super) fn facts(keyset: &ExaminedKeyset) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    match &keyset.metadata {
        Some(metadata) => {
            fields.push(("hint", printable(metadata.hint.as_str())));
            fields.push(("created", moment(metadata.created_at)));
            fields.push((
                "exported",
                format!("{}, as {}", moment(metadata.exported_at), metadata.id),
            ));
        }
        None => fields.push(("hint", "the file holds none".to_owned())),
    }
    match &keyset.public {
        Some(public) => {
            let of = if keyset.pair.is_some() {
                ""
            } else {
                ", of the PUBLIC KEY block"
            };
            fields.push((
                "fingerprint",
                format!("{}  ({of}compare it with your record)", public.fingerprint()),
            ));
            fields.push(("bits", public.bits().to_string()));
        }
        None => fields.push(("fingerprint", "known only with the passphrase".to_owned())),
    }
    fields.push(("protection", keyset.protection.to_string()));
    let checked = match keyset.pair {
        Some(_) => "checked: it is whole, and belongs to the public key",
        None => "not checked: that needs the passphrase",
    };
    fields.push(("private key", checked.to_owned()));
    fields
}
