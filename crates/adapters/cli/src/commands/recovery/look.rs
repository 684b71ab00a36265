use std::sync::Arc;

use keystead_application::ports::Store;
use keystead_application::use_cases::{BrowseRecoveries, ReceiveRequest, ShowRecovery};
use keystead_domain::{Installation, Permission, RequestId};
use keystead_wire::routes::{RECOVERIES, below, with_query};
use keystead_wire::{ListedRecoveryJson, OriginsJson, RecoveriesJson, RecoveryStateJson, ShownRecoveryJson};

use super::words::{next, recovery_state, words};
use crate::Failure;
use crate::context::Context;
use crate::output::{moment, table, write_out};
use crate::progress::WorkProgress;
use crate::remote::{self, Call};
use crate::texts::read_text;

/// Takes in a request, shows it, and gives its id.
pub(crate) async fn receive(context: &Context<'_>, file: Option<&str>) -> Result<String, Failure> {
    let text = read_text(context, file).await?;
    let progress = WorkProgress::begin(&context.printer, "verifying the request");
    let received = match context.remote() {
        Some(remote) => {
            let request = keystead_wire::ReceiveRequest { text };
            remote.post(RECOVERIES, &request).await
        }
        None => receive_here(context, &text).await,
    };
    drop(progress);
    let received = received?;
    tell(context, &received)?;
    Ok(received.recovery.id)
}

async fn receive_here(context: &Context<'_>, text: &str) -> Result<ShownRecoveryJson, Failure> {
    let (store, installation) = context.looking().await?;
    let receive = ReceiveRequest {
        store: store.as_ref(),
        trust: context.trust(&installation),
        clock: context.tools().clock.as_ref(),
    };
    let (recovery, _) = receive.run(&context.actor(), text).await?;
    look_closely(context, store.as_ref(), &installation, recovery.id).await
}

pub(crate) async fn list(context: &Context<'_>, limit: u32) -> Result<(), Failure> {
    let list = match context.remote() {
        Some(remote) => remote::recoveries(remote, Some(limit)).await?,
        None => {
            let store = context.reading().await?;
            let browse = BrowseRecoveries {
                store: store.as_ref(),
            };
            RecoveriesJson::new(&browse.list(None, limit).await?, None)
        }
    };
    let now = context.tools().clock.now();
    let row = |listed: &ListedRecoveryJson| {
        let ListedRecoveryJson {
            recovery,
            approvals_given,
            approvals_needed,
        } = listed;
        vec![
            recovery.id.clone(),
            recovery.server_name.clone(),
            recovery.asked_by.clone(),
            recovery.file_count.to_string(),
            moment(&recovery.received_at),
            recovery_state(recovery, Some((*approvals_given, *approvals_needed)), now),
        ]
    };
    context
        .printer
        .result(&list, || match list.recoveries.is_empty() {
            true => "there is no recovery request; one is taken in with: keystead recovery receive FILE"
                .to_owned(),
            false => table(
                &["REQUEST", "SERVER", "ASKED BY", "FILES", "RECEIVED", "STATE"],
                list.recoveries.iter().map(row).collect(),
            ),
        })
}

pub(crate) async fn show(context: &Context<'_>, reference: &str) -> Result<(), Failure> {
    tell(context, &shown(context, reference).await?)
}

/// A request, seen closely.
pub(crate) async fn shown(context: &Context<'_>, reference: &str) -> Result<ShownRecoveryJson, Failure> {
    if let Some(remote) = context.remote() {
        return remote.get(below(RECOVERIES, reference)).await;
    }
    let (store, installation) = context.looking().await?;
    let id = find(store.as_ref(), reference).await?;
    look_closely(context, store.as_ref(), &installation, id).await
}

/// What became of a request.
pub(crate) async fn find_state(context: &Context<'_>, reference: &str) -> Result<RecoveryStateJson, Failure> {
    if let Some(remote) = context.remote() {
        let shown: ShownRecoveryJson = remote.get(below(RECOVERIES, reference)).await?;
        return Ok(shown.recovery.state);
    }
    let store = context.reading().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    Ok((&browse.find(reference).await?.state).into())
}

pub(crate) async fn find(store: &dyn Store, reference: &str) -> Result<RequestId, Failure> {
    Ok(BrowseRecoveries { store }.find(reference).await?.id)
}

async fn look_closely(
    context: &Context<'_>,
    store: &dyn Store,
    installation: &Installation,
    id: RequestId,
) -> Result<ShownRecoveryJson, Failure> {
    let shown = shower(context, store, installation).run(id).await?;
    Ok(ShownRecoveryJson::from(&shown))
}

pub(crate) async fn print_statement(
    context: &Context<'_>,
    reference: &str,
    permission: Permission,
) -> Result<(), Failure> {
    // Exactly these bytes are signed.
    write_out(&statement(context, reference, permission).await?)
}

/// What officers sign.
pub(crate) async fn statement(
    context: &Context<'_>,
    reference: &str,
    permission: Permission,
) -> Result<String, Failure> {
    if let Some(remote) = context.remote() {
        let path = format!("{}/statement", below(RECOVERIES, reference));
        let retired = permission.retired_identity.then(|| "true".to_owned());
        let origins = (permission.origins != keystead_domain::Origins::Own)
            .then(|| word(OriginsJson::from(permission.origins)).to_owned());
        let path = with_query(&path, &[("origins", origins), ("retired_identity", retired)]);
        let answer = remote.call(Call::get(path).accepting("text/plain")).await?;
        return Ok(answer.text()?.to_owned());
    }
    let (store, installation) = context.looking().await?;
    let id = find(store.as_ref(), reference).await?;
    let show = shower(context, store.as_ref(), &installation);
    Ok(show.statement(id, permission).await?)
}

/// The words of the API for whose files may be opened.
fn word(origins: OriginsJson) -> &'static str {
    match origins {
        OriginsJson::Own => "own",
        OriginsJson::OwnOrUnnamed => "unnamed",
        OriginsJson::Any => "others",
    }
}

pub(crate) fn shower<'a>(
    context: &'a Context<'_>,
    store: &'a dyn Store,
    installation: &'a Installation,
) -> ShowRecovery<'a> {
    ShowRecovery {
        store,
        trust: context.trust(installation),
        format: Arc::clone(&context.tools().format),
    }
}

fn tell(context: &Context<'_>, shown: &ShownRecoveryJson) -> Result<(), Failure> {
    let now = context.tools().clock.now();
    context.printer.result(shown, || words(shown, now))?;
    if let Some(next) = next(shown, now) {
        context.printer.remark(&format!("\nnext: {next}"));
    }
    Ok(())
}
