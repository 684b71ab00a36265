use keystead_application::Status;
use keystead_application::ports::ShareCapabilities;
use keystead_application::use_cases::{BackupError, ShareStep, TestShare};
use keystead_wire::routes::{SHARES, below};
use keystead_wire::{ShareJson, ShareTestJson, SharesJson, StepJson};

use crate::Failure;
use crate::context::Context;
use crate::output::{printable, table};
use crate::progress::WorkProgress;
use crate::remote::{Call, Refusal, Remote};

pub(crate) async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let shares = match context.remote() {
        Some(remote) => remote.get(SHARES).await?,
        None => SharesJson::from(context.tools().shares.configured()),
    };
    context.printer.result(&shares, || {
        if shares.shares.is_empty() {
            return "no share is configured; config/default.toml shows how, in its section shares".to_owned();
        }
        let row = |share: &ShareJson| {
            vec![
                share.name.clone(),
                share.url.clone(),
                share.username.clone().unwrap_or_else(|| "-".to_owned()),
                match share.read_only {
                    true => "read-only",
                    false => "read and write",
                }
                .to_owned(),
            ]
        };
        table(
            &["NAME", "URL", "USER", "ACCESS"],
            shares.shares.iter().map(row).collect(),
        )
    })
}

pub(crate) async fn test(context: &Context<'_>, share: &str) -> Result<(), Failure> {
    let progress = WorkProgress::begin(&context.printer, "trying out the share");
    let tested = match context.remote() {
        Some(remote) => test_there(remote, share).await,
        None => test_here(context, share).await,
    };
    drop(progress);
    let (tested, failure) = tested?;
    context.printer.result(&tested, || words(&tested))?;
    match failure {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

/// What was found, and the failure that ended it.
type Tested = (ShareTestJson, Option<Failure>);

async fn test_here(context: &Context<'_>, share: &str) -> Result<Tested, Failure> {
    let tools = context.tools();
    let test = TestShare {
        shares: &tools.shares,
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
        temporaries: &tools.temporaries,
    };
    let tested = test
        .run(&location(context, share))
        .await
        .map_err(BackupError::from)?;
    Ok((
        ShareTestJson::from(&tested),
        tested.into_failure().map(Failure::from),
    ))
}

async fn test_there(remote: &Remote, share: &str) -> Result<Tested, Failure> {
    if share.contains(['/', ':']) {
        return Err(Failure::usage(
            "a manager elsewhere tries out the shares of its own configuration, by their names",
            "give the name alone; keystead share list lists them",
        ));
    }
    let path = format!("{}/test", below(SHARES, share));
    let mut tested: ShareTestJson = remote.call(Call::post(path)).await?.json()?;
    let failure = match (tested.problem.take(), tested.steps.iter().find(|step| !step.done)) {
        (Some(problem), _) => Some(Refusal::Problem(Box::new(problem)).into()),
        (None, Some(step)) => Some(Failure::new(
            Status::Refused,
            "the share does not work",
            step.why
                .clone()
                .unwrap_or_else(|| format!("this failed: {}", step_words(step))),
            "mend what the reason names, and try again",
        )),
        (None, None) => None,
    };
    Ok((tested, failure))
}

/// `nas` and `nas/folder` are on the share of that name; a path says that it is one.
fn location(context: &Context<'_>, text: &str) -> String {
    let name = text.split('/').next().unwrap_or_default();
    let is_configured = context
        .tools()
        .shares
        .configured()
        .iter()
        .any(|share| share.name == name);
    let is_place = text.contains(':') || text.starts_with(['/', '.']);
    match (is_configured || !is_place, text.contains('/')) {
        (true, true) => format!("share:{text}"),
        (true, false) => format!("share:{text}/"),
        (false, _) => text.to_owned(),
    }
}

fn words(test: &ShareTestJson) -> String {
    let row = |step: &StepJson| {
        vec![
            step_words(step),
            if step.done { "done" } else { "failed" }.to_owned(),
            format!("{:.1} ms", step.milliseconds),
        ]
    };
    let mut text = table(&["STEP", "RESULT", "TIME"], test.steps.iter().map(row).collect());
    let is_sound = test.steps.iter().all(|step| step.done);
    if is_sound {
        text.push_str(&format!("\n\n{}: ", printable(&test.place)));
    }
    if is_sound && test.promises.is_none() {
        text.push_str("can be looked at; it is configured as read-only, and nothing was written");
    }
    if let Some(promises) = test.promises.filter(|_| is_sound) {
        let missing: Vec<&str> = ShareCapabilities::from(promises).missing().collect();
        text.push_str(&match missing.is_empty() {
            true => "promises everything that an export can ask for".to_owned(),
            false => format!("works, but does not promise\n  {}", missing.join("\n  ")),
        });
    }
    text
}

/// A step in words; one that a newer manager has is told by its name.
fn step_words(step: &StepJson) -> String {
    const STEPS: [ShareStep; 8] = [
        ShareStep::Connect,
        ShareStep::Look,
        ShareStep::Write,
        ShareStep::Publish,
        ShareStep::ReadBack,
        ShareStep::Keep,
        ShareStep::Replace,
        ShareStep::Remove,
    ];
    let known = STEPS.iter().find(|known| known.id() == step.step);
    known.map_or_else(|| printable(&step.step), ToString::to_string)
}
