//! The one binary: reads the configuration, wires adapters to ports, runs the command line, and shuts down.

#![allow(clippy::print_stderr)] // What goes wrong before the command line is up has no other place to go.

mod actor;
mod configuration;
mod hardening;
mod logging;
mod wiring;

use std::process::ExitCode;

use clap::Parser;
use keystead_application::Status;
use keystead_cli::{Cli, Failure};

use crate::configuration::Configuration;
use crate::wiring::Assembly;

/// What shells expect of a process that was interrupted.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    // Before any secret is read.
    hardening::apply();
    let cli = Cli::parse();
    logging::start(cli.global.verbose);
    let json = cli.global.json();
    match start(cli) {
        Ok(code) => code,
        Err(error) => {
            let failure = Failure::new(
                Status::Refused,
                "keystead could not start",
                format!("{error:#}"),
                "look at the settings with: keystead config show --origin; every setting is explained in config/default.toml",
            );
            keystead_cli::report(&failure, json)
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    let configuration = Configuration::load(cli.global.config.as_deref())?;
    let assembly = Assembly::new(configuration)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        let code = tokio::select! {
            code = keystead_cli::run(cli, &assembly) => code,
            // Dropping the command undoes what is not committed and takes temporary files away.
            () = interrupted() => {
                eprintln!("interrupted; nothing was left half done");
                ExitCode::from(INTERRUPTED)
            }
        };
        assembly.close().await;
        code
    });
    // A read of standard input may still be waiting; nothing is lost by not waiting for it.
    runtime.shutdown_background();
    Ok(code)
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        // Without a handler for it, the signal ends the process as it always did.
        result = tokio::signal::ctrl_c() => if result.is_err() { std::future::pending().await },
    }
}
