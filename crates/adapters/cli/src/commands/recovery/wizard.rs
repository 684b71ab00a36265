//! Leads a person through a recovery, one step after the other, on either side.

use keystead_application::Status;
use keystead_application::use_cases::BrowseRecoveries;
use keystead_domain::RecoveryState;

use super::{apply, approve, look, request, respond};
use crate::Failure;
use crate::args::{AllowArgs, ApplyArgs, ApproveArgs, RequestArgs, TextOutArgs};
use crate::commands::server::{is_backup_server_only, make_enrolment, own_state};
use crate::context::Context;
use crate::output::print_failure;

pub(crate) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    if !context.terminal.is_interactive() {
        return Err(Failure::new(
            Status::Usage,
            "nothing was done",
            "there is no terminal to lead anybody through the steps at",
            "name a step: keystead recovery --help lists them",
        ));
    }
    if is_backup_server_only(context).await? || context.no_installation_yet().await {
        return backup_server(context).await;
    }
    manager(context).await
}

/// The answer to a choice: its number, from 1.
fn choice(context: &Context<'_>, question: &str, choices: &[&str]) -> Result<usize, Failure> {
    context.printer.important(&format!("\n{question}"))?;
    for (number, text) in (1..).zip(choices) {
        context.printer.important(&format!("  {number}  {text}"))?;
    }
    loop {
        match context.terminal.line("number")?.parse::<usize>() {
            Ok(number) if (1..=choices.len()).contains(&number) => return Ok(number),
            _ => context
                .printer
                .important(&format!("a number from 1 to {}", choices.len()))?,
        }
    }
}

fn to_file(context: &Context<'_>, what: &str, usual: &str) -> Result<TextOutArgs, Failure> {
    let answer = context.terminal.line(&format!(
        "file to write {what} to [{usual}]; \"-\" shows it here, to copy"
    ))?;
    let out = match answer.is_empty() {
        true => usual.to_owned(),
        false => answer,
    };
    Ok(TextOutArgs {
        out: Some(out),
        overwrite: false,
    })
}

async fn backup_server(context: &Context<'_>) -> Result<(), Failure> {
    let state = own_state(context).await?;
    if state.manager.is_none() {
        context.printer.important(
            "This machine is not enrolled with a manager yet. It needs that once, before anything can be recovered here.",
        )?;
        let question = "which step?";
        let steps = [
            "make the text that enrols this machine",
            "trust the manager, with the confirmation that it wrote",
        ];
        return match choice(context, question, &steps)? {
            1 => {
                let to = to_file(context, "the enrolment", "enrolment.txt")?;
                make_enrolment(context, None, false, &to).await
            }
            _ => {
                let file = context.terminal.line("file with the confirmation")?;
                crate::commands::server::trust_file(context, &file).await
            }
        };
    }
    let steps = [
        "ask for the keys of sealed files whose password is lost",
        "apply the response of the manager, and open the files",
        "see the requests of this machine",
    ];
    match choice(context, "What is to be done on this backup server?", &steps)? {
        1 => {
            let files = context.terminal.line("sealed files, with blanks between them")?;
            let reason = context.terminal.line("what for (the officers read it)")?;
            let args = RequestArgs {
                inputs: files.split_whitespace().map(str::to_owned).collect(),
                files_from: None,
                reason: Some(reason).filter(|reason| !reason.is_empty()),
                asked_by: None,
                valid_days: 7,
                text: to_file(context, "the request", "request.txt")?,
            };
            request::run(context, args).await.map(|_| ())
        }
        2 => {
            let response = context.terminal.line("file with the response")?;
            let args = ApplyArgs {
                response: Some(response),
                into: None,
                out: None,
                from: Vec::new(),
            };
            apply::run(context, args).await
        }
        _ => request::list(context).await,
    }
}

async fn manager(context: &Context<'_>) -> Result<(), Failure> {
    let steps = [
        "take in a request that a backup server sent",
        "go on with a request that waits",
        "see all requests",
    ];
    let id = match choice(context, "What is to be done on this manager?", &steps)? {
        1 => {
            let file = context.terminal.line("file with the request")?;
            look::receive(context, Some(&file)).await?.to_string()
        }
        2 => {
            look::list(context, 100).await?;
            let id = context.terminal.line("request (8 digits are enough)")?;
            look::show(context, &id).await?;
            id
        }
        _ => return look::list(context, 100).await,
    };
    decide(context, &id).await
}

/// What is done with a request that was shown: until it is answered, denied, or left for later.
async fn decide(context: &Context<'_>, reference: &str) -> Result<(), Failure> {
    loop {
        let store = context.reading().await?;
        let browse = BrowseRecoveries {
            store: store.as_ref(),
        };
        let recovery = browse.find(reference).await?;
        if recovery.state != RecoveryState::Waiting {
            return Ok(());
        }
        let steps = [
            "an officer approves it, with an SSH key",
            "answer it",
            "answer what can be answered, although some files or keysets are missing",
            "deny it",
            "leave it for later",
        ];
        let id = recovery.id.to_string();
        let done = match choice(context, "What is to be done with this request?", &steps)? {
            1 => {
                let args = ApproveArgs {
                    request: id,
                    key: None,
                    signature: None,
                    allow: AllowArgs {
                        allow_unnamed: false,
                        allow_other_servers: false,
                        allow_retired_identity: false,
                    },
                };
                approve::run(context, args).await
            }
            step @ (2 | 3) => {
                let to = to_file(context, "the response", "response.txt")?;
                respond::run(context, &id, step == 3, &to).await
            }
            4 => {
                let reason = context.terminal.line("why")?;
                respond::deny(context, &id, &reason, None).await
            }
            _ => return Ok(()),
        };
        // What was refused is told, and the person may choose another step.
        if let Err(failure) = done {
            print_failure(&failure, false);
        }
    }
}
