//! The one binary: reads the configuration, wires adapters to ports, runs the command line, and shuts down.

mod actor;
mod configuration;
mod hardening;
mod interrupt;
mod logging;
mod master_keys;
mod secrets;
mod serve;
mod shares;
mod transport;
mod wiring;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use keystead_application::Status;
use keystead_cli::{Cli, Failure};

use crate::configuration::Configuration;
use crate::wiring::Assembly;

/// Overwrites memory when it is given back: libraries leave parts of keys in buffers that only they know of.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    // Before any secret is read.
    hardening::apply();
    let cli = Cli::parse();
    if let Some(done) = keystead_cli::run_without_wiring(&cli) {
        return done;
    }
    let json = cli.global.json();
    start(cli).unwrap_or_else(|error| {
        let failure = Failure::new(
            Status::Refused,
            "keystead could not start",
            format!("{error:#}"),
            "mend the setting; the file config/default.toml explains each, and keystead config show --origin shows where they come from",
        );
        keystead_cli::report(&failure, json)
    })
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    let configuration = Configuration::load(cli.global.config.as_deref())?;
    logging::start(
        cli.global.verbose,
        cli.serves().then_some(configuration.serve.log),
    );
    // Settings can be looked at even when nothing can be made of them.
    if let Some(done) = keystead_cli::run_with_settings(&cli, &wiring::settings(&configuration)) {
        return Ok(done);
    }
    let (json, serves) = (cli.global.json(), cli.serves());
    let assembly = Arc::new(Assembly::new(configuration)?);
    let terminal = interrupt::Terminal::remember();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        // On a task of its own, so that a signal is heard while the command waits for a person or a slow reader.
        let command = tokio::spawn(keystead_cli::run(cli, Arc::clone(&assembly) as Arc<_>));
        let code = match serves {
            // A service ends in good order when it is told to, by itself.
            true => command
                .await
                .unwrap_or_else(|_| keystead_cli::report(&interrupt::broken(), json)),
            false => interrupt::unless_interrupted(command, assembly.settled(), &terminal, json).await,
        };
        assembly.close().await;
        code
    });
    // A read of standard input may still be waiting; nothing is lost by not waiting for it.
    runtime.shutdown_background();
    Ok(code)
}
