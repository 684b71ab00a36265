//! Requests and responses on their way between this backup server and its manager.

use keystead_application::Status;
use keystead_application::use_cases::{AskForRecovery, MadeRequest, RequestRecovery, ServerError};
use keystead_domain::RequestId;
use keystead_wire::routes::{OWN_RECOVERIES, below};
use keystead_wire::{OwnRecoveryJson, ReceiveRequest, RecoveryStateJson};

use super::request::words;
use crate::Failure;
use crate::args::TextOutArgs;
use crate::context::Context;
use crate::output::{RequestMadeJson, moment, printable};
use crate::remote::{Call, Refusal, Remote, own_manager};
use crate::texts::{Handed, TextOut, hand_over};

/// Makes a request and sends it. Its text is written only where somebody wants it, or when it could not be sent: nobody can
/// make the same request again.
pub(super) async fn send(
    context: &Context<'_>,
    request: &RequestRecovery<'_>,
    ask: AskForRecovery,
    to: &TextOutArgs,
) -> Result<RequestId, Failure> {
    let manager = own_manager(context).await?;
    let out = match &to.out {
        Some(_) => Some(TextOut::prepare(context, to).await?),
        None => None,
    };
    let made = request.run(ask).await.map_err(Failure::from);
    let (made, handed) = match out {
        Some(out) => {
            let (made, handed) = out.write(context, made, |made| &made.text).await?;
            (made, Some(handed))
        }
        None => (made?, None),
    };
    match post(context, &manager, &made).await {
        Ok(received) => tell(context, &made, handed, &received)?,
        Err(failure) => return Err(not_sent(context, &made, handed, to, failure).await),
    }
    Ok(made.id)
}

async fn post(
    context: &Context<'_>,
    manager: &Remote,
    made: &MadeRequest,
) -> Result<OwnRecoveryJson, Failure> {
    let request = ReceiveRequest {
        text: made.text.clone(),
    };
    // A request has one id; the manager does not take it in twice.
    let call = Call::post(OWN_RECOVERIES).json(&request)?.once(context.tools())?;
    Ok(manager.call(call).await?.json()?)
}

fn tell(
    context: &Context<'_>,
    made: &MadeRequest,
    handed: Option<Handed>,
    received: &OwnRecoveryJson,
) -> Result<(), Failure> {
    let place = handed.and_then(|handed| handed.place);
    let json = RequestMadeJson::sent(made, place.as_deref());
    context.printer.result(&json, || {
        let mut words = words(made);
        if let Some(place) = &place {
            words.push_str(&format!("\nwritten to: {}", printable(place)));
        }
        words.push_str(&format!(
            "\nsent to the manager: {} of {} approved",
            received.approvals_given, received.approvals_needed
        ));
        words
    })?;
    let (id, until) = (made.id, moment(made.expires_at));
    context.printer.remark(&format!(
        "next: when officers have approved it and it is answered: keystead recovery apply --fetch {id} --into FOLDER (until {until})"
    ));
    Ok(())
}

/// The request is there all the same, and its text goes another way.
async fn not_sent(
    context: &Context<'_>,
    made: &MadeRequest,
    handed: Option<Handed>,
    to: &TextOutArgs,
    failure: Failure,
) -> Failure {
    let handed = match handed {
        Some(handed) => Ok(handed),
        None => hand_over(context, to, &made.text).await,
    };
    let told = match handed {
        Ok(handed) => {
            let json = RequestMadeJson::new(made, handed.place.as_deref(), handed.field(&made.text));
            handed.tell(context, &json, words(made))
        }
        Err(failure) => Err(failure),
    };
    match told {
        Ok(()) => Failure {
            what: "the request was made, and not sent".to_owned(),
            fix: format!(
                "bring the text that was written to the manager by file or e-mail; or mend it ({}) and make another request",
                failure.fix
            ),
            ..failure
        },
        // Nobody has the text: that is worse.
        Err(failure) => failure,
    }
}

/// The response to a request of this machine, once there is one.
pub(super) async fn fetch(
    context: &Context<'_>,
    id: Option<RequestId>,
    reference: &str,
) -> Result<String, Failure> {
    let id = id.ok_or_else(|| Failure::from(ServerError::NoSuchRequest(reference.to_owned())))?;
    let manager = own_manager(context).await?;
    let own: OwnRecoveryJson = manager.get(below(OWN_RECOVERIES, &id.to_string())).await?;
    let no_response = |why: String, fix: &str| {
        Err(Failure::new(
            Status::Refused,
            "there is no response to apply",
            why,
            fix,
        ))
    };
    match (own.state, own.response) {
        (_, Some(text)) => Ok(text),
        (RecoveryStateJson::Waiting, None) => no_response(
            format!(
                "request {id} is not answered yet: {} of {} approved",
                own.approvals_given, own.approvals_needed
            ),
            "wait until the officers have approved it and it is answered, then run this again",
        ),
        (RecoveryStateJson::Denied, None) => no_response(
            format!("request {id} was denied"),
            "ask the people who decide why; then make another request",
        ),
        (RecoveryStateJson::Answered, None) => Err(Refusal::NotUnderstood(
            "it gives no response to a request that it answered".to_owned(),
        )
        .into()),
    }
}
