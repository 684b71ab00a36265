use keystead_application::use_cases::{
    ActivateKeyset, BrowseKeysets, CreateKeyset, DeleteKeyset, EditKeyset,
};
use keystead_domain::keyset::Force;
use keystead_domain::{GenerateBits, Hint, KeysetReference};
use keystead_wire::routes::{KEYSETS, below, with_query};
use keystead_wire::{ActivatedJson, CreateKeysetRequest, EditKeysetRequest, KeysetJson, KeysetStateJson};

use super::look::describe;
use crate::Failure;
use crate::args::{ActivateArgs, CreateArgs, DeleteArgs, EditArgs};
use crate::context::{Context, OpenInstallation, bits, hint, reason, reference};
use crate::output::{printable, short};
use crate::progress::WorkProgress;
use crate::remote::{Answer, Call, Remote, wait_for};

pub(crate) async fn create(context: &Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let CreateArgs {
        hint: text,
        bits: asked_bits,
        activate,
    } = args;
    let hint = hint(&text)?;
    let keyset = match context.remote() {
        Some(remote) => create_there(context, remote, hint, asked_bits, activate).await?,
        None => create_here(context, hint, context.bits(asked_bits)?, activate).await?,
    };
    context.printer.result(&keyset, || describe(&keyset))?;
    context.printer.remark(&match activate {
        true => "\nnext: export it, with: keystead keyset export active --to DEST".to_owned(),
        false => format!(
            "\nit is Inactive. next: export it (keystead keyset export {0} --to DEST) and activate it (keystead keyset activate {0})",
            short(&keyset.fingerprint)
        ),
    });
    Ok(())
}

async fn create_here(
    context: &Context<'_>,
    hint: Hint,
    bits: GenerateBits,
    activate: bool,
) -> Result<KeysetJson, Failure> {
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
    let keyset = created?;
    if !activate {
        return Ok(KeysetJson::from(&keyset));
    }
    let reference = KeysetReference::Id(keyset.id());
    let activated = activate_here(context, &installation, &reference).await;
    Ok(activated
        .map_err(|failure| Failure {
            what: format!(
                "keyset {} was made, and not activated",
                keyset.fingerprint().short()
            ),
            ..failure
        })?
        .keyset)
}

async fn create_there(
    context: &Context<'_>,
    remote: &Remote,
    hint: Hint,
    asked_bits: Option<u64>,
    activate: bool,
) -> Result<KeysetJson, Failure> {
    let request = CreateKeysetRequest {
        hint: hint.to_string(),
        bits: asked_bits.map(bits).transpose()?.and(asked_bits),
        activate,
    };
    let call = Call::post(KEYSETS).json(&request)?.once(context.tools())?;
    let progress = WorkProgress::begin(&context.printer, "generating the key pair");
    let job = remote.call(call).await?.json()?;
    let look = "what came of it is shown by: keystead keyset list";
    wait_for(remote, &context.printer, job, &progress, look).await
}

pub(crate) async fn activate(context: &Context<'_>, args: ActivateArgs) -> Result<(), Failure> {
    let reference = reference(&args.keyset)?;
    let activated: ActivatedJson = match context.remote() {
        Some(remote) => {
            let path = format!("{}/activate", below(KEYSETS, &args.keyset));
            remote.call(Call::post(path)).await?.json()?
        }
        None => {
            let installation = context.installation().await?;
            activate_here(context, &installation, &reference).await?
        }
    };
    let ActivatedJson {
        keyset,
        superseded,
        changed,
    } = &activated;
    context.printer.result(&activated, || {
        let verb = match changed {
            true => "is now Active",
            false => "was Active already",
        };
        let mut text = format!(
            "keyset {verb}: \"{}\"\nfingerprint: {}  (compare it with your record)",
            printable(&keyset.hint),
            printable(&keyset.fingerprint)
        );
        if let Some(superseded) = superseded {
            text.push_str(&format!(
                "\nsuperseded: {} is Inactive now; it still opens what was sealed to it",
                printable(&short(superseded))
            ));
        }
        text
    })
}

