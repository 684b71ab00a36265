use std::sync::Arc;

use keystead_application::use_cases::{BrowseRecoveries, DenyRecovery, RespondRecovery};
use keystead_domain::{Recovery, RecoveryState};
use keystead_wire::routes::{RECOVERIES, below};
use keystead_wire::{DenyRequest, RecoveryJson, RespondRequest, RespondedJson, ShownRecoveryJson};

use super::look::find;
use super::words::{recovery_state, unopened_words};
use crate::Failure;
use crate::args::TextOutArgs;
use crate::context::{Context, OpenInstallation, person, reason};
use crate::host::person_here;
use crate::progress::WorkProgress;
use crate::remote::{Call, Refusal, Remote, wait_for};
use crate::texts::TextOut;

pub(crate) async fn run(
    context: &Context<'_>,
    reference: &str,
    partial: bool,
    to: &TextOutArgs,
) -> Result<(), Failure> {
    let manager = match context.remote() {
        Some(remote) => Manager::there(remote, reference).await?,
        None => Manager::here(context, reference).await?,
    };
    // What is in the way is found out before a private key is used.
    let out = TextOut::prepare(context, to).await?;
    let responded = manager.respond(context, partial).await;
    let (mut answered, handed) = out.write(context, responded, |answered| &answered.text).await?;
    let words = words(&answered);
    answered.json.text = handed.field(&answered.text).map(str::to_owned);
    answered.json.place = handed.place.clone();
    handed.tell(context, &answered.json, words)?;
    context.printer.remark(
        "next: bring the response to the backup server, and there run: keystead recovery apply FILE --into FOLDER",
    );
    Ok(())
}

/// The manager that answers, with the request that it has.
enum Manager<'a> {
    Here(Box<(OpenInstallation, Recovery)>),
    There(&'a Remote, Box<RecoveryJson>),
}

/// What the manager answered, and what is told of the request beside that.
struct Answered {
    json: RespondedJson,
    text: String,
    at: Option<String>,
    files: u32,
    until: Option<String>,
}

impl<'a> Manager<'a> {
    async fn here(context: &Context<'_>, reference: &str) -> Result<Self, Failure> {
        let opened = context.installation().await?;
        let browse = BrowseRecoveries {
            store: opened.store.as_ref(),
        };
        let recovery = browse.find(reference).await?;
        Ok(Self::Here(Box::new((opened, recovery))))
    }

    async fn there(remote: &'a Remote, reference: &str) -> Result<Self, Failure> {
        let shown: ShownRecoveryJson = remote.get(below(RECOVERIES, reference)).await?;
        Ok(Self::There(remote, Box::new(shown.recovery)))
    }

    async fn respond(self, context: &Context<'_>, partial: bool) -> Result<Answered, Failure> {
        let count = match &self {
            Self::Here(here) => here.1.files,
            Self::There(_, recovery) => recovery.file_count,
        };
        let progress = WorkProgress::counting(&context.printer, "opening key slots", u64::from(count));
        match self {
            Self::Here(here) => {
                let (opened, recovery) = *here;
                respond_here(context, &opened, &recovery, partial, &progress).await
            }
            Self::There(remote, recovery) => {
                respond_there(context, remote, &recovery.id, partial, &progress).await
            }
        }
    }
}

async fn respond_here(
    context: &Context<'_>,
    opened: &OpenInstallation,
    recovery: &Recovery,
    partial: bool,
    progress: &WorkProgress,
) -> Result<Answered, Failure> {
    let tools = context.tools();
    let respond = RespondRecovery {
        store: opened.store.as_ref(),
        master_key: opened.master_key.as_ref(),
        rsa: tools.rsa.as_ref(),
        format: Arc::clone(&tools.format),
        cipher: tools.cipher.as_ref(),
        trust: context.trust(&opened.installation),
        clock: tools.clock.as_ref(),
    };
    let responded = respond
        .run(&context.actor(), recovery.id, partial, &|done| progress.at(done))
        .await?;
    let (at, until) = match &responded.recovery.state {
        RecoveryState::Answered { at, until, .. } => (Some(at.to_string()), Some(until.to_string())),
        RecoveryState::Waiting | RecoveryState::Denied { .. } => (None, None),
    };
    Ok(Answered {
        json: RespondedJson::new(&responded, None, None),
        files: responded.recovery.files,
        text: responded.text,
        at,
        until,
    })
}

async fn respond_there(
    context: &Context<'_>,
    remote: &Remote,
    id: &str,
    partial: bool,
    progress: &WorkProgress,
) -> Result<Answered, Failure> {
    let path = below(RECOVERIES, id);
    let call = Call::post(format!("{path}/response"))
        .json(&RespondRequest { partial })?
        .once(context.tools())?;
    let job = remote.call(call).await?.json()?;
    let look =
        format!("the response is fetched, once it is there, with: keystead recovery respond {id} -o FILE");
    let mut json: RespondedJson = wait_for(remote, &context.printer, job, progress, &look).await?;
    let text = json.text.take();
    let text = text.ok_or_else(|| Refusal::NotUnderstood("it gives no response".to_owned()))?;
    let shown: ShownRecoveryJson = remote.get(path).await?;
    let RecoveryJson {
        decided_at,
        response_until,
        file_count,
        ..
    } = shown.recovery;
    Ok(Answered {
        json,
        text,
        at: decided_at,
        files: file_count,
        until: response_until,
    })
}

fn words(answered: &Answered) -> String {
    let Answered {
        json,
        text: _,
        at,
        files,
        until,
    } = answered;
    let state = super::words::answered(at.as_deref(), json.opened, *files, until.as_deref());
    let mut lines = vec![match json.again {
        true => format!("{state}; this is the same response again"),
        false => state,
    }];
    lines.extend(unopened_words(&json.unopened));
    lines.join("\n")
}

pub(crate) async fn deny(
    context: &Context<'_>,
    reference: &str,
    why: &str,
    by: Option<&str>,
) -> Result<(), Failure> {
    let why = reason(why)?;
    let denied: RecoveryJson = match context.remote() {
        Some(remote) => {
            let request = DenyRequest {
                reason: why.to_string(),
            };
            let path = format!("{}/deny", below(RECOVERIES, reference));
            remote.post(path, &request).await?
        }
        None => {
            let by = match by {
                Some(by) => person(by)?,
                None => person_here(context)?,
            };
            let (store, _) = context.looking().await?;
            let id = find(store.as_ref(), reference).await?;
            let deny = DenyRecovery {
                store: store.as_ref(),
                clock: context.tools().clock.as_ref(),
            };
            let (denied, server) = deny.run(&context.actor(), id, &by, &why).await?;
            RecoveryJson::new(&denied, &server)
        }
    };
    context.printer.result(&denied, || {
        recovery_state(&denied, None, context.tools().clock.now())
    })
}
