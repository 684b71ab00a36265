//! The steps at the manager.

use keystead_application::ports::RecoveryCursor;
use keystead_application::use_cases::BrowseRecoveries;
use keystead_wire::{
    FileOriginJson, ListedRecoveryJson, RecoveriesJson, RecoveryStateJson, ShownRecoveryJson,
};

use super::super::look::{self, find_state, shown};
use super::super::words::{files, is_open};
use super::super::{approve, respond};
use super::{Stop, Then, ask, ask_for_place, ask_for_text, ask_for_yes, choose, told};
use crate::Failure;
use crate::args::{AllowArgs, ApproveArgs, EnrollArgs, OfficerCommand, ServerCommand};
use crate::commands::{officer, server};
use crate::context::Context;
use crate::output::{moment, print_failure, printable};
use crate::remote;

#[derive(Clone, Copy)]
enum Step {
    Receive,
    GoOn,
    List,
    EnrolServer,
    AddOfficer,
}

pub(super) async fn step(context: &Context<'_>) -> Result<Then, Stop> {
    let mut steps = vec![
        (Step::Receive, "take in a request that a backup server sent"),
        (Step::GoOn, "go on with a request that waits"),
        (Step::List, "see all requests"),
        (Step::EnrolServer, "enrol a backup server"),
    ];
    if are_too_few_officers(context).await? {
        steps.push((Step::AddOfficer, "add an officer"));
    }
    let step = choose(context, "What is to be done on this manager?", &steps)?;
    told(take(context, step).await)
}

async fn take(context: &Context<'_>, step: Step) -> Result<Then, Stop> {
    match step {
        Step::Receive => {
            let file = ask_for_text(context, "file with the request")?;
            let id = look::receive(context, Some(&file)).await?;
            decide(context, &id).await
        }
        Step::GoOn => match choose_waiting(context).await? {
            Some(id) => {
                look::show(context, &id).await?;
                decide(context, &id).await
            }
            None => Ok(Then::Menu),
        },
        Step::List => {
            const SHOWN: u32 = 100;
            look::list(context, SHOWN).await?;
            Ok(Then::Menu)
        }
        Step::EnrolServer => {
            let args = EnrollArgs {
                file: Some(ask_for_text(context, "file with the enrolment")?),
                name: Some(ask(context, "name of the backup server [as it calls itself]")?)
                    .filter(|name| !name.is_empty()),
                expect_fingerprint: None,
                manager: None,
                code_file: None,
                new_identity: false,
                text: ask_for_place(context, "the confirmation", "confirmation.txt")?,
            };
            server::run(context, ServerCommand::Enroll(args)).await?;
            Ok(Then::Over)
        }
        Step::AddOfficer => add_officer(context).await,
    }
}

async fn are_too_few_officers(context: &Context<'_>) -> Result<bool, Stop> {
    Ok(officer::tell_if_too_few(context).await?)
}

async fn add_officer(context: &Context<'_>) -> Result<Then, Stop> {
    let name = ask_for_text(context, "name of the officer")?;
    let key = ask_for_text(context, "public SSH key of the officer: a .pub file, or its line")?;
    let mut also = Vec::new();
    loop {
        let prompt =
            "what the officer is called on backup servers, such as a user name; empty when that is all";
        match ask(context, prompt)? {
            name if name.is_empty() => break,
            name => also.push(name),
        }
    }
    officer::run(context, OfficerCommand::Add { name, key, also }).await?;
    Ok(Then::Menu)
}

/// The request to go on with, of those that can still be answered.
async fn choose_waiting(context: &Context<'_>) -> Result<Option<String>, Stop> {
    let waiting = waiting(context).await?;
    let row = |(number, listed): (usize, &ListedRecoveryJson)| {
        let ListedRecoveryJson {
            recovery,
            approvals_given,
            approvals_needed,
        } = listed;
        let words = format!(
            "{} of \"{}\", asked for by {} for {}, received {}, {approvals_given} of {approvals_needed} approved",
            printable(&recovery.id.chars().take(8).collect::<String>()),
            printable(&recovery.server_name),
            printable(&recovery.asked_by),
            files(recovery.file_count as usize),
            moment(&recovery.received_at),
        );
        (number, words)
    };
    let rows: Vec<(usize, String)> = waiting.iter().enumerate().map(row).collect();
    if rows.is_empty() {
        context.printer.important("no request waits")?;
        return Ok(None);
    }
    let chosen = choose(context, "Which request?", &rows)?;
    Ok(waiting.get(chosen).map(|listed| listed.recovery.id.clone()))
}

async fn waiting(context: &Context<'_>) -> Result<Vec<ListedRecoveryJson>, Failure> {
    let now = context.tools().clock.now();
    let is_waiting = |listed: &ListedRecoveryJson| is_open(&listed.recovery, now);
    if let Some(remote) = context.remote() {
        let all = remote::recoveries(remote, None).await?.recoveries;
        return Ok(all.into_iter().filter(is_waiting).collect());
    }
    const AT_ONCE: u32 = 1000;
    let store = context.reading().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let mut waiting = Vec::new();
    let mut after = None;
    loop {
        let page = browse.list(after, AT_ONCE).await?;
        after = page.last().map(|listed| RecoveryCursor::of(&listed.recovery));
        let is_last = page.len() < AT_ONCE as usize;
        let page = RecoveriesJson::new(&page, None).recoveries;
        waiting.extend(page.into_iter().filter(is_waiting));
        if is_last {
            return Ok(waiting);
        }
    }
}

