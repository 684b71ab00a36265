mod change;
mod export;
mod import;
mod inspect;
mod look;

use keystead_domain::Passphrase;

use crate::Failure;
use crate::args::KeysetCommand;
use crate::context::Context;
use crate::output::passphrase_text;

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

/// Prints a generated passphrase, once. With JSON it is part of the result.
pub(crate) fn print_generated(context: &Context<'_>, generated: Option<&Passphrase>) {
    if let (Some(passphrase), false) = (generated, context.printer.is_json()) {
        context.printer.important(&format!(
            "\npassphrase of the export, shown this once: {}\nwrite it down and keep it apart from the file",
            passphrase_text(passphrase)
        ));
    }
}
