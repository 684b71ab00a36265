use keystead_application::use_cases::{
    ActivateKeyset, Activated, BrowseKeysets, CreateKeyset, DeleteKeyset, EditKeyset,
};
use keystead_domain::keyset::Force;
use keystead_domain::{Actor, KeysetReference};
use serde::Serialize;
use keystead_wire::{KeysetJson};

use super::look::describe;
use crate::Failure;
use crate::args::{ActivateArgs, CreateArgs, DeleteArgs, EditArgs};
use crate::context::{Context, OpenInstallation, hint, reference};
use crate::output::{printable};
use crate::progress::WorkProgress;

pub(crate) async fn create(context: &Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let CreateArgs {
        hint: text,
        bits,
        activate,
    } = args;
    let (hint, bits) = (hint(&text)?, context.bits(bits)?);
    let installation = context.installation().await?;
    let tools = context.tools();
    let create = CreateKeyset {
        store: installation.store.as_ref(),
        master_key: installation.master_key.as_ref(),
        rsa: tools.rsa.as_ref(),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    let progress = WorkProgress::begin(&context.printer, "generating the key pair");
    let created = create.run(&context.actor(), hint, bits).await;
    drop(progress);
    let mut keyset = created?;
    if activate {
        let reference = KeysetReference::Id(keyset.id());
        let activated = activate_now(context, &installation, &context.actor(), &reference).await;
        keyset = activated
            .map_err(|failure| Failure {
                what: format!(
                    "keyset {} was made, and not activated",
                    keyset.fingerprint().short()
                ),
                ..failure
            })?
            .keyset;
    }
    context
        .printer
        .result(&KeysetJson::from(&keyset), || describe(&keyset))?;
    context.printer.remark(&match activate {
        true => "\nnext: export it, with: keystead keyset export active --to DEST".to_owned(),
        false => format!(
            "\nit is Inactive. next: export it (keystead keyset export {0} --to DEST) and activate it (keystead keyset activate {0})",
            keyset.fingerprint().short()
        ),
    });
    Ok(())
}

pub(crate) async fn activate(context: &Context<'_>, args: ActivateArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct ActivatedJson {
        keyset: KeysetJson,
        superseded: Option<String>,
        changed: bool,
    }
    let reference = reference(&args.keyset)?;
    let installation = context.installation().await?;
    let activated = activate_now(context, &installation, &context.actor(), &reference).await?;
    let Activated {
        keyset,
        superseded,
        unchanged,
    } = &activated;
    let json = ActivatedJson {
        keyset: keyset.into(),
        superseded: superseded.map(|fingerprint| fingerprint.to_string()),
        changed: !unchanged,
    };
    context.printer.result(&json, || {
        let verb = if *unchanged {
            "was Active already"
        } else {
            "is now Active"
        };
        let mut text = format!(
            "keyset {verb}: \"{}\"\nfingerprint: {}  (compare it with your record)",
            printable(keyset.hint().as_str()),
            keyset.fingerprint()
        );
        if let Some(superseded) = superseded {
            text.push_str(&format!(
                "\nsuperseded: {} is Inactive now; it still opens what was sealed to it",
                superseded.short()
            ));
        }
        text
    })
}

async fn activate_now(
    context: &Context<'_>,
    installation: &OpenInstallation,
    actor: &Actor,
    reference: &KeysetReference,
) -> Result<Activated, Failure> {
    let activate = ActivateKeyset {
        store: installation.store.as_ref(),
        clock: context.tools().clock.as_ref(),
    };
    Ok(activate.run(actor, reference).await?)
}

pub(crate) async fn edit(context: &Context<'_>, args: EditArgs) -> Result<(), Failure> {
    let (reference, hint) = (reference(&args.keyset)?, hint(&args.hint)?);
    let installation = context.installation().await?;
    let edit = EditKeyset {
        store: installation.store.as_ref(),
        clock: context.tools().clock.as_ref(),
    };
    let keyset = edit.run(&context.actor(), &reference, hint).await?;
    context
        .printer
        .result(&KeysetJson::from(&keyset), || describe(&keyset))?;
    if keyset.last_export().is_some() {
        context.printer.remark("\nexports that exist keep the old hint");
    }
    Ok(())
}

pub(crate) async fn delete(context: &Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let DeleteArgs {
        keyset,
        force: _,
        reason,
        yes,
    } = args;
    let reference = reference(&keyset)?;
    // The parser lets a reason come with --force only, and --force with a reason only.
    let force = match reason {
        Some(text) => Some(Force {
            reason: text
                .parse()
                .map_err(|error| Failure::usage(error, "give one line of up to 200 characters"))?,
        }),
        None => None,
    };
    let installation = context.installation().await?;
    let store = installation.store.as_ref();
    let asked = BrowseKeysets { store }.show(&reference).await?;
    // Nobody is asked about what the rules refuse. What is deleted is what was looked at here, or nothing.
    let allowed = asked.check_deletion(force.as_ref()).is_ok();
    if allowed && !yes {
        confirm(
            context,
            &format!(
                "{}\n\ndelete this keyset and its private key for good?",
                describe(&asked)
            ),
        )?;
    }
    let delete = DeleteKeyset {
        store,
        clock: context.tools().clock.as_ref(),
    };
    let deleted = delete.run(&context.actor(), &asked, force).await?;
    context.printer.result(&KeysetJson::from(&deleted), || {
        format!(
            "deleted: {} \"{}\"",
            deleted.fingerprint().short(),
            printable(deleted.hint().as_str())
        )
    })
}

/// Asks for a yes; without a terminal, or with another answer, nothing happens.
pub(crate) fn confirm(context: &Context<'_>, question: &str) -> Result<(), Failure> {
    use keystead_application::Status;
    if !context.terminal.is_interactive() {
        return Err(Failure::new(
            Status::Refused,
            "nothing was changed",
            "this asks for a yes, and there is no terminal to ask at",
            "give --yes",
        ));
    }
    match context.terminal.confirms(question)? {
        true => Ok(()),
        false => Err(Failure::new(
            Status::Refused,
            "nothing was changed",
            "the answer was no",
            "repeat it to go on",
        )),
    }
}
