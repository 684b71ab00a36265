use std::path::Path;

use keystead_application::Status;
use keystead_application::use_cases::{ApplyResponse, KeptKeys, ServerError, TakenResponse};
use keystead_domain::RequestId;
use keystead_wire::UnopenedJson;

use super::restore::{Destination, Outcome, open_all};
use super::send::fetch;
use super::words::{files, unopened_words};
use crate::Failure;
use crate::args::ApplyArgs;
use crate::context::Context;
use crate::input::refuse_terminal;
use crate::output::{AppliedJson, FailedJson, RestoredJson, moment, printable};
use crate::texts::read_text;

pub(crate) async fn run(context: &Context<'_>, args: ApplyArgs) -> Result<(), Failure> {
    let ApplyArgs {
        response,
        fetch: fetched,
        into,
        out,
        from,
    } = args;
    if out.is_some() {
        refuse_terminal(out.as_deref(), "the content")?;
    }
    let is_piped = fetched.is_none() && response.as_deref().is_none_or(|response| response == "-");
    if is_piped && from.iter().any(|from| from == "-") {
        return Err(Failure::usage(
            "both the response and the sealed file come from standard input",
            "give one of them as a file",
        ));
    }
    let apply = applier(context);
    let known = match &fetched {
        Some(_) => None,
        None => own_request(&apply, response.as_deref()).await?,
    };
    let (id, taken) = match known {
        Some(id) => (id, None),
        None => {
            let text = match fetched {
                Some(request) => {
                    let id = own_request(&apply, Some(&request)).await?;
                    fetch(context, id, &request).await?
                }
                None => read_text(context, response.as_deref()).await?,
            };
            let taken = apply.take(&text).await?;
            context.printer.remark(&taken_words(&taken));
            (taken.request, Some(taken))
        }
    };
    let kept = apply.keys(id).await?;
    let into = match (into, &out) {
        (Some(folder), _) => Some(folder),
        (None, None) if context.terminal.is_interactive() => {
            Some(context.terminal.line("folder to open the files into")?).filter(|folder| !folder.is_empty())
        }
        (None, _) => None,
    };
    let to = match (into, out) {
        (Some(folder), _) => Destination::Folder(folder),
        (None, Some(out)) => Destination::File(out),
        (None, None) => return keys_are_here(context, &kept, taken.as_ref()),
    };
    let mut outcome = Outcome::default();
    let stopped = open_all(context, &apply, kept, &from, &to, &mut outcome).await;
    if outcome.failed.is_empty() && stopped.is_ok() {
        outcome.finished = apply.finish_if_all_open(id).await?;
    }
    tell(context, id, taken.as_ref(), &to, &outcome, stopped.is_err())?;
    stopped
}

/// The request of this machine whose id, or at least eight of its first digits, was given instead of a text.
async fn own_request(
    apply: &ApplyResponse<'_>,
    reference: Option<&str>,
) -> Result<Option<RequestId>, Failure> {
    const MIN_DIGITS: usize = 8;
    let is_id = |text: &&str| {
        let is_digit = |c: char| c.is_ascii_hexdigit() || c == '-';
        text.len() >= MIN_DIGITS && text.chars().all(is_digit) && !Path::new(text).exists()
    };
    let Some(reference) = reference.filter(is_id) else {
        return Ok(None);
    };
    if let Ok(id) = reference.parse() {
        return Ok(Some(id));
    }
    let begins_so = |id: &RequestId| id.to_string().starts_with(&reference.to_lowercase());
    let list = apply.list().await?;
    let mut meant = list.iter().map(|listed| listed.request.id).filter(begins_so);
    match (meant.next(), meant.next()) {
        (Some(id), None) => Ok(Some(id)),
        _ => Err(ServerError::NoSuchRequest(reference.to_owned()).into()),
    }
}

pub(crate) fn applier<'a>(context: &'a Context<'_>) -> ApplyResponse<'a> {
    let tools = context.tools();
    ApplyResponse {
        folder: tools.server_folder.as_ref(),
        cipher: tools.cipher.as_ref(),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
    }
}