async fn activate_here(
    context: &Context<'_>,
    installation: &OpenInstallation,
    reference: &KeysetReference,
) -> Result<ActivatedJson, Failure> {
    let activate = ActivateKeyset {
        store: installation.store.as_ref(),
        clock: context.tools().clock.as_ref(),
    };
    Ok((&activate.run(&context.actor(), reference).await?).into())
}

pub(crate) async fn edit(context: &Context<'_>, args: EditArgs) -> Result<(), Failure> {
    let (reference, hint) = (reference(&args.keyset)?, hint(&args.hint)?);
    let keyset: KeysetJson = match context.remote() {
        Some(remote) => {
            let request = EditKeysetRequest {
                hint: hint.to_string(),
            };
            remote.patch(below(KEYSETS, &args.keyset), &request).await?
        }
        None => {
            let installation = context.installation().await?;
            let edit = EditKeyset {
                store: installation.store.as_ref(),
                clock: context.tools().clock.as_ref(),
            };
            (&edit.run(&context.actor(), &reference, hint).await?).into()
        }
    };
    context.printer.result(&keyset, || describe(&keyset))?;
    if keyset.last_exported_at.is_some() {
        context.printer.remark("\nexports that exist keep the old hint");
    }
    Ok(())
}

pub(crate) async fn delete(context: &Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let DeleteArgs {
        keyset,
        force: _,
        reason: why,
        yes,
    } = args;
    let reference = reference(&keyset)?;
    // The parser lets a reason come with --force only, and --force with a reason only.
    let force = match why {
        Some(text) => Some(Force {
            reason: reason(&text)?,
        }),
        None => None,
    };
    let deleted = match context.remote() {
        Some(remote) => delete_there(context, remote, &keyset, force, yes).await?,
        None => delete_here(context, &reference, force, yes).await?,
    };
    context.printer.result(&deleted, || {
        format!(
            "deleted: {} \"{}\"",
            printable(&short(&deleted.fingerprint)),
            printable(&deleted.hint)
        )
    })
}

async fn delete_here(
    context: &Context<'_>,
    reference: &KeysetReference,
    force: Option<Force>,
    yes: bool,
) -> Result<KeysetJson, Failure> {
    let installation = context.installation().await?;
    let store = installation.store.as_ref();
    let asked = BrowseKeysets { store }.show(reference).await?;
    // Nobody is asked about what the rules refuse. What is deleted is what was looked at here, or nothing.
    let allowed = asked.check_deletion(force.as_ref()).is_ok();
    if allowed && !yes {
        confirm_deletion(context, &KeysetJson::from(&asked))?;
    }
    let delete = DeleteKeyset {
        store,
        clock: context.tools().clock.as_ref(),
    };
    Ok((&delete.run(&context.actor(), &asked, force).await?).into())
}

async fn delete_there(
    context: &Context<'_>,
    remote: &Remote,
    keyset: &str,
    force: Option<Force>,
    yes: bool,
) -> Result<KeysetJson, Failure> {
    let answer: Answer = remote.call(Call::get(below(KEYSETS, keyset))).await?;
    let (asked, version): (KeysetJson, _) = (answer.json()?, answer.etag());
    // The manager refuses the same; nobody is asked about that.
    let is_spare = asked.state == KeysetStateJson::Inactive;
    let allowed = is_spare && (force.is_some() || asked.last_exported_at.is_some());
    if allowed && !yes {
        confirm_deletion(context, &asked)?;
    }
    let why = force.map(|force| force.reason.to_string());
    // By its id: what is deleted is what was looked at.
    let path = with_query(&below(KEYSETS, &asked.id), &[("reason", why)]);
    Ok(remote.call(Call::delete(path).if_match(version)).await?.json()?)
}

fn confirm_deletion(context: &Context<'_>, keyset: &KeysetJson) -> Result<(), Failure> {
    let question = format!(
        "{}\n\ndelete this keyset and its private key for good?",
        describe(keyset)
    );
    confirm(context, &question)
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
