//! Leads a person through a recovery, one step after the other, on either side.

mod backup_server;
mod manager;

use std::path::Path;

use keystead_application::Status;

use crate::Failure;
use crate::args::TextOutArgs;
use crate::commands::server::own_state;
use crate::context::Context;
use crate::output::{print_failure, printable};

pub(crate) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    if !context.terminal.is_interactive() {
        return Err(Failure::new(
            Status::Usage,
            "nothing was done",
            "there is no terminal to lead anybody through the steps at",
            "name a step: keystead recovery --help lists them",
        ));
    }
    match lead(context).await {
        Ok(()) | Err(Stop::Left) => Ok(()),
        Err(Stop::Refused(failure) | Stop::Unfinished(failure)) => Err(failure),
    }
}

/// Why a step goes no further.
enum Stop {
    /// The person leaves.
    Left,
    /// It was refused, and the person may choose another one.
    Refused(Failure),
    /// The person leaves in the middle of what has to be finished.
    Unfinished(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// What comes after a step.
#[derive(PartialEq, Eq)]
enum Then {
    Menu,
    /// The next step is on another machine, or there is none.
    Over,
}

#[derive(Clone, Copy)]
enum Side {
    BackupServer,
    Manager,
}

async fn lead(context: &Context<'_>) -> Result<(), Stop> {
    if context.remote().is_some() {
        return lead_on(context, Side::Manager).await;
    }
    let is_backup_server = own_state(context).await?.identity.is_some();
    let is_manager = !context.no_installation_yet().await;
    let side = match (is_manager, is_backup_server) {
        (true, false) => Side::Manager,
        (false, _) => Side::BackupServer,
        (true, true) => choose(
            context,
            "This machine is a manager, and a backup server too. Which side is meant?",
            &[
                (
                    Side::BackupServer,
                    "the backup server, whose files are to be opened",
                ),
                (Side::Manager, "the manager, which answers requests"),
            ],
        )?,
    };
    lead_on(context, side).await
}

async fn lead_on(context: &Context<'_>, side: Side) -> Result<(), Stop> {
    loop {
        let step = match side {
            Side::BackupServer => backup_server::step(context).await,
            Side::Manager => manager::step(context).await,
        };
        if step? == Then::Over {
            return Ok(());
        }
    }
}

/// What was refused is told, and the menu comes again.
fn told(step: Result<Then, Stop>) -> Result<Then, Stop> {
    match step {
        Err(Stop::Refused(failure)) => {
            print_failure(&failure, false);
            Ok(Then::Menu)
        }
        other => other,
    }
}

/// Lets the person choose a step. The last choice is to leave.
fn choose<T: Copy, S: AsRef<str>>(
    context: &Context<'_>,
    question: &str,
    steps: &[(T, S)],
) -> Result<T, Stop> {
    context.printer.important(&format!("\n{question}"))?;
    let words = steps.iter().map(|(_, words)| words.as_ref());
    for (number, words) in (1..).zip(words.chain(["leave"])) {
        context.printer.important(&format!("  {number}  {words}"))?;
    }
    let leave = steps.len() + 1;
    loop {
        let number = ask(context, "number")?.parse::<usize>().unwrap_or(0);
        if number == leave {
            return Err(Stop::Left);
        }
        match number.checked_sub(1).and_then(|index| steps.get(index)) {
            Some((step, _)) => return Ok(*step),
            None => context
                .printer
                .important(&format!("a number from 1 to {leave}"))?,
        }
    }
}

/// Asks for a line. The end of the input, which is Ctrl-D, leaves.
fn ask(context: &Context<'_>, prompt: &str) -> Result<String, Stop> {
    match context.terminal.line_unless_ended(prompt)? {
        Some(line) => Ok(line),
        None => {
            context.printer.important("")?;
            Err(Stop::Left)
        }
    }
}

/// Asks for a line until there is something in it.
fn ask_for_text(context: &Context<'_>, prompt: &str) -> Result<String, Stop> {
    loop {
        let line = ask(context, prompt)?;
        if !line.is_empty() {
            return Ok(line);
        }
    }
}

/// Asks for a yes.
fn ask_for_yes(context: &Context<'_>, question: &str) -> Result<bool, Stop> {
    let answer = ask(context, &format!("{question} [y/N]"))?;
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// Asks where a text is to go, until that is nowhere where something is.
fn ask_for_place(context: &Context<'_>, what: &str, usual: &str) -> Result<TextOutArgs, Stop> {
    loop {
        let prompt = format!("file to write {what} to [{usual}]; \"-\" shows it here, to copy");
        let answer = ask(context, &prompt)?;
        let out = match answer.is_empty() {
            true => usual.to_owned(),
            false => answer,
        };
        if Path::new(&out).symlink_metadata().is_err() {
            return Ok(TextOutArgs {
                out: Some(out),
                overwrite: false,
            });
        }
        context.printer.important(&format!(
            "{} is there already, and stays as it is; give another name",
            printable(&out)
        ))?;
    }
}
