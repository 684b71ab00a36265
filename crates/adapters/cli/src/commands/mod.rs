mod audit;
mod config;
mod db;
mod help;
mod init;
mod keyset;
mod open;
mod seal;
mod slots;

use crate::Failure;
use crate::args::{AuditCommand, Command, ConfigCommand, DbCommand};
use crate::context::Context;

pub(crate) async fn run(command: Command, context: &Context<'_>) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init::run(context, args).await,
        Command::Keyset(command) => keyset::run(context, command).await,
        Command::Seal(args) => seal::run(context, args).await,
        Command::Open(args) => open::run(context, args).await,
        Command::Slots(args) => slots::run(context, args).await,
        Command::Audit(AuditCommand::List { after, limit }) => audit::list(context, after, limit).await,
        Command::Db(DbCommand::Status) => db::status(context).await,
        Command::Db(DbCommand::Migrate) => db::migrate(context).await,
        Command::Config(ConfigCommand::Show { origin }) => config::show(context, origin),
        Command::Completions { shell } => help::completions(shell),
        Command::Man { dir } => help::man(dir.as_deref()),
    }
}
