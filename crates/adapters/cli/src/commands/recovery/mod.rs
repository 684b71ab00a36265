mod apply;
mod approve;
mod look;
mod request;
mod respond;
mod restore;
mod send;
mod wizard;
mod words;

pub(crate) use apply::applier;
pub(crate) use request::lasting;

use crate::Failure;
use crate::args::{AllowArgs, RecoveryCommand};
use crate::commands::server::{is_backup_server_only, own_state};
use crate::context::Context;
use keystead_domain::{Origins, Permission};

pub(crate) async fn run(context: &Context<'_>, command: Option<RecoveryCommand>) -> Result<(), Failure> {
    let Some(command) = command else {
        return wizard::run(context).await;
    };
    match command {
        RecoveryCommand::Request(args) => request::run(context, args).await.map(|_| ()),
        RecoveryCommand::Receive { file } => look::receive(context, file.as_deref()).await.map(|_| ()),
        RecoveryCommand::List { limit } => list(context, limit).await,
        RecoveryCommand::Show {
            request,
            statement,
            allow,
        } => match statement {
            true => look::print_statement(context, &request, permission(allow)).await,
            false => look::show(context, &request).await,
        },
        RecoveryCommand::Approve(args) => approve::run(context, args).await,
        RecoveryCommand::Deny { request, reason, by } => {
            respond::deny(context, &request, &reason, by.as_deref()).await
        }
        RecoveryCommand::Respond {
            request,
            partial,
            text,
        } => respond::run(context, &request, partial, &text).await,
        RecoveryCommand::Apply(args) => apply::run(context, args).await,
    }
}

async fn list(context: &Context<'_>, limit: u32) -> Result<(), Failure> {
    if context.remote().is_some() {
        return look::list(context, limit).await;
    }
    if is_backup_server_only(context).await? {
        return request::list(context).await;
    }
    look::list(context, limit).await?;
    // A manager may be a backup server too; programs ask for one list.
    match own_state(context).await?.identity {
        Some(_) if !context.printer.is_json() => request::list(context).await,
        _ => Ok(()),
    }
}

fn permission(allow: AllowArgs) -> Permission {
    let AllowArgs {
        allow_unnamed,
        allow_other_servers,
        allow_retired_identity,
    } = allow;
    Permission {
        origins: match (allow_other_servers, allow_unnamed) {
            (true, _) => Origins::Any,
            (false, true) => Origins::OwnOrUnnamed,
            (false, false) => Origins::Own,
        },
        retired_identity: allow_retired_identity,
    }
}