fn taken_words(taken: &TakenResponse) -> String {
    let what = match taken.again {
        true => "the keys of this response are here already",
        false => {
            "the response is right; its keys are kept on this machine, and the key that opened it is destroyed"
        }
    };
    let mut lines = vec![format!(
        "{what}: {}, until {}",
        files(taken.keys),
        moment(taken.until)
    )];
    let unopened: Vec<UnopenedJson> = taken.unopened.iter().map(UnopenedJson::from).collect();
    lines.extend(unopened_words(&unopened));
    lines.join("\n")
}

/// Nobody said where the files shall go.
fn keys_are_here(
    context: &Context<'_>,
    kept: &KeptKeys,
    taken: Option<&TakenResponse>,
) -> Result<(), Failure> {
    let id = kept.request;
    let json = AppliedJson::new(id, taken, Vec::new(), 0, Vec::new(), false);
    context.printer.result(&json, || {
        let (count, until) = (files(kept.files.len()), moment(kept.until));
        format!("the keys for request {id} are here: {count}, until {until}")
    })?;
    context.printer.remark(&format!(
        "next: keystead recovery apply {id} --into FOLDER; or for each file: keystead open FILE -o OUT"
    ));
    Ok(())
}

fn json<'a>(id: RequestId, taken: Option<&TakenResponse>, outcome: &'a Outcome) -> AppliedJson<'a> {
    let failed = outcome.failed.iter().map(|(file, failure)| FailedJson {
        file,
        why: &failure.why,
    });
    AppliedJson::new(
        id,
        taken,
        outcome
            .opened
            .iter()
            .map(|(from, to)| RestoredJson { from, to })
            .collect(),
        outcome.before,
        failed.collect(),
        outcome.finished,
    )
}

/// Those whose names say not which file they were.
fn renamed(outcome: &Outcome) -> impl Iterator<Item = String> {
    let is_numbered = |(from, to): &&(String, String)| {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        !name(from).starts_with(&name(to)) && outcome.opened.len() > 1
    };
    let line = |(from, to): &(String, String)| format!("{} is from {}", printable(to), printable(from));
    outcome.opened.iter().filter(is_numbered).map(line)
}

fn tell(
    context: &Context<'_>,
    id: RequestId,
    taken: Option<&TakenResponse>,
    to: &Destination,
    outcome: &Outcome,
    stopped: bool,
) -> Result<(), Failure> {
    const SHOWN: usize = 20;
    let words = || {
        let mut lines = vec![match (outcome.opened.as_slice(), outcome.before) {
            ([_], 0) if to.is_standard_output() => "opened to standard output; the key stays here".to_owned(),
            ([(_, to)], 0) => format!("opened {}", printable(to)),
            (opened, 0) => format!("opened {}", files(opened.len())),
            (opened, before) => format!("opened {}; {} open before", files(opened.len()), files(before)),
        }];
        lines.extend(renamed(outcome));
        if outcome.finished {
            lines.push("everything is open; the keys are destroyed".to_owned());
        }
        lines.join("\n")
    };
    match to.is_standard_output() {
        true => context.printer.remark(&words()),
        false => context.printer.result(&json(id, taken, outcome), words)?,
    }
    let again = format!("keystead recovery apply {id} {to}");
    // JSON has all of this, and standard error then has the one error.
    if !context.printer.is_json() {
        for (file, failure) in outcome.failed.iter().take(SHOWN) {
            let line = format!("not opened: {}: {}", printable(file), printable(&failure.why));
            context.printer.important(&line)?;
        }
        if stopped {
            let line = format!("nothing is lost: mend what follows, and run: {again}");
            context.printer.important(&line)?;
        }
    }
    match outcome.failed.first() {
        None => Ok(()),
        Some((_, first)) => Err(Failure::new(
            Status::Refused,
            format!("{} could not be opened", files(outcome.failed.len())),
            first.why.clone(),
            format!("{}; then run again: {again}", first.fix),
        )),
    }
}
