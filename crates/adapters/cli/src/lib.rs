//! The command line: arguments in, use cases called, words and JSON out. No rule lives here.

#![allow(clippy::print_stdout, clippy::print_stderr)] // Printing is what this adapter is for.

mod args;
mod commands;
mod context;
mod failure;
mod input;
mod output;
mod progress;
mod secrets;
mod stdio;
mod terminal;
mod wiring;

pub use args::Cli;
pub use failure::Failure;
pub use wiring::{Foundation, Setting, Tools, Wiring};

use std::process::ExitCode;

/// Runs one command and tells how it went.
pub async fn run(cli: Cli, wiring: &dyn Wiring) -> ExitCode {
    let printer = output::Printer::new(&cli.global);
    let context = context::Context::new(wiring, printer);
    match commands::run(cli.command, &context).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, cli.global.json()),
    }
}

/// Prints a failure the way every command does, and gives its exit status.
pub fn report(failure: &Failure, json: bool) -> ExitCode {
    output::print_failure(failure, json);
    ExitCode::from(failure.status as u8)
}
