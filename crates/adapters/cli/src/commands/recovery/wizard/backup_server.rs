//! The steps on a backup server.

use keystead_application::ports::{EntryKind, LocatedShare};
use keystead_application::use_cases::{BackupError, OwnState, ServerError};

use super::super::{apply, request};
use super::{Stop, Then, ask, ask_for_place, ask_for_text, choose, told};
use crate::Failure;
use crate::args::{ApplyArgs, DAYS, EnrollArgs, RequestArgs, ServerCommand, TextOutArgs};
use crate::commands::server::{self, own_state};
use crate::context::Context;
use crate::output::printable;

#[derive(Clone, Copy)]
enum Step {
    Enrol,
    Trust,
    Request,
    Apply,
    List,
}

pub(super) async fn step(context: &Context<'_>) -> Result<Then, Stop> {
    let steps: &[_] = match own_state(context).await? {
        OwnState { manager: Some(_), .. } => &[
            (
                Step::Request,
                "ask for the keys of sealed files whose password is lost",
            ),
            (
                Step::Apply,
                "apply the response of the manager, and open the files",
            ),
            (Step::List, "see the requests of this machine"),
        ],
        OwnState { identity, .. } => {
            context.printer.important(
                "This machine is not enrolled with a manager yet. It needs that once, before anything can be recovered here.",
            )?;
            if identity.is_none() {
                context
                    .printer
                    .important("(If it is to be the manager itself: keystead init.)")?;
            }
            &[
                (Step::Enrol, "make the text that enrols this machine"),
                (
                    Step::Trust,
                    "trust the manager, with the confirmation that it wrote",
                ),
            ]
        }
    };
    let step = choose(context, "What is to be done on this backup server?", steps)?;
    told(take(context, step).await)
}

async fn take(context: &Context<'_>, step: Step) -> Result<Then, Stop> {
    match step {
        Step::Enrol => {
            let text = ask_for_place(context, "the enrolment", "enrolment.txt")?;
            enroll(context, None, text).await?;
            Ok(Then::Over)
        }
        Step::Trust => {
            let file = ask_for_text(context, "file with the confirmation")?;
            let nowhere = TextOutArgs {
                out: None,
                overwrite: false,
            };
            enroll(context, Some(file), nowhere).await?;
            Ok(Then::Menu)
        }
        Step::Request => {
            let args = RequestArgs {
                inputs: sealed_files(context).await?,
                files_from: None,
                reason: Some(ask(context, "what for (the officers read it)")?)
                    .filter(|reason| !reason.is_empty()),
                asked_by: None,
                valid_days: DAYS,
                send: false,
                text: ask_for_place(context, "the request", "request.txt")?,
            };
            request::run(context, args).await?;
            Ok(Then::Over)
        }
        Step::Apply => {
            let prompt =
                "file with the response; or the id of a request whose response was applied before, to go on";
            let args = ApplyArgs {
                response: Some(ask_for_text(context, prompt)?),
                fetch: None,
                into: None,
                out: None,
                from: Vec::new(),
            };
            apply::run(context, args).await?;
            Ok(Then::Over)
        }
        Step::List => {
            request::list(context).await?;
            Ok(Then::Menu)
        }
    }
}

async fn enroll(context: &Context<'_>, file: Option<String>, text: TextOutArgs) -> Result<(), Failure> {
    let args = EnrollArgs {
        file,
        name: None,
        expect_fingerprint: None,
        manager: None,
        code_file: None,
        new_identity: false,
        text,
    };
    server::run(context, ServerCommand::Enroll(args)).await
}

/// One file in each line, so that names with blanks are names.
async fn sealed_files(context: &Context<'_>) -> Result<Vec<String>, Stop> {
    context
        .printer
        .important("Name the sealed files, one in each line, and an empty line after the last.")?;
    let mut files = Vec::new();
    loop {
        let file = ask(context, "sealed file")?;
        if file.is_empty() && files.is_empty() {
            return Err(Failure::from(ServerError::NoFiles).into());
        }
        if file.is_empty() {
            return Ok(files);
        }
        match obstacle(context, &file).await {
            None => files.push(file),
            Some(obstacle) => context
                .printer
                .important(&format!("{}: {obstacle}", printable(&file)))?,
        }
    }
}

/// Why there is no file at a location, as far as that is to be seen.
async fn obstacle(context: &Context<'_>, location: &str) -> Option<String> {
    if let Ok(found) = tokio::fs::metadata(location).await {
        return found.is_dir().then(a_folder);
    }
    let found = match context.tools().shares.locate(location).await {
        Ok(LocatedShare { share, path }) => share.stat(&path).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(EntryKind::Folder)) => Some(a_folder()),
        Ok(Some(_)) => None,
        Ok(None) => Some("there is no such file".to_owned()),
        Err(error) => Some(printable(&Failure::from(BackupError::from(error)).why)),
    }
}

fn a_folder() -> String {
    "that is a folder; name the sealed files in it".to_owned()
}
