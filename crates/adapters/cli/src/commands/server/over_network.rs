//! On the backup server: all of its enrolment over the network, with a one-time code of the manager.

use keystead_application::Status;
use keystead_application::use_cases::ServerState;
use keystead_wire::routes::ENROLMENTS;
use keystead_wire::{EnrolByCodeRequest, EnrolledJson};

use super::enroll::identity;
use super::server_name;
use super::trust::{ask, tell, truster};
use crate::Failure;
use crate::args::EnrollArgs;
use crate::context::Context;
use crate::progress::WorkProgress;
use crate::remote::{Credential, Refusal, Remote, address, remembered_address};
use crate::secrets::{code, to_send};
use crate::texts::expected;

pub(super) async fn run(context: &Context<'_>, args: EnrollArgs) -> Result<(), Failure> {
    let EnrollArgs {
        file: _,
        name,
        expect_fingerprint,
        manager,
        code_file,
        new_identity,
        text: _,
    } = args;
    let address = address(&manager.unwrap_or_default(), context.certificate())?;
    let name = name.as_deref().map(server_name).transpose()?;
    let expected = expect_fingerprint.as_deref().map(expected).transpose()?;
    // A code is used up by the first try, so all that can be refused is refused before.
    if expected.is_none() && !context.terminal.is_interactive() {
        return Err(Failure::new(
            Status::Refused,
            "this machine was not enrolled",
            "the manager's fingerprint has to be compared, none was given, and there is no terminal to ask at",
            "give --expect-fingerprint; at the manager, keystead server code prints it beside the code",
        ));
    }
    let remote = Remote::new(context.wiring.transport(&address)?, Credential::Nobody);
    let code = to_send(&code(context, code_file.as_deref())?)?;
    let (_, made) = identity(context, name, new_identity).await?;
    let request = EnrolByCodeRequest {
        code,
        enrolment: made.text,
    };
    let progress = WorkProgress::begin(&context.printer, "asking the manager");
    let enrolled = remote.post::<EnrolledJson>(ENROLMENTS, &request).await;
    drop(progress);
    let Some(text) = enrolled?.text else {
        return Err(Refusal::NotUnderstood("it gives no confirmation".to_owned()).into());
    };
    let confirmation = truster(context).examine(&text)?;
    let trusted = ask(context, &confirmation, expected.as_ref())
        .await
        .map_err(code_is_used)?;
    let state = ServerState {
        folder: context.tools().server_folder.as_ref(),
    };
    state.remember_manager(&remembered_address(&address)).await?;
    tell(context, &confirmation, &trusted)
}

/// Whoever did not trust the manager needs another code for the next try.
fn code_is_used(failure: Failure) -> Failure {
    let fix = format!(
        "{}; the code is used up: when the manager is the right one, ask it for another, with: keystead server code",
        failure.fix
    );
    Failure { fix, ..failure }
}
