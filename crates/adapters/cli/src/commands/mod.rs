mod audit;
mod audit_export;
mod audit_verify;
mod config;
mod db;
mod help;
mod init;
mod keyset;
mod master_key;
mod officer;
mod open;
mod policy;
mod recovery;
mod seal;
mod serve;
mod server;
mod share;
mod slots;
mod token;
mod user;

use crate::Failure;
use crate::Setting;
use crate::args::{AuditCommand, Command, ConfigCommand, DbCommand, ShareCommand};
use crate::context::Context;
use crate::output::Printer;

pub(crate) async fn run(command: Command, context: &Context<'_>) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init::run(context, args).await,
        Command::Keyset(command) => keyset::run(context, command).await,
        Command::Seal(args) => seal::run(context, args).await,
        Command::Open(args) => open::run(context, args).await,
        Command::Slots(args) => slots::run(context, args).await,
        Command::Server(command) => server::run(context, command).await,
        Command::Officer(command) => officer::run(context, command).await,
        Command::Recovery { command } => recovery::run(context, command).await,
        Command::Policy(command) => policy::run(context, command).await,
        Command::Audit(AuditCommand::List { after, limit }) => audit::list(context, after, limit).await,
        Command::Audit(AuditCommand::Verify { against }) => audit_verify::verify(context, &against).await,
        Command::Audit(AuditCommand::Checkpoint { out, overwrite }) => {
            audit_export::checkpoint(context, out.as_deref(), overwrite).await
        }
        Command::Audit(AuditCommand::Export {
            out,
            overwrite,
            after,
        }) => audit_export::export(context, out.as_deref(), overwrite, after).await,
        Command::MasterKey(command) => master_key::run(context, command).await,
        Command::User(command) => user::run(context, command).await,
        Command::Token(command) => token::run(context, command).await,
        Command::Serve(args) => serve::run(context, args).await,
        Command::Share(ShareCommand::List) => share::list(context).await,
        Command::Share(ShareCommand::Test { share }) => share::test(context, &share).await,
        Command::Db(DbCommand::Status) => db::status(context).await,
        Command::Db(DbCommand::Migrate) => db::migrate(context).await,
        // These need no installation, and were done before one was looked for.
        command @ (Command::Config(_) | Command::Completions { .. } | Command::Man { .. }) => {
            let done = run_without_wiring(&command);
            done.or_else(|| run_with_settings(&command, &context.printer, &context.wiring.settings()))
                .unwrap_or(Ok(()))
        }
    }
}

pub(crate) fn run_without_wiring(command: &Command) -> Option<Result<(), Failure>> {
    match command {
        Command::Completions { shell } => Some(help::completions(*shell)),
        Command::Man { dir } => Some(help::man(dir.as_deref())),
        _ => None,
    }
}

pub(crate) fn run_with_settings(
    command: &Command,
    printer: &Printer,
    settings: &[Setting],
) -> Option<Result<(), Failure>> {
    match command {
        Command::Config(ConfigCommand::Show { origin }) => Some(config::show(printer, settings, *origin)),
        _ => None,
    }
}
