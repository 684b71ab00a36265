use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::Location;
use keystead_application::use_cases::{
    ApplyResponse, AskForRecovery, FileToRecover, ListedRequest, MadeRequest, OpenBackup, Progressed,
    RequestRecovery,
};
use keystead_domain::RequestId;

use super::send::send;
use super::words::files as words_for;
use crate::Failure;
use crate::args::RequestArgs;
use crate::context::{Context, person, reason};
use crate::host::person_here;
use crate::input::open_input;
use crate::output::{OwnRequestsJson, RequestMadeJson, field_lines, moment, printable, table};
use crate::progress::WorkProgress;
use crate::texts::{TextOut, read_text};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(context: &Context<'_>, args: RequestArgs) -> Result<RequestId, Failure> {
    let RequestArgs {
        mut inputs,
        files_from,
        reason: why,
        asked_by,
        valid_days,
        send: is_sent,
        text: to,
    } = args;
    let tools = context.tools();
    let request = RequestRecovery {
        folder: tools.server_folder.as_ref(),
        cipher: tools.cipher.as_ref(),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    request.check().await?;
    if let Some(list) = &files_from {
        let text = read_text(context, Some(list)).await?;
        inputs.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let ask = AskForRecovery {
        asked_by: match asked_by {
            Some(name) => person(&name)?,
            None => person_here(context)?,
        },
        reason: why.as_deref().map(reason).transpose()?,
        lifetime: DAY * valid_days,
        files: read_headers(context, &inputs).await?,
    };
    if is_sent {
        return send(context, &request, ask, &to).await;
    }
    // What is in the way is found out before a request is made that nobody has the text of.
    let out = TextOut::prepare(context, &to).await?;
    let made = request.run(ask).await.map_err(Failure::from);
    let (made, handed) = out.write(context, made, |made| &made.text).await?;
    let json = RequestMadeJson::new(&made, handed.place.as_deref(), handed.field(&made.text));
    handed.tell(context, &json, words(&made))?;
    context.printer.remark(&format!(
        "next: bring the text to the manager, by file or e-mail; there: keystead recovery receive FILE\n      with the response: keystead recovery apply FILE --into FOLDER (until {})",
        moment(made.expires_at)
    ));
    Ok(made.id)
}

/// The headers alone are read, of files as long as they may be.
async fn read_headers(context: &Context<'_>, inputs: &[String]) -> Result<Vec<FileToRecover>, Failure> {
    let open = OpenBackup {
        format: Arc::clone(&context.tools().format),
    };
    let progress = WorkProgress::counting(&context.printer, "reading headers", inputs.len() as u64);
    let mut files = Vec::with_capacity(inputs.len());
    for (input, done) in inputs.iter().zip(1..) {
        let source = open_input(context, Some(input)).await?;
        let source = open.read_header(source.bytes).await.map_err(|error| {
            let failure = Failure::from(error);
            Failure {
                why: format!("{input}: {}", failure.why),
                ..failure
            }
        })?;
        files.push(FileToRecover {
            name: match input.as_str() {
                "-" => "(through a pipe)".to_owned(),
                _ => input.clone(),
            },
            place: (input != "-").then(|| lasting(input)),
            header: source.header,
            bytes: source.header_bytes,
        });
        progress.at(done);
    }
    Ok(files)
}

/// A path that means the same from another folder; a URL is as it is.
pub(crate) fn lasting(location: &str) -> String {
    let is_url = Location::parse(location).scheme.is_some();
    match (is_url, std::path::absolute(location)) {
        (false, Ok(path)) => path.to_str().map_or_else(|| location.to_owned(), str::to_owned),
        _ => location.to_owned(),
    }
}

pub(super) fn words(made: &MadeRequest) -> String {
    let keyset = |(fingerprint, files): (&keystead_domain::Fingerprint, &usize)| {
        (
            "needs keyset",
            format!("{fingerprint} (for {})", words_for(*files)),
        )
    };
    let mut fields = vec![
        ("request", made.id.to_string()),
        ("digest", made.digest.to_string()),
        ("files", made.files.to_string()),
        ("holds until", moment(made.expires_at)),
    ];
    fields.extend(made.keysets.iter().map(keyset));
    field_lines(&fields)
}

/// The requests of this machine.
pub(crate) async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let tools = context.tools();
    let apply = ApplyResponse {
        folder: tools.server_folder.as_ref(),
        cipher: tools.cipher.as_ref(),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
    };
    let list = apply.list().await?;
    let row = |listed: &ListedRequest| {
        let first = listed.request.files.iter().find_map(|file| file.place.as_deref());
        vec![
            listed.request.id.to_string(),
            moment(listed.request.validity.created_at),
            moment(listed.request.validity.expires_at),
            listed.request.files.len().to_string(),
            state(listed.progressed).to_owned(),
            printable(first.unwrap_or("-")),
        ]
    };
    context
        .printer
        .result(&OwnRequestsJson::new(&list), || match list.is_empty() {
            true => "no request was made here; make one with: keystead recovery request FILE…".to_owned(),
            false => table(
                &["REQUEST", "MADE", "HOLDS UNTIL", "FILES", "STATE", "FIRST FILE"],
                list.iter().map(row).collect(),
            ),
        })
}

pub(crate) fn state(progressed: Progressed) -> &'static str {
    match progressed {
        Progressed::Waiting => "waits for its response",
        Progressed::Keys => "keys are here",
        Progressed::Finished => "all files opened",
        Progressed::Over => "over",
    }
}