#[derive(Clone, Copy)]
enum Decision {
    Approve,
    Answer { partial: bool },
    Deny,
    AddOfficer,
}

/// What is done with a request that was shown, until it is answered or denied.
async fn decide(context: &Context<'_>, id: &str) -> Result<Then, Stop> {
    loop {
        if !is_waiting(context, id).await? {
            context.printer.important(&format!(
                "request {id} does not wait any more: keystead recovery show {id}"
            ))?;
            return Ok(Then::Menu);
        }
        let mut steps = vec![
            (Decision::Approve, "an officer approves it, with an SSH key"),
            (Decision::Answer { partial: false }, "answer it"),
            (
                Decision::Answer { partial: true },
                "answer what can be answered, although some files or keysets are missing",
            ),
            (Decision::Deny, "deny it"),
        ];
        if are_too_few_officers(context).await? {
            steps.push((Decision::AddOfficer, "add an officer"));
        }
        let decision = choose(context, "What is to be done with this request?", &steps)?;
        let done = match decision {
            Decision::Approve => approved(context, id).await,
            Decision::Answer { partial } => answered(context, id, partial).await,
            Decision::Deny => denied(context, id).await,
            Decision::AddOfficer => add_officer(context).await,
        };
        if told(done)? == Then::Over {
            return Ok(Then::Over);
        }
    }
}

async fn is_waiting(context: &Context<'_>, id: &str) -> Result<bool, Failure> {
    Ok(find_state(context, id).await? == RecoveryStateJson::Waiting)
}

async fn approved(context: &Context<'_>, id: &str) -> Result<Then, Stop> {
    let allow = allowed(context, &shown(context, id).await?)?;
    let args = ApproveArgs {
        request: id.to_owned(),
        key: None,
        signature: None,
        allow,
    };
    approve::run(context, args).await?;
    Ok(Then::Menu)
}

/// Asks the officer about whatever is unusual, in words that need no manual.
fn allowed(context: &Context<'_>, shown: &ShownRecoveryJson) -> Result<AllowArgs, Stop> {
    let server = printable(&shown.recovery.server_name);
    let count = |origin: FileOriginJson| shown.files.iter().filter(|file| file.origin == origin).count();
    let allows = |unusual: String, question: &str| {
        context.printer.important(&unusual)?;
        ask_for_yes(context, question)
    };
    let mut allow = AllowArgs {
        allow_unnamed: false,
        allow_other_servers: false,
        allow_retired_identity: false,
    };
    if let Some(at) = &shown.identity_retired_at {
        allow.allow_retired_identity = allows(
            format!(
                "The identity that signed the request is not that of \"{server}\" any more, since {}. Whoever has the old machine, or a copy of its configuration, can sign with it and read the answer. Make sure by telephone who asks.",
                moment(at)
            ),
            "shall the old identity get the keys?",
        )?;
    }
    let others = count(FileOriginJson::OtherServer);
    if others > 0 {
        allow.allow_other_servers = allows(
            format!(
                "Another server sealed {}. With their keys \"{server}\" reads what that server backed up.",
                files(others)
            ),
            &format!(
                "shall \"{server}\" get the keys of other servers' files, and of files that name no server?"
            ),
        )?;
    }
    let unnamed = count(FileOriginJson::Unnamed);
    if unnamed > 0 && !allow.allow_other_servers {
        allow.allow_unnamed = allows(
            format!(
                "Of {} nobody can tell which server sealed them: it was before that server was enrolled, or with another program.",
                files(unnamed)
            ),
            &format!("shall \"{server}\" get the keys of files that name no server?"),
        )?;
    }
    Ok(allow)
}

/// Nobody is led away from a request that is answered, and whose response was not written.
async fn answered(context: &Context<'_>, id: &str, partial: bool) -> Result<Then, Stop> {
    let mut place = ask_for_place(context, "the response", "response.txt")?;
    loop {
        let Err(failure) = respond::run(context, id, partial, &place).await else {
            return Ok(Then::Over);
        };
        if is_waiting(context, id).await? {
            return Err(failure.into());
        }
        print_failure(&failure, false);
        context.printer.important(&format!(
            "The request is answered, and its response is not written yet. Give another name, or later run: keystead recovery respond {id} -o FILE"
        ))?;
        place = match ask_for_place(context, "the response", "response.txt") {
            Err(Stop::Left) => return Err(Stop::Unfinished(failure)),
            asked => asked?,
        };
    }
}

async fn denied(context: &Context<'_>, id: &str) -> Result<Then, Stop> {
    let reason = ask_for_text(context, "why")?;
    respond::deny(context, id, &reason, None).await?;
    Ok(Then::Over)
}
