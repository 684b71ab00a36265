use keystead_application::Status;
use keystead_application::use_cases::{ApplyResponse, TakenResponse};
use keystead_domain::RequestId;

use super::respond::{files, unopened_words};
use super::restore::{Destination, Outcome, open_all};
use crate::Failure;
use crate::args::ApplyArgs;
use crate::context::Context;
use crate::input::refuse_terminal;
use crate::output::{AppliedJson, FailedJson, moment, printable};
use crate::texts::read_text;

pub(crate) async fn run(context: &Context<'_>, args: ApplyArgs) -> Result<(), Failure> {
    let ApplyArgs {
        response,
        into,
        out,
        from,
    } = args;
    if out.is_some() {
        refuse_terminal(out.as_deref(), "the content")?;
    }
    if response.as_deref().is_none_or(|response| response == "-") && from.iter().any(|from| from == "-") {
        return Err(Failure::usage(
            "both the response and the sealed file come from standard input",
            "give one of them as a file",
        ));
    }
    let apply = applier(context);
    let (id, taken) = match response
        .as_deref()
        .and_then(|text| text.parse::<RequestId>().ok())
    {
        Some(id) => (id, None),
        None => {
            let text = read_text(context, response.as_deref()).await?;
            let taken = apply.take(&text).await?;
            context.printer.remark(&taken_words(&taken));
            (taken.request, Some(taken))
        }
    };
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
        (None, None) => return keys_are_here(context, id, taken.as_ref()),
    };
    let kept = apply.keys(id).await?;
    let mut outcome = Outcome::default();
    let stopped = open_all(context, &apply, kept, &from, &to, &mut outcome).await;
    if outcome.failed.is_empty() && stopped.is_ok() {
        outcome.finished = apply.finish_if_all_open(id).await?;
    }
    tell(context, id, taken.as_ref(), &to, &outcome, stopped.is_err())?;
    stopped
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
    lines.extend(unopened_words(&taken.unopened));
    lines.join("\n")
}

/// Nobody said where the files shall go.
fn keys_are_here(context: &Context<'_>, id: RequestId, taken: Option<&TakenResponse>) -> Result<(), Failure> {
    let json = AppliedJson::new(id, taken, &[], 0, Vec::new(), false);
    context
        .printer
        .result(&json, || format!("the keys for request {id} are here"))?;
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
        &outcome.opened,
        outcome.before,
        failed.collect(),
        outcome.finished,
    )
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
            ([one], 0) => format!("opened {}", printable(one)),
            (opened, 0) => format!("opened {}", files(opened.len())),
            (opened, before) => format!("opened {}; {} open before", files(opened.len()), files(before)),
        }];
        if outcome.finished {
            lines.push("everything is open; the keys are destroyed".to_owned());
        }
        lines.join("\n")
    };
    match to.is_standard_output() {
        true => context.printer.remark(&words()),
        false => context.printer.result(&json(id, taken, outcome), words)?,
    }
    for (file, failure) in outcome.failed.iter().take(SHOWN) {
        context.printer.important(&format!(
            "not opened: {}: {}",
            printable(file),
            printable(&failure.why)
        ))?;
    }
    if stopped {
        context.printer.important(&format!(
            "nothing is lost: mend what follows, and run: keystead recovery apply {id}"
        ))?;
    }
    match outcome.failed.first() {
        None => Ok(()),
        Some((_, first)) => Err(Failure::new(
            Status::Refused,
            format!("{} could not be opened", files(outcome.failed.len())),
            first.why.clone(),
            format!("{}; then run again: keystead recovery apply {id}", first.fix),
        )),
    }
}
