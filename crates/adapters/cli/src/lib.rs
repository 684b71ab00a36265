//! The command line: arguments in, use cases called, words and JSON out. No rule lives here.

mod args;
mod commands;
mod context;
mod failure;
mod host;
mod input;
mod output;
mod progress;
mod remote;
mod secrets;
mod stdio;
mod terminal;
#[cfg(test)]
mod tests;
mod texts;
mod wiring;

pub use args::Cli;
pub use failure::Failure;
pub use remote::{
    ApiMethod, ApiRequest, ApiResponse, ApiStream, ServerAddress, ServerCertificate, Transport,
    TransportFailure,
};
pub use wiring::{ServeOptions, Setting, Wiring};

use std::process::ExitCode;
use std::sync::Arc;

/// Runs one command and tells how it went.
pub async fn run(cli: Cli, wiring: Arc<dyn Wiring>) -> ExitCode {
    let printer = output::Printer::new(&cli.global);
    run_in(context::Context::new(wiring.as_ref(), printer), cli).await
}

async fn run_in(mut context: context::Context<'_>, cli: Cli) -> ExitCode {
    let done = match context.go_to_server(&cli.global, &cli.command) {
        Ok(()) => commands::run(cli.command, &context).await,
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, cli.global.json()),
    }
}

/// Runs a command that needs nothing but the arguments: completions and manual pages. `None` for every other command.
pub fn run_without_wiring(cli: &Cli) -> Option<ExitCode> {
    let done = commands::run_without_wiring(&cli.command)?;
    Some(done.map_or_else(
        |failure| report(&failure, cli.global.json()),
        |()| ExitCode::SUCCESS,
    ))
}

/// Shows the settings, if that is the command; it works when the settings themselves are the trouble. `None` for every
/// other command.
pub fn run_with_settings(cli: &Cli, settings: &[Setting]) -> Option<ExitCode> {
    let printer = output::Printer::new(&cli.global);
    let is_at_distance = remote::given(cli.global.server.as_ref()).is_some();
    if let (true, args::Command::Config(_), Err(failure)) = (
        is_at_distance,
        &cli.command,
        remote::check_is_possible(&cli.command),
    ) {
        return Some(report(&failure, cli.global.json()));
    }
    let done = commands::run_with_settings(&cli.command, &printer, settings)?;
    Some(done.map_or_else(
        |failure| report(&failure, cli.global.json()),
        |()| ExitCode::SUCCESS,
    ))
}

/// Asks the person at the terminal for a secret, twice when it is a new one. `None` when there is nobody to ask.
///
/// # Errors
/// When the terminal cannot be read.
pub fn ask_secret(prompt: &str, is_new: bool) -> Result<Option<keystead_domain::Passphrase>, Failure> {
    let terminal = terminal::Terminal::detect();
    match (terminal.is_interactive(), is_new) {
        (false, _) => Ok(None),
        (true, true) => terminal.new_secret(prompt).map(Some),
        (true, false) => terminal.secret(prompt).map(Some),
    }
}

/// Reads a secret from a file, without the line end at its end.
///
/// # Errors
/// When the file cannot be read.
pub fn read_secret_file(path: &std::path::Path) -> Result<keystead_domain::Passphrase, Failure> {
    secrets::from_file(path)
}

/// Prints a failure the way every command does, and gives its exit status.
pub fn report(failure: &Failure, json: bool) -> ExitCode {
    output::print_failure(failure, json);
    ExitCode::from(failure.status as u8)
}
