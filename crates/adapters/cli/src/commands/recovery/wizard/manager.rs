//! The steps at the manager.

use keystead_application::ports::RecoveryCursor;
use keystead_application::use_cases::{BrowseRecoveries, ListedRecovery, ShownRecovery};
use keystead_domain::{Origin, RecoveryState, RequestId};

use super::super::look::{self, shower};
use super::super::{approve, respond};
use super::{Stop, Then, ask, ask_for_place, ask_for_text, ask_for_yes, choose, told};
use crate::Failure;
use crate::args::{AllowArgs, ApproveArgs, EnrollArgs, OfficerCommand, ServerCommand};
use crate::commands::{officer, server};
use crate::context::Context;
use crate::output::{moment, print_failure, printable};

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
            decide(context, id).await
        }
        Step::GoOn => match choose_waiting(context).await? {
            Some(id) => {
                look::show(context, &id.to_string()).await?;
                decide(context, id).await
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
    let store = context.reading().await?;
    Ok(officer::tell_if_too_few(context, store.as_ref()).await?)
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
async fn choose_waiting(context: &Context<'_>) -> Result<Option<RequestId>, Stop> {
    let waiting = waiting(context).await?;
    let row = |listed: &ListedRecovery| {
        let ListedRecovery {
            recovery,
            server,
            standing,
        } = listed;
        let words = format!(
            "{} of \"{}\", asked for by {} for {}, received {}, {} of {} approved",
            &recovery.id.to_string()[..8],
            printable(server.name.as_str()),
            printable(recovery.asked_by.as_str()),
            respond::files(recovery.files as usize),
            moment(recovery.received_at),
            standing.given,
            standing.needed
        );
        (recovery.id, words)
    };
    let rows: Vec<(RequestId, String)> = waiting.iter().map(row).collect();
    if rows.is_empty() {
        context.printer.important("no request waits")?;
        return Ok(None);
    }
    choose(context, "Which request?", &rows).map(Some)
}

async fn waiting(context: &Context<'_>) -> Result<Vec<ListedRecovery>, Failure> {
    const AT_ONCE: u32 = 1000;
    let store = context.reading().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let now = context.tools().clock.now();
    let mut waiting = Vec::new();
    let mut after = None;
    loop {
        let page = browse.list(after, AT_ONCE).await?;
        after = page.last().map(|listed| RecoveryCursor::of(&listed.recovery));
        let is_last = page.len() < AT_ONCE as usize;
        waiting.extend(page.into_iter().filter(|listed| {
            listed.recovery.state == RecoveryState::Waiting && listed.recovery.validity.expires_at > now
        }));
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
async fn decide(context: &Context<'_>, id: RequestId) -> Result<Then, Stop> {
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

async fn is_waiting(context: &Context<'_>, id: RequestId) -> Result<bool, Failure> {
    let store = context.reading().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let recovery = browse.find(&id.to_string()).await?;
    Ok(recovery.state == RecoveryState::Waiting)
}

async fn approved(context: &Context<'_>, id: RequestId) -> Result<Then, Stop> {
    let allow = allowed(context, &shown(context, id).await?)?;
    let args = ApproveArgs {
        request: id.to_string(),
        key: None,
        signature: None,
        allow,
    };
    approve::run(context, args).await?;
    Ok(Then::Menu)
}

async fn shown(context: &Context<'_>, id: RequestId) -> Result<ShownRecovery, Failure> {
    let (store, installation) = context.looking().await?;
    let shower = shower(context, store.as_ref(), &installation);
    Ok(shower.run(id).await?)
}

/// Asks the officer about whatever is unusual, in words that need no manual.
fn allowed(context: &Context<'_>, shown: &ShownRecovery) -> Result<AllowArgs, Stop> {
    let server = printable(shown.server.name.as_str());
    let count = |is: fn(&Origin) -> bool| {
        let files = shown.examination.files.iter();
        files.filter(|file| is(&file.origin)).count()
    };
    let allows = |unusual: String, question: &str| {
        context.printer.important(&unusual)?;
        ask_for_yes(context, question)
    };
    let mut allow = AllowArgs {
        allow_unnamed: false,
        allow_other_servers: false,
        allow_retired_identity: false,
    };
    if let Some(at) = shown.identity_retired_at {
        allow.allow_retired_identity = allows(
            format!(
                "The identity that signed the request is not that of \"{server}\" any more, since {}. Whoever has the old machine, or a copy of its configuration, can sign with it and read the answer. Make sure by telephone who asks.",
                moment(at)
            ),
            "shall the old identity get the keys?",
        )?;
    }
    let others = count(|origin| matches!(origin, Origin::OtherServer(_)));
    if others > 0 {
        allow.allow_other_servers = allows(
            format!(
                "Another server sealed {}. With their keys \"{server}\" reads what that server backed up.",
                respond::files(others)
            ),
            &format!(
                "shall \"{server}\" get the keys of other servers' files, and of files that name no server?"
            ),
        )?;
    }
    let unnamed = count(|origin| matches!(origin, Origin::Unnamed));
    if unnamed > 0 && !allow.allow_other_servers {
        allow.allow_unnamed = allows(
            format!(
                "Of {} nobody can tell which server sealed them: it was before that server was enrolled, or with another program.",
                respond::files(unnamed)
            ),
            &format!("shall \"{server}\" get the keys of files that name no server?"),
        )?;
    }
    Ok(allow)
}

/// Nobody is led away from a request that is answered, and whose response was not written.
async fn answered(context: &Context<'_>, id: RequestId, partial: bool) -> Result<Then, Stop> {
    let mut place = ask_for_place(context, "the response", "response.txt")?;
    loop {
        let Err(failure) = respond::run(context, &id.to_string(), partial, &place).await else {
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

async fn denied(context: &Context<'_>, id: RequestId) -> Result<Then, Stop> {
    let reason = ask_for_text(context, "why")?;
    respond::deny(context, &id.to_string(), &reason, None).await?;
    Ok(Then::Over)
}
