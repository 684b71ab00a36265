mod change;
mod export;
mod export_there;
mod import;
mod inspect;
mod look;

pub(crate) use change::confirm;
use keystead_domain::Passphrase;
pub(crate) use look::fetch_recipient;

use crate::Failure;
use crate::args::KeysetCommand;
use crate::context::Context;
use keystead_wire::SecretText;

pub(crate) async fn run(context: &Context<'_>, command: KeysetCommand) -> Result<(), Failure> {
    match command {
        KeysetCommand::List(args) => look::list(context, args).await,
        KeysetCommand::Show(args) => look::show(context, args).await,
        KeysetCommand::Recipient(args) => look::recipient(context, args).await,
        KeysetCommand::Create(args) => change::create(context, args).await,
        KeysetCommand::Activate(args) => change::activate(context, args).await,
        KeysetCommand::Edit(args) => change::edit(context, args).await,
        KeysetCommand::Delete(args) => change::delete(context, args).await,
        KeysetCommand::Export(args) => export::run(context, args).await,
        KeysetCommand::Inspect(args) => inspect::run(context, args).await,
        KeysetCommand::Import(args) => import::run(context, args).await,
    }
}

/// Prints a generated passphrase, before anything is written that only it opens. With JSON it is part of the result.
///
/// # Errors
/// When it could not be printed; nothing may be exported then.
pub(crate) fn print_generated(context: &Context<'_>, generated: Option<&Passphrase>) -> Result<(), Failure> {
    match (generated, context.printer.is_json()) {
        (Some(passphrase), false) => print_passphrase(context, passphrase),
        (Some(_), true) | (None, _) => Ok(()),
    }
}

/// Prints what the JSON of a command would have held, when that command failed: a file may be there that only this
/// passphrase opens.
pub(crate) fn rescue_generated(context: &Context<'_>, generated: Option<&Passphrase>) {
    if let (Some(passphrase), true) = (generated, context.printer.is_json()) {
        // The failure that follows is told in any case.
        let _ = print_passphrase(context, passphrase);
    }
}

fn print_passphrase(context: &Context<'_>, passphrase: &Passphrase) -> Result<(), Failure> {
    context.printer.important(&format!(
        "passphrase of the export, shown this once: {}
write it down and keep it apart from the file
",
        SecretText::from(passphrase).expose()
    ))
}
